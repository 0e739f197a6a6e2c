#pragma once

#include "adapters/pg_answer.hpp"
#include "adapters/ports/schema.hpp"

#include <cstdint>
#include <optional>
#include <string>

struct pg_conn;

namespace chasqui {

/// Whose schema it is: what this role may do in this database.
struct schema_scope {
  std::string role;
  std::string database;
  std::uint64_t bytes_max = 0; ///< Of the document.
};

/// One connection's looks at the schema: first the fingerprint, and the whole document only if that is a new
/// one.
class schema_query {
public:
  schema_query(pg_conn* connection, schema_scope scope) : connection_{connection}, scope_{std::move(scope)} {}

  /// Hands the question to libpq; false if the connection is unusable.
  bool ask(std::string known);

  /// The sighting, once all of it has arrived. One with a problem ends the use of this connection.
  std::optional<schema_sighting> collect();

private:
  bool send(const char* name, const std::string& sql, bool& is_prepared);
  void take(const pg_answer& result);
  void take_row(const pg_answer& result);

  pg_conn* connection_;
  schema_scope scope_;
  std::string known_;
  bool fingerprint_prepared_ = false;
  bool document_prepared_ = false;
  bool wants_document_ = false; ///< It has been asked for.
  bool answered_ = false;       ///< By a row, to the question that was asked last.
  schema_sighting outcome_;
};

} // namespace chasqui
