#pragma once

#include "messages/transaction.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace chasqui {

using row_iterator = std::vector<record>::const_iterator;

/// A key with a null or without a value conflicts with nothing: such a row of an upsert cannot share a
/// statement that keeps one row per key.
inline bool stands_alone(const step& what, const record& row) {
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return what.op == step_op::upsert && std::any_of(what.key.begin(), what.key.end(), [&](const auto& column) {
           return !has(row.columns, column) || has(row.null_columns, column);
         });
}

/// Where the rows end that the primary is told in one statement with `first`, one of the step's: as long as
/// they have the same columns. In an upsert the last row of a key counts among them.
inline row_iterator end_of_group(const step& what, row_iterator first) {
  if (first->columns.empty() || stands_alone(what, *first))
    return first + 1;
  return std::find_if(first + 1, what.rows.end(), [&](const record& row) {
    return row.columns != first->columns || stands_alone(what, row);
  });
}

} // namespace chasqui
