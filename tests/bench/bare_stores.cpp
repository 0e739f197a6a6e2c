#include "tests/bench/bare_stores.hpp"

#include <hiredis/hiredis.h>
#include <sqlite3.h>

#include <array>
#include <stdexcept>

namespace chasqui::bench {

namespace {

constexpr const char* bare_stream = "bench:log";
using reply = std::unique_ptr<redisReply, decltype(&freeReplyObject)>;

reply checked(void* raw) {
  reply answer{static_cast<redisReply*>(raw), freeReplyObject};
  if (!answer || answer->type == REDIS_REPLY_ERROR)
    throw std::runtime_error(answer ? answer->str : "Redis is gone");
  return answer;
}

void check(sqlite3* database, int status) {
  if (status != SQLITE_OK && status != SQLITE_DONE && status != SQLITE_ROW)
    throw std::runtime_error(std::string{"SQLite: "} + sqlite3_errmsg(database));
}

} // namespace

void bare_redis::closer::operator()(redisContext* c) const noexcept { redisFree(c); }

bare_redis::bare_redis(const std::string& socket) : connection_{redisConnectUnix(socket.c_str())} {
  if (!connection_ || connection_->err != 0)
    throw std::runtime_error("cannot reach Redis at " + socket);
}

void bare_redis::keep(const std::string& payload) {
  std::array<const char*, 5> words{"XADD", bare_stream, "*", "p", payload.data()};
  const std::array<std::size_t, 5> sizes{4, 9, 1, 1, payload.size()};
  checked(redisCommandArgv(connection_.get(), 5, words.data(), sizes.data()));
}

double bare_redis::info(const std::string& name) {
  const auto answer = checked(redisCommand(connection_.get(), "INFO"));
  const std::string text{answer->str, answer->len};
  const auto at = text.find("\n" + name + ":");
  if (at == std::string::npos)
    throw std::runtime_error("INFO has no " + name);
  return std::stod(text.substr(at + name.size() + 2));
}

std::string bare_redis::first_payload(const std::string& stream) {
  const auto answer = checked(redisCommand(connection_.get(), "XRANGE %s - + COUNT 1", stream.c_str()));
  if (answer->elements == 0)
    throw std::runtime_error(stream + " is empty");
  const auto* fields = answer->element[0]->element[1];
  for (std::size_t i = 0; i + 1 < fields->elements; i += 2)
    if (const auto* value = fields->element[i + 1]; fields->element[i]->str == std::string{"p"})
      return {value->str, value->len};
  throw std::runtime_error(stream + " has an entry without a payload");
}

void bare_redis::forget() { checked(redisCommand(connection_.get(), "UNLINK %s", bare_stream)); }

bare_sqlite::bare_sqlite(const std::string& file) {
  check(database_, sqlite3_open(file.c_str(), &database_));
  check(database_, sqlite3_exec(database_,
                                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                "CREATE TABLE entry(seq INTEGER PRIMARY KEY, payload BLOB NOT NULL)",
                                nullptr, nullptr, nullptr));
  check(database_,
        sqlite3_prepare_v2(database_, "INSERT INTO entry(payload) VALUES (?)", -1, &insert_, nullptr));
}

bare_sqlite::~bare_sqlite() {
  sqlite3_finalize(insert_);
  sqlite3_close(database_);
}

void bare_sqlite::keep(const std::string& payload) {
  check(database_,
        sqlite3_bind_blob(insert_, 1, payload.data(), static_cast<int>(payload.size()), SQLITE_STATIC));
  check(database_, sqlite3_step(insert_));
  check(database_, sqlite3_reset(insert_));
}

} // namespace chasqui::bench
