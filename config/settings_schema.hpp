#pragma once

#include "config/settings.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace chasqui {

/// A member of `settings`; its type says what its key takes.
using setting_member = std::variant<std::string*, std::vector<std::string>*, milliseconds*, std::uint16_t*,
                                    std::uint32_t*, std::uint64_t*>;

/// Numbers that a key takes, both ends included.
struct setting_range {
  std::int64_t min = 0;
  std::int64_t max = 0;
};

/// Everything there is to know about one key.
struct setting_key {
  std::string_view name; ///< `table.key`, or `key` at the top.
  setting_member (*member)(settings&);
  std::string_view description; ///< What it means: a sentence without its full stop.
  setting_range range{};        ///< Numbers only.
  std::string_view unit{};      ///< Numbers only, in the plural; durations are milliseconds anyway.
  bool required = false;        ///< Texts and lists only: must not be empty.
  std::string_view example{};   ///< What the example file sets it to, where the default would not do.
  std::string (*refuse)(const std::string& item) =
      nullptr; ///< What is wrong with a text, or with one item of a list; "" when nothing is.
};

/// All keys, in the order of the example file; those of one table stand together.
std::span<const setting_key> setting_keys();

/// The key of that name; null when there is none.
const setting_key* find_setting(std::string_view name);

/// The table's name, `buffer` of `buffer.submit_deadline_ms`; "" for a key at the top.
std::string_view table_of(const setting_key& key);

/// The name without its table.
std::string_view short_name_of(const setting_key& key);

/// The variable of the environment that sets it: `CHASQUI_BUFFER_SUBMIT_DEADLINE_MS`.
std::string environment_name_of(const setting_key& key);

/// What a value must be, such as `an integer number of milliseconds`.
std::string kind_of(const setting_key& key);

/// The unit of a number, in the plural; "" when it has none.
std::string_view unit_of(const setting_key& key);

/// That the value given is something else: `KEY must be KIND`.
std::string wrong_kind(const setting_key& key);

/// Each of these answers "" or what is wrong with the value, and leaves the
/// member alone then.
std::string set_number(const setting_key& key, settings& s, std::int64_t value);
std::string set_text(const setting_key& key, settings& s, const std::string& value);
std::string set_list(const setting_key& key, settings& s, std::vector<std::string> items);

/// As the environment and flags say it: numbers in digits, lists comma separated.
std::string set_from_text(const setting_key& key, settings& s, const std::string& text);

} // namespace chasqui
