#pragma once

#include "messages/identity.hpp"

#include <charconv>
#include <memory>
#include <string>
#include <string_view>

// libpq's own type, so that its header stays in the .cpp files.
struct pg_conn;
struct pg_result;

namespace chasqui {

struct pg_result_deleter {
  void operator()(pg_result* result) const noexcept;
};

/// One result of libpq.
using pg_answer = std::unique_ptr<pg_result, pg_result_deleter>;

/// The results that have arrived on a connection in pipeline mode, one by one.
class pg_results {
public:
  explicit pg_results(pg_conn* connection) : connection_{connection} {}

  /// The next result, a Sync's included; null when no more can be had without waiting, or when libpq has
  /// given up.
  pg_answer next();

private:
  pg_conn* connection_;
};

/// What an error says of itself.
struct pg_error {
  std::string sqlstate;      ///< "" for an error of libpq's own.
  std::string message;       ///< Never empty.
  bool ends_session = false; ///< The server is closing the connection, or libpq has lost it.
};

/// True for what nothing of ours asks for, such as a COPY, of which libpq would go on giving results for
/// ever.
bool is_uncalled_for(const pg_answer& answer);

/// The error in a result of status PGRES_FATAL_ERROR, or in a notice.
pg_error error_of(const pg_result* result);

/// A time, given in microseconds since 1970; never for a null.
instant time_of(const pg_answer& answer, int row, int column);

/// A value in text form; "" for a null. It lives as long as the answer.
std::string_view text_of(const pg_answer& answer, int row, int column);

/// A number; 0 for a null.
template <class Number> Number number_of(const pg_answer& answer, int row, int column, int base = 10) {
  Number value = 0;
  const auto text = text_of(answer, row, column);
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

/// A message of libpq's in one line: it ends with a line feed and may hold others.
std::string one_line(const char* text);

} // namespace chasqui
