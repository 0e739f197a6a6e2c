#pragma once

#include "messages/identity.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace chasqui {

/// What became of a call that SQLite did not carry out.
enum class sqlite_trouble : std::uint8_t {
  full,      ///< There is no room; nothing was changed.
  damaged,   ///< The file is no database, or is not as SQLite left it.
  unsettled, ///< A commit failed half-way: only opening the file again tells whether it holds.
  failed     ///< Nothing was changed.
};

/// Thrown by everything below.
class sqlite_error : public std::runtime_error {
public:
  sqlite_error(sqlite_trouble trouble, const std::string& what)
      : std::runtime_error{what}, trouble_{trouble} {}
  [[nodiscard]] sqlite_trouble trouble() const noexcept { return trouble_; }

private:
  sqlite_trouble trouble_;
};

/// Bytes to bind that are no text.
struct sqlite_blob {
  std::string_view bytes;
};

/// A statement with its values, while it is stepped through. What it was given must outlive it.
class sqlite_query {
public:
  template <class... Values>
  sqlite_query(sqlite3& database, sqlite3_stmt& statement, const Values&... values)
      : database_{database}, statement_{statement} {
    (bind(values), ...);
  }
  sqlite_query(const sqlite_query&) = delete;
  sqlite_query& operator=(const sqlite_query&) = delete;
  ~sqlite_query(); ///< The statement can be used again.

  /// Goes to the next row; false after the last one.
  bool next();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::uint64_t number(int column) const;   ///< 0 for what is below it.
  [[nodiscard]] instant time(int column) const;           ///< Of microseconds since 1970.
  [[nodiscard]] std::string_view bytes(int column) const; ///< Until the next call of `next`.

private:
  void bind(std::uint64_t value); ///< What is beyond 63 bits counts as the largest number of 63.
  void bind(std::int64_t value);
  void bind(std::string_view text);
  void bind(sqlite_blob blob);

  sqlite3& database_;
  sqlite3_stmt& statement_;
  int bound_ = 0;
};

/// One database file, for the use of one thread.
class sqlite_database {
public:
  explicit sqlite_database(const std::string& path); ///< The file must be there.
  sqlite_database(const sqlite_database&) = delete;
  sqlite_database& operator=(const sqlite_database&) = delete;
  ~sqlite_database(); ///< Moves what is in the WAL into the file, unless told otherwise.

  /// Carries out statements that give nothing; how many rows the last one of them that can changed.
  std::uint64_t run(const char* sql);

  /// A statement, ready to be stepped through. Prepared once; `sql` must be a literal.
  template <class... Values> sqlite_query query(const char* sql, const Values&... values);

  /// Carries out one statement that gives nothing; how many rows it changed.
  template <class... Values> std::uint64_t change(const char* sql, const Values&... values);

  /// The first column of the first row; 0 if there is none.
  template <class... Values> std::uint64_t number(const char* sql, const Values&... values);

  /// The same as text; "" if there is none.
  template <class... Values> std::string text(const char* sql, const Values&... values);

  /// Moves what is in the WAL into the file, as far as there is room, and gives the room of the WAL back.
  void empty_wal();

  /// The WAL stays as it is when this is closed: what is in it may be the only good copy.
  void leave_wal();

  /// False between BEGIN and COMMIT.
  [[nodiscard]] bool is_idle() const;

private:
  friend class sqlite_transaction;
  struct closer {
    void operator()(sqlite3* database) const;
  };
  struct finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  sqlite3_stmt& prepared(const char* sql);
  [[nodiscard]] std::uint64_t changes() const;

  std::unique_ptr<sqlite3, closer> database_; // Statements go before it.
  std::map<const char*, std::unique_ptr<sqlite3_stmt, finalizer>> statements_;
  std::optional<bool> flushes_; ///< Whether commits flush, once that was set.
};

/// Whether a commit returns only when it is on disk. What was committed before it, either way, is then, too.
enum class flush : std::uint8_t { no, yes };

/// Everything between its making and `commit`, or nothing.
class sqlite_transaction {
public:
  sqlite_transaction(sqlite_database& database, flush how);
  sqlite_transaction(const sqlite_transaction&) = delete;
  sqlite_transaction& operator=(const sqlite_transaction&) = delete;
  ~sqlite_transaction(); ///< Rolls back what was not committed.

  void commit();

private:
  sqlite_database& database_;
};

template <class... Values> sqlite_query sqlite_database::query(const char* sql, const Values&... values) {
  return sqlite_query{*database_, prepared(sql), values...};
}

template <class... Values> std::uint64_t sqlite_database::change(const char* sql, const Values&... values) {
  query(sql, values...).next();
  return changes();
}

template <class... Values> std::uint64_t sqlite_database::number(const char* sql, const Values&... values) {
  auto rows = query(sql, values...);
  return rows.next() ? rows.number(0) : 0;
}

template <class... Values> std::string sqlite_database::text(const char* sql, const Values&... values) {
  auto rows = query(sql, values...);
  return rows.next() ? std::string{rows.bytes(0)} : std::string{};
}

} // namespace chasqui
