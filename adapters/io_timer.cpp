#include "adapters/io_timer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <utility>

namespace chasqui {

struct io_timer::impl {
  boost::asio::steady_timer timer;
};

io_timer::io_timer(io_thread& io) : impl_{new impl{boost::asio::steady_timer{io.context()}}} {}
io_timer::~io_timer() = default;

void io_timer::after(std::chrono::milliseconds time, std::function<void()> then) {
  impl_->timer.expires_after(time);
  impl_->timer.async_wait([then = std::move(then)](const boost::system::error_code& cancelled) {
    if (!cancelled)
      then();
  });
}

void io_timer::cancel() { impl_->timer.cancel(); }

} // namespace chasqui
