#pragma once

#include <memory>
#include <string>
#include <vector>

struct pg_conn;

namespace chasqui::test {

/// A blocking connection to PostgreSQL, for looking at what a test has brought about. Any error is thrown as
/// std::runtime_error with the server's message.
class database {
public:
  explicit database(const std::string& dsn);

  /// Rows of text; a null is "NULL".
  std::vector<std::vector<std::string>> rows(const std::string& query);

  /// The first column of the first row; "" if there is none.
  std::string value(const std::string& query);

private:
  struct closer {
    void operator()(pg_conn* connection) const noexcept;
  };
  std::unique_ptr<pg_conn, closer> connection_;
};

/// The same for a single query on a connection of its own.
std::string sql(const std::string& dsn, const std::string& query);

} // namespace chasqui::test
