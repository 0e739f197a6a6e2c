#pragma once

#include <memory>

namespace boost::asio {
class io_context;
}

namespace chasqui {

/// The one thread on which adapters do their I/O.
class io_thread {
public:
  io_thread();
  io_thread(const io_thread&) = delete;
  io_thread& operator=(const io_thread&) = delete;
  ~io_thread(); ///< Stops it; what is under way is abandoned. Destroy the adapters first.

  [[nodiscard]] boost::asio::io_context& context() noexcept;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace chasqui
