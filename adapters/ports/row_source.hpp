#pragma once

#include "adapters/ports/handler.hpp"
#include "adapters/ports/replica.hpp"
#include "messages/reading.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace chasqui {

/// Where the value of a column comes from that an insert does not name.
enum class column_default : std::uint8_t {
  null,     ///< There is none.
  constant, ///< The same for every row.
  unknown,  ///< Only the primary knows: a sequence, the time.
  generated ///< The same, and whenever the row changes: it is made from other columns.
};

/// A column of a table.
struct table_column {
  std::string name;
  column_default absent = column_default::null;
  /// Values that are equal have one `index_value`; there is no constant default, and it is not generated.
  bool indexable = false;
};

/// A table as the replica has it.
struct table_shape {
  std::string schema;
  std::string name;
  bool visible = false; ///< It is what its bare name means.
  std::vector<table_column> columns;
  std::vector<std::string> key;   ///< Of the primary key.
  std::vector<std::string> notes; ///< What changes its rows beyond what a transaction says, a sentence each.
};

/// A row as the replica has it.
struct base_row {
  std::string place;                            ///< Which one it is, within a snapshot.
  std::vector<std::optional<std::string>> json; ///< A value a column of the shape; nothing for a null.
};

/// Rows of the table that equal any of `records` in `columns`, and are null in `null_columns`.
struct rows_wanted {
  std::vector<std::string> columns;      ///< All that are compared.
  std::vector<std::string> null_columns; ///< Those of them that must be null.
  std::vector<std::string> records;      ///< JSON objects.
  std::vector<order_column> order;
  std::uint64_t rows_max = 1000;
};

/// Rows, or a `problem`.
struct base_page {
  fault problem;
  std::vector<base_row> found;
};

/// A snapshot of the replica, with the rows that were asked for first; or a `problem`: `link_lost` or
/// `timed_out` if the replica is away, anything else if the question is wrong.
struct snapshot_opened {
  fault problem;
  table_shape table;
  std::vector<replica_cursor> cursors; ///< Of this site's lanes.
  std::vector<base_row> found;
};

/// Values of the table's types made from JSON, with their order, or a `problem`.
struct ranking {
  struct line {
    std::vector<std::optional<std::string>> json; ///< Each column as PostgreSQL writes it.
    std::vector<std::int64_t> ranks; ///< Of the columns asked for, from 1; equal values have one.
  };
  fault problem;
  std::vector<line> lines; ///< One a record.
};

/// Rows of a table that are looked for by their values in some columns, none of them null.
struct rows_probed {
  std::string table;                ///< `table` or `schema.table`.
  std::vector<std::string> columns; ///< All that are compared.
  std::vector<std::string> records; ///< JSON objects.
};

/// Which of them are there, or a `problem`: the replica is away.
struct probe_result {
  fault problem;
  /// For each table asked for: places among its records; nothing if the replica refuses the question.
  std::vector<std::optional<std::vector<std::size_t>>> found;
};

/// One read-only view of a table. Destroying it ends it, from any thread. One question at a time.
class row_snapshot {
public:
  row_snapshot() = default;
  row_snapshot(const row_snapshot&) = delete;
  row_snapshot& operator=(const row_snapshot&) = delete;
  virtual ~row_snapshot() = default;

  /// More rows of the same view; each of `wanted` up to its own limit.
  virtual void fetch(std::vector<rows_wanted> wanted, handler<base_page> then) = 0;

  /// Makes typed rows of `records` (JSON objects), columns that one lacks by default, and compares them in
  /// `columns` (places in the shape).
  virtual void rank(std::vector<std::string> records, std::vector<std::size_t> columns,
                    handler<ranking> then) = 0;
};

/// Where snapshots come from.
class row_source {
public:
  row_source() = default;
  row_source(const row_source&) = delete;
  row_source& operator=(const row_source&) = delete;
  virtual ~row_source() = default;

  /// Opens a snapshot of `table` (`table` or `schema.table`) and asks it for `first`; the snapshot ends by
  /// itself after `patience`, and whatever is asked then is answered `timed_out`.
  virtual std::unique_ptr<row_snapshot> open(std::string table, rows_wanted first,
                                             std::chrono::milliseconds patience,
                                             handler<snapshot_opened> then) = 0;

  /// Looks for all of `wanted` as the replica has it now, in one round trip; `timed_out` after `patience`.
  virtual void probe(std::vector<rows_probed> wanted, std::chrono::milliseconds patience,
                     handler<probe_result> then) = 0;
};

} // namespace chasqui
