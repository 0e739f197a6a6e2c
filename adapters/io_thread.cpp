#include "adapters/io_thread.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <thread>

namespace chasqui {

struct io_thread::impl {
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
  std::thread thread{[this] { context.run(); }};
};

io_thread::io_thread() : impl_{std::make_unique<impl>()} {}

io_thread::~io_thread() {
  impl_->context.stop();
  impl_->thread.join();
}

boost::asio::io_context& io_thread::context() noexcept { return impl_->context; }

} // namespace chasqui
