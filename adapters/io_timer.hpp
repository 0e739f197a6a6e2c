#pragma once

#include "adapters/io_thread.hpp"

#include <chrono>
#include <functional>
#include <memory>

namespace chasqui {

/// One call that is due later, on the I/O thread; used on that thread alone.
class io_timer {
public:
  explicit io_timer(io_thread& io);
  io_timer(const io_timer&) = delete;
  io_timer& operator=(const io_timer&) = delete;
  ~io_timer(); ///< Cancels.

  /// Calls `then` once, after `time`, in place of what was due before. What `then` holds lives until then, or
  /// until the call is cancelled, replaced, or the I/O ends.
  void after(std::chrono::milliseconds time, std::function<void()> then);
  void cancel();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace chasqui
