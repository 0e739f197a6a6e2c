#include "adapters/sqlite.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace chasqui {
namespace {

bool is_flush(int extended) { return extended == SQLITE_IOERR_FSYNC || extended == SQLITE_IOERR_DIR_FSYNC; }

sqlite_trouble trouble_of(int extended, int system_error) {
  const int code = extended & 0xFF;
  if (code == SQLITE_FULL)
    return sqlite_trouble::full;
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
    return sqlite_trouble::damaged;
  if (code == SQLITE_IOERR && !is_flush(extended) && (system_error == ENOSPC || system_error == EDQUOT))
    return sqlite_trouble::full;
  return sqlite_trouble::failed;
}

// SQLite keeps no `errno` of a failed commit (sqlite3_system_errno), but neither does it touch it.
[[noreturn]] void fail(sqlite3& database, int result) {
  const int system_error = errno;
  const int extended = sqlite3_extended_errcode(&database);
  throw sqlite_error{trouble_of(extended == SQLITE_OK ? result : extended, system_error),
                     "SQLite: " + std::string{sqlite3_errmsg(&database)} + ", code " +
                         std::to_string(extended)};
}

void expect(sqlite3& database, int result) {
  if (result != SQLITE_OK)
    fail(database, result);
}

} // namespace

sqlite_query::~sqlite_query() {
  sqlite3_reset(&statement_);
  sqlite3_clear_bindings(&statement_);
}

void sqlite_query::bind(std::uint64_t value) {
  constexpr std::uint64_t largest = std::numeric_limits<std::int64_t>::max();
  bind(static_cast<std::int64_t>(std::min(value, largest)));
}

void sqlite_query::bind(std::int64_t value) {
  expect(database_, sqlite3_bind_int64(&statement_, ++bound_, value));
}

void sqlite_query::bind(std::string_view text) {
  const char* data = text.empty() ? "" : text.data();
  expect(database_,
         sqlite3_bind_text64(&statement_, ++bound_, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void sqlite_query::bind(sqlite_blob blob) {
  const char* data = blob.bytes.empty() ? "" : blob.bytes.data();
  expect(database_, sqlite3_bind_blob64(&statement_, ++bound_, data, blob.bytes.size(), SQLITE_STATIC));
}

bool sqlite_query::next() {
  errno = 0;
  const int result = sqlite3_step(&statement_);
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    fail(database_, result);
  return result == SQLITE_ROW;
}

std::int64_t sqlite_query::integer(int column) const { return sqlite3_column_int64(&statement_, column); }

std::uint64_t sqlite_query::number(int column) const {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, integer(column)));
}

instant sqlite_query::time(int column) const { return instant{std::chrono::microseconds{integer(column)}}; }

std::string_view sqlite_query::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(&statement_, column));
  const int size = sqlite3_column_bytes(&statement_, column);
  return data == nullptr ? std::string_view{} : std::string_view{data, static_cast<std::size_t>(size)};
}

void sqlite_database::closer::operator()(sqlite3* database) const { sqlite3_close(database); }

void sqlite_database::finalizer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

sqlite_database::sqlite_database(const std::string& path) {
  sqlite3* opened = nullptr;
  const int result =
      sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (opened == nullptr)
    throw sqlite_error{sqlite_trouble::failed, "SQLite has no memory"};
  database_.reset(opened);
  expect(*database_, result);
}

sqlite_database::~sqlite_database() = default;

std::uint64_t sqlite_database::run(const char* sql) {
  errno = 0;
  expect(*database_, sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr));
  return changes();
}

void sqlite_database::empty_wal() {
  sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
}

void sqlite_database::leave_wal() {
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

bool sqlite_database::is_idle() const { return sqlite3_get_autocommit(database_.get()) != 0; }

std::uint64_t sqlite_database::changes() const {
  return static_cast<std::uint64_t>(sqlite3_changes64(database_.get()));
}

sqlite3_stmt& sqlite_database::prepared(const char* sql) {
  auto& statement = statements_[sql];
  if (!statement) {
    sqlite3_stmt* made = nullptr;
    expect(*database_,
           sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr));
    statement.reset(made);
  }
  return *statement;
}

sqlite_transaction::sqlite_transaction(sqlite_database& database, flush how) : database_{database} {
  const bool flushes = how == flush::yes;
  if (flushes != database_.flushes_)
    database_.run(flushes ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  database_.flushes_ = flushes;
  database_.change("BEGIN IMMEDIATE");
}

// After some errors SQLite has rolled back by itself.
sqlite_transaction::~sqlite_transaction() {
  if (database_.is_idle())
    return;
  try {
    database_.change("ROLLBACK");
  } catch (const sqlite_error&) { // The error that led here says more; the file is opened anew after it.
    database_.leave_wal();
  }
}

void sqlite_transaction::commit() {
  try {
    database_.change("COMMIT");
  } catch (const sqlite_error& e) {
    if (e.trouble() == sqlite_trouble::full)
      throw;
    throw sqlite_error{sqlite_trouble::unsettled, e.what()};
  }
}

} // namespace chasqui
