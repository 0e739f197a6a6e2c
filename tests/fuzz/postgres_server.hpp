#pragma once

#include <cstddef>
#include <string>
#include <string_view>

struct pg_conn;

namespace chasqui {

/// A PostgreSQL that says what it is told to: a listening socket that libpq connects to, once a value of this
/// class.
class postgres_server {
public:
  postgres_server();
  postgres_server(const postgres_server&) = delete;
  postgres_server& operator=(const postgres_server&) = delete;
  ~postgres_server();

  /// Nonblocking and in pipeline mode, as pg_connection leaves it; null if it did not come about.
  [[nodiscard]] pg_conn* client() const { return client_; }

  /// Sends as much as the socket takes, and lets the client read it.
  void say(std::string_view bytes);

  /// Closes the connection, and lets the client find out.
  void hang_up();

private:
  void greet();

  int socket_ = -1;
  pg_conn* client_ = nullptr;
};

/// Messages of PostgreSQL's protocol, one a line: the letter of its kind and what it says. `T` names columns
/// and `D` gives values, separated by `|` (`~` is null); `E` and `N` give fields, `C23505|Mduplicate key`;
/// what follows any other letter is a text. Lengths are made here. A line that begins with `=` stands for its
/// own bytes.
std::string messages_of(std::string_view lines);

} // namespace chasqui
