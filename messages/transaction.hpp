#pragma once

#include "messages/identity.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace chasqui {

/// What a step does to its table.
enum class step_op : std::uint8_t { insert, upsert, update, erase };

/// Column values, kept as the JSON text they came in, so that no digit is lost on the way to PostgreSQL.
struct record {
  std::vector<std::string> columns;      ///< In the order given.
  std::vector<std::string> null_columns; ///< Those of `columns` whose value is null.
  std::string json = "{}";               ///< One JSON object with exactly these columns.

  bool operator==(const record&) const = default;
};

/// Any number of rows may change.
constexpr std::int64_t any_rows = -1;

/// One change to one table.
struct step {
  step_op op = step_op::insert;
  std::string table;                   ///< `table` or `schema.table`.
  std::vector<std::string> key;        ///< upsert: the conflict columns.
  std::vector<record> rows;            ///< insert, upsert.
  record where;                        ///< update, delete: equality on these columns; null means IS NULL.
  record set;                          ///< update.
  std::int64_t expect_rows = any_rows; ///< update, delete: rows that must change; 1 unless stated.

  bool operator==(const step&) const = default;
};

/// Steps applied atomically.
struct transaction {
  uuid id; ///< Nil until ingest gives it one.
  std::string lane;
  std::string origin; ///< Who made it, such as `tcs`; may be empty.
  std::vector<uuid> depends_on;
  std::vector<step> steps;

  bool operator==(const transaction&) const = default;
};

/// What a transaction may measure at most.
struct transaction_limits {
  std::size_t bytes_max = 1U << 20U; ///< Of JSON text.
  std::size_t steps_max = 1000;
  std::size_t rows_max = 10'000;   ///< In one step.
  std::size_t name_bytes_max = 63; ///< Of an identifier: what PostgreSQL keeps of it.
  std::size_t origin_bytes_max = 200;
  std::size_t depends_on_max = 100;
  std::size_t depth_max = 32; ///< Nesting of arrays and objects within a value.
};

} // namespace chasqui
