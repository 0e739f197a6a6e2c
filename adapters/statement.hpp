#pragma once

#include "messages/fault.hpp"
#include "messages/transaction.hpp"

#include <string>
#include <vector>

namespace chasqui {

/// One SQL statement with its parameters in text form. The text names tables and columns and holds no value,
/// so statements of the same shape share it: it is the key under which they are prepared.
struct statement {
  std::string sql;
  std::vector<std::string> params;
  bool inserts_rows =
      false; ///< Its one parameter is an array of rows to insert, and could have more of them.

  bool operator==(const statement&) const = default;
};

/// Appends the statements that carry out `what`, in order. Rows travel as JSON and PostgreSQL does the typing
/// (`jsonb_populate_record`). The answer is a fault if the step cannot be said in SQL, such as for an
/// identifier that PostgreSQL would cut short; nothing is appended then.
fault append_statements(const step& what, std::vector<statement>& to);

/// Makes one statement of inserts of the same shape that follow each other: a row costs PostgreSQL less than
/// a statement.
void join_inserts(std::vector<statement>& statements);

} // namespace chasqui
