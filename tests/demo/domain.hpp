#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace chasqui::night {

/// The tables that a night writes, in the order of their references.
enum class table : std::uint8_t { obs_unit, executed_obs_unit, raw_data_package, raw_data_file };

constexpr std::array<std::string_view, 4> table_names{"obs_unit", "executed_obs_unit", "raw_data_package",
                                                      "raw_data_file"};

constexpr std::string_view name(table t) { return table_names[static_cast<std::size_t>(t)]; }

/// A row as it should be once its transaction has been applied. `contents` is what the audit compares: the
/// values that matter, joined by `|`.
struct written_row {
  table in = table::obs_unit;
  std::string id;
  std::string contents;
};

/// Rows of the four tables: id → contents.
using domain_rows = std::array<std::map<std::string, std::string, std::less<>>, table_names.size()>;

inline auto& rows_of(domain_rows& all, table t) { return all[static_cast<std::size_t>(t)]; }
inline const auto& rows_of(const domain_rows& all, table t) { return all[static_cast<std::size_t>(t)]; }

/// How many rows there are in all.
inline std::size_t row_count(const domain_rows& all) {
  std::size_t sum = 0;
  for (const auto& rows : all)
    sum += rows.size();
  return sum;
}

} // namespace chasqui::night
