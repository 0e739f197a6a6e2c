#pragma once

#include "actors/table_rules.hpp"

#include <cstddef>
#include <string>
#include <unordered_map>

namespace chasqui {

/// The keys that one transaction has inserted so far. A second row with the same key is refused for certain,
/// as long as nothing between them may have taken the first one away.
class written_keys {
public:
  /// The next step. `table` is null if nothing is known about it.
  fault add(const table_rules* table, const step& s, const json_path& path);

private:
  struct place {
    std::size_t step;
    std::size_t row;
  };
  fault add_row(const table_rules& table, const record& row, place at, const json_path& path);

  std::size_t steps_ = 0;
  std::unordered_map<std::string, place> places_; ///< By table, columns and values.
};

} // namespace chasqui
