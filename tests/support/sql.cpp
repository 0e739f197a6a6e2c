#include "tests/support/sql.hpp"

#include <libpq-fe.h>

#include <stdexcept>

namespace chasqui::test {

void database::closer::operator()(pg_conn* connection) const noexcept { PQfinish(connection); }

database::database(const std::string& dsn) : connection_{PQconnectdb(dsn.c_str())} {
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    throw std::runtime_error{PQerrorMessage(connection_.get())};
  }
}

std::vector<std::vector<std::string>> database::rows(const std::string& query) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> result{PQexec(connection_.get(), query.c_str()),
                                                             PQclear};
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    throw std::runtime_error{query + ": " + PQerrorMessage(connection_.get())};
  }
  std::vector<std::vector<std::string>> found;
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    auto& cells = found.emplace_back();
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      const bool null = PQgetisnull(result.get(), row, column) != 0;
      cells.emplace_back(null ? "NULL" : PQgetvalue(result.get(), row, column));
    }
  }
  return found;
}

std::string database::value(const std::string& query) {
  const auto found = rows(query);
  return found.empty() || found.front().empty() ? "" : found.front().front();
}

std::string sql(const std::string& dsn, const std::string& query) { return database{dsn}.value(query); }

} // namespace chasqui::test
