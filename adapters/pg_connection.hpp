#pragma once

#include "adapters/io_thread.hpp"
#include "adapters/ports/primary.hpp"

#include <memory>
#include <optional>
#include <string>

// libpq's own type, so that its header stays in the .cpp files.
struct pg_conn;

namespace chasqui {

/// Hears from a connection, on the I/O thread.
class pg_connection_user {
public:
  pg_connection_user() = default;
  pg_connection_user(const pg_connection_user&) = delete;
  pg_connection_user& operator=(const pg_connection_user&) = delete;
  virtual ~pg_connection_user() = default;

  virtual void connected() = 0;             ///< Nonblocking and in pipeline mode from now on.
  virtual void received() = 0;              ///< Results may be there.
  virtual void drained() = 0;               ///< All that was handed over has left, after `flush` said no.
  virtual void broken(std::string why) = 0; ///< It is over; nothing is called afterwards.
};

/// A nonblocking connection of libpq. It is made, used and destroyed on the I/O thread; destroying it closes
/// it at once.
///
/// Host names are looked up off the I/O thread. Only a list of several names in one connection string is left
/// to libpq, which blocks while it asks the resolver: give addresses (`hostaddr`) with such a list.
class pg_connection {
public:
  /// Starts to connect. `user` must outlive the connection.
  pg_connection(io_thread& io, const std::string& dsn, const std::string& application_name,
                pg_connection_user& user);
  pg_connection(const pg_connection&) = delete;
  pg_connection& operator=(const pg_connection&) = delete;
  ~pg_connection();

  /// For PQsend… and PQgetResult. Valid once connected.
  [[nodiscard]] pg_conn* raw() const noexcept;

  /// True if nothing waits to be sent; otherwise `drained` will be called.
  bool flush();

  /// What TCP knows of what was sent; nothing if it is not TCP.
  [[nodiscard]] std::optional<transmission> sent_so_far() const;

private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

} // namespace chasqui
