#pragma once

#include "adapters/ports/handler.hpp"
#include "adapters/redis.hpp"
#include "adapters/redis_reply.hpp"
#include "messages/fault.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

/// One connection to Redis, from its opening to its end, to be used on the I/O thread only. A Redis that
/// gives no answer for `redis_settings::timeout` is given up, also while connecting.
class redis_connection {
public:
  using answer = std::function<void(const redis_reply&)>;

  redis_connection(io_thread& io, redis_settings settings);
  redis_connection(const redis_connection&) = delete;
  redis_connection& operator=(const redis_connection&) = delete;
  ~redis_connection(); ///< What is under way is forgotten; `close` first if it should be answered.

  /// Connects and authenticates, once. `ended` is called if the open connection ends by itself later on.
  void open(handler<fault> then, std::function<void()> ended = {});

  /// Sends a command; `then` gets its reply. False if the connection is not open: nothing was sent then, and
  /// `then` is not called.
  bool send(const std::vector<std::string_view>& words, answer then);

  /// Ends the connection: what is under way is answered as lost. `why` is a sentence for people.
  void close(const std::string& why);

private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

/// Where Redis is, for people: `unix:/run/redis.sock` or `host:6379`.
std::string redis_address(const redis_settings& settings);

} // namespace chasqui
