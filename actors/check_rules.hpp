#pragma once

#include "messages/catalogue.hpp"
#include "messages/record_scan.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

/// One column against constants.
struct comparison {
  enum class relation : std::uint8_t { equal, different, less, at_most, greater, at_least };
  std::string column;
  relation is = relation::equal;
  bool is_text = false;               ///< The constants are texts, and not numbers.
  std::vector<std::string> constants; ///< It must hold for one of them.
};

/// Reads a check constraint, as pg_get_expr writes it, that is a comparison or several joined by AND: then
/// one that fails is enough. Nothing for any other.
std::optional<std::vector<comparison>> read_check(std::string_view rule);

/// Whether the comparison fails for certain, when this value, which the column takes, is stored. It must be
/// the comparison of that column.
bool fails(const comparison& what, const catalogue_column& column, const scanned_value& value);

} // namespace chasqui
