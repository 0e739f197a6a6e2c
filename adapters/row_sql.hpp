#pragma once

#include "adapters/pg_answer.hpp"
#include "adapters/ports/row_source.hpp"

#include <string>
#include <vector>

namespace chasqui {

/// A statement with its parameters in text form.
struct pg_question {
  std::string sql;
  std::vector<std::string> params;
};

/// A table's shape, and how to write its constant defaults down.
struct known_table {
  table_shape shape;
  std::vector<std::string> defaults; ///< SQL by column; "" for none.
  std::string kind;                  ///< As `pg_class.relkind` says; "" if there is no such table.
};

/// Asks for a table by its name, as people write it.
pg_question ask_for_table(const std::string& table);
known_table read_table(const pg_answer& answer);

/// Asks for a site's cursors.
pg_question ask_for_cursors(const std::string& site);
std::vector<replica_cursor> read_cursors(const pg_answer& answer);

/// Asks for rows; the columns must be the table's own.
pg_question ask_for_rows(const table_shape& table, const rows_wanted& wanted);
void read_rows_into(const pg_answer& answer, std::vector<base_row>& into);

/// Asks which records have a row; what is answered are their places.
pg_question ask_for_existing(const rows_probed& wanted);
std::vector<std::size_t> read_existing(const pg_answer& answer);

/// Makes typed rows of JSON objects, and ranks them in some columns.
pg_question ask_for_ranks(const known_table& table, const std::vector<std::string>& records,
                          const std::vector<std::size_t>& columns);
std::vector<ranking::line> read_ranks(const pg_answer& answer, std::size_t columns);

} // namespace chasqui
