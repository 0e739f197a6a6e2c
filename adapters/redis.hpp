#pragma once

#include "adapters/io_thread.hpp"
#include "adapters/ports/event_publisher.hpp"
#include "adapters/ports/shared_store.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace chasqui {

/// How to reach Redis.
struct redis_settings {
  std::string socket; ///< Path of a unix socket; if empty, `host` and `port`.
  std::string host;
  std::uint16_t port = 6379;
  std::string password;                    ///< "" for none.
  std::chrono::milliseconds timeout{2000}; ///< Without an answer for so long, the connection is given up.
  std::string owner; ///< Who owns the log, for others to see: `this_process()`; "" for nobody in particular.
  std::chrono::milliseconds lease{0}; ///< So long nobody else takes the log over; renewed while it is open.
  bool remembers_terms = false;       ///< For looks by memory; up to 1.5 MiB a lane.
  /// Bytes of the index that lie unsorted before they are made a segment of it.
  std::size_t index_tail_max = 40U << 10U;
  /// Bytes of a segment, its table of 4100 included: many small ones become one of this size, a little less
  /// than what Redis finds room for without waste.
  std::size_t index_segment_max = (1U << 20U) - 64U;
};

/// The log in Redis Streams, `chasqui:{site}:log:<lane>`.
std::unique_ptr<shared_store> make_redis_log(io_thread& io, std::string site, redis_settings settings);

/// A publisher that can say what it lost.
class redis_publisher : public event_publisher {
public:
  /// Events dropped since it was made, because Redis was away or too slow. From any thread.
  [[nodiscard]] virtual std::uint64_t dropped() const noexcept = 0;
};

/// Events on Redis Pub/Sub, channel `chasqui:{site}:events`; at most `backlog_max` may wait for an answer.
std::unique_ptr<redis_publisher> make_redis_publisher(io_thread& io, std::string site,
                                                      redis_settings settings, std::size_t backlog_max);

} // namespace chasqui
