#pragma once

#include "messages/reading.hpp"
#include "messages/transaction.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace chasqui {

/// Places of columns in a table's shape.
using column_list = std::vector<std::size_t>;

/// A set of typed values, of which a row may take any. Two of one column are equal when their ranks are.
struct atom {
  std::vector<std::optional<std::string>> json; ///< By column; nothing for a null.
  std::vector<std::int64_t> ranks;              ///< By column; 0 for a null, and where nobody compares.
};

/// One step on one row, or on the rows that a where picks. `values` and `where` are atoms.
struct overlay_change {
  step_op op = step_op::insert;
  std::size_t entry = 0;     ///< Whose it is.
  std::size_t statement = 0; ///< upsert: of the rows of one key in one statement the last one counts.
  std::size_t values = 0;
  column_list columns; ///< Those that `values` sets.
  std::size_t where = 0;
  column_list where_columns; ///< update, delete: all that are compared. upsert: the key.
};

/// What is to be laid over what.
struct overlay_input {
  std::size_t columns = 0;
  column_list key;              ///< The primary key; empty if there is none.
  column_list generated;        ///< The primary makes these from others whenever a row changes.
  std::vector<bool> is_unknown; ///< By column: where an insert does not name it, the primary knows alone.
  std::vector<atom> atoms;      ///< The first `base_rows` are the replica's rows.
  std::size_t base_rows = 0;
  std::vector<overlay_change> changes; ///< In order.
  bool partial = false; ///< There is no replica: a change of a row that nobody knows makes a row of its own.
  std::optional<std::size_t> where;                ///< Which rows are wanted: an atom
  column_list where_columns;                       ///< and where to compare it.
  std::vector<std::pair<std::size_t, bool>> order; ///< Column, and whether it descends.
};

/// A row after all changes.
struct overlay_row {
  std::vector<std::size_t> from; ///< By column: the atom whose value it has.
  std::vector<bool> unknown;     ///< By column: nobody knows its value yet.
  std::optional<std::size_t> base;
  std::vector<std::size_t> entries; ///< Those that made it what it is, in order.
  bool alive = true;
  bool partial = false; ///< It stands for a row of the replica that nobody can look at.

  [[nodiscard]] row_origin origin() const {
    return partial           ? row_origin::merged
           : !base           ? row_origin::pending
           : entries.empty() ? row_origin::replica
                             : row_origin::merged;
  }
};

/// The wanted rows, in order.
struct overlay_result {
  std::vector<overlay_row> found;
  std::optional<std::size_t> undecided; ///< A column that has to be compared, in a row that has no value yet.
};

/// Lays changes over rows, as PostgreSQL would carry them out.
overlay_result lay_over(const overlay_input& in);

} // namespace chasqui
