#include "link_pipe.hpp"

#include <algorithm>

namespace chasqui::link {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::steady_clock;

constexpr std::size_t held_bytes_max = std::size_t{64} * 1024 * 1024;

} // namespace

pipe::pipe(pipe_owner& owner, flow& f, way w, asio::ip::tcp::socket& from, asio::ip::tcp::socket& to)
    : owner_{owner}, flow_{f}, way_{w}, from_{from}, to_{to}, timer_{from.get_executor()} {}

void pipe::start() {
  started_ = true;
  poke();
}

void pipe::poke() {
  if (!started_ || stopped_)
    return;
  read();
  release();
}

void pipe::stop() {
  stopped_ = true;
  timer_.cancel();
  queue_.clear();
  marks_.clear();
}

void pipe::end(ending how) {
  if (stopped_)
    return;
  read_all_ = true;
  ending_ = how;
  ending_due_ = in_order(flow_.due(steady_clock::now()));
  release();
}

time_point pipe::in_order(time_point due) {
  last_due_ = std::max(last_due_, due);
  return last_due_;
}

void pipe::read() {
  // A black hole leaves new bytes with the sender's kernel, as a peer that acknowledges nothing does.
  const auto held = queue_.size() + marks_.size() * sizeof(mark);
  if (reading_ || read_all_ || held >= held_bytes_max || !flow_.open(way_))
    return;
  reading_ = true;
  from_.async_read_some(queue_.prepare(), [this, keep = owner_.keep()](error_code error, std::size_t bytes) {
    reading_ = false;
    if (stopped_)
      return;
    if (!error) {
      taken(bytes);
    } else {
      end(error == asio::error::eof ? ending::eof : ending::reset);
    }
  });
}

void pipe::taken(std::size_t bytes) {
  queue_.commit(bytes);
  read_bytes_ += bytes;
  const auto due = in_order(flow_.due(steady_clock::now()));
  if (!marks_.empty() && marks_.back().due == due) {
    marks_.back().until = read_bytes_;
  } else {
    marks_.push_back({due, read_bytes_});
  }
  release();
  if (!stopped_)
    read();
}

std::size_t pipe::ripe(time_point now) {
  while (!marks_.empty() && marks_.front().due <= now) {
    ripe_bytes_ = marks_.front().until;
    marks_.pop_front();
  }
  return static_cast<std::size_t>(ripe_bytes_ - passed_bytes_);
}

void pipe::release() {
  const auto now = steady_clock::now();
  while (!stopped_ && !receiver_full_ && flow_.open(way_)) {
    const auto bytes = ripe(now);
    if (bytes == 0) {
      release_ending(now);
      if (!stopped_ && !marks_.empty())
        wake_at(marks_.front().due);
      return;
    }
    if (!write(bytes, now))
      return;
  }
}

bool pipe::write(std::size_t ripe_bytes, time_point now) {
  const auto allowed = flow_.allowance(way_, ripe_bytes, now);
  if (allowed == 0) {
    wake_at(flow_.ready_at(way_, ripe_bytes));
    return false;
  }
  error_code error;
  const auto written = to_.write_some(queue_.front(allowed), error);
  if (error == asio::error::would_block) {
    receiver_full_ = true;
    to_.async_wait(asio::ip::tcp::socket::wait_write, [this, keep = owner_.keep()](error_code) {
      receiver_full_ = false;
      poke();
    });
    return false;
  }
  if (error) {
    owner_.refused(way_);
    return false;
  }
  queue_.consume(written);
  passed_bytes_ += written;
  flow_.passed(way_, written);
  if (flow_.cutting) {
    owner_.cut();
    return false;
  }
  read();
  return true;
}

void pipe::release_ending(time_point now) {
  if (!ending_ || !marks_.empty())
    return;
  if (ending_due_ > now) {
    wake_at(ending_due_);
    return;
  }
  const auto how = *ending_;
  ending_.reset();
  owner_.ended(way_, how);
}

void pipe::wake_at(time_point when) {
  timer_.expires_at(when);
  timer_.async_wait([this, keep = owner_.keep()](error_code error) {
    if (!error)
      poke();
  });
}

} // namespace chasqui::link
