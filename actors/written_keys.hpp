#pragma once

#include "actors/table_rules.hpp"

#include <map>
#include <string>

namespace chasqui {

/// The keys that one transaction has inserted so far. A second row with the same key is refused for certain,
/// as long as nothing between them may have taken the first one away.
class written_keys {
public:
  /// The next step. `table` is null if nothing is known about it.
  fault add(const table_rules* table, const step& s, const json_path& path);

private:
  fault add_row(const table_rules& table, const record& row, const json_path& path);

  std::map<std::string, std::string>
      places_; ///< By table, columns and values: where it stands in the transaction.
};

} // namespace chasqui
