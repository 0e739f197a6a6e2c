#pragma once

#include <memory>
#include <string>

struct redisContext;
struct sqlite3;
struct sqlite3_stmt;

namespace chasqui::bench {

/// One blocking connection to Redis that adds to a stream, and does nothing else.
class bare_redis {
public:
  explicit bare_redis(const std::string& socket);
  /// Back when Redis has answered: with `appendfsync always`, when it is on disk.
  void keep(const std::string& payload);
  /// A figure of INFO, such as `used_memory`.
  double info(const std::string& name);
  /// The payload of the first entry of a stream of ours.
  std::string first_payload(const std::string& stream);
  void forget(); ///< Deletes what it has added.

private:
  struct closer {
    void operator()(redisContext* c) const noexcept;
  };
  std::unique_ptr<redisContext, closer> connection_;
};

/// One connection to a file of SQLite: WAL, `synchronous=FULL`, one row a transaction.
class bare_sqlite {
public:
  explicit bare_sqlite(const std::string& file);
  ~bare_sqlite();
  bare_sqlite(const bare_sqlite&) = delete;
  bare_sqlite& operator=(const bare_sqlite&) = delete;
  /// Back when the row is on disk.
  void keep(const std::string& payload);

private:
  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

/// Round trips over a TLS connection on loopback, both sides with certificates, with nothing behind it.
class bare_tls {
public:
  explicit bare_tls(const std::string& certificates);
  ~bare_tls();
  bare_tls(const bare_tls&) = delete;
  bare_tls& operator=(const bare_tls&) = delete;
  /// Sends so many bytes, and waits until as many are back.
  void round_trip(const std::string& bytes);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace chasqui::bench
