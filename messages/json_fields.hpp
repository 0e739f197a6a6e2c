#pragma once

#include "messages/fault.hpp"
#include "messages/json_tape.hpp"
#include "messages/json_text.hpp"
#include "messages/transaction.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace chasqui {

// The steps of reading a transaction. Each returns the fault that names the first offending field, or none.

/// `message` is what follows the field's name: `must be a string`.
fault refuse(fault_code code, const json_path& path, std::string_view message);

fault require_kind(json_value value, const json_path& path, json_kind kind);

/// At most `count_max` values in this array.
fault require_at_most(json_value array, const json_path& path, std::size_t count_max);

/// The members of `object` by name: `found[i]` is the one called `names[i]`. Any other name and any
/// repetition is refused.
fault read_fields(json_value object, const json_path& path, std::span<const std::string_view> names,
                  std::span<json_value> found);

/// A key that `object` has more than once.
std::optional<std::string_view> repeated_key(json_value object);

/// A name that PostgreSQL can keep whole.
fault check_name(std::string_view name, const json_path& path, const transaction_limits& limits);

/// A UUID that is not nil.
fault read_uuid(json_value value, const json_path& path, uuid& out);

/// Column values: an object with at least one member.
fault read_record(json_value value, const json_path& path, const transaction_limits& limits, record& out);

/// One step of a transaction.
fault read_step(json_value value, const json_path& path, const transaction_limits& limits, step& out);

/// The canonical form of a step.
void append_step(std::string& out, const step& s);

} // namespace chasqui
