#pragma once

#include "link_bytes.hpp"
#include "link_flow.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <memory>
#include <optional>

namespace chasqui::link {

/// How a stream of bytes ends: in order (FIN) or not (RST).
enum class ending { eof, reset };

/// The connection that a pipe is one half of.
class pipe_owner {
public:
  pipe_owner() = default;
  pipe_owner(const pipe_owner&) = delete;
  pipe_owner& operator=(const pipe_owner&) = delete;
  virtual ~pipe_owner() = default;

  /// Keeps the owner alive while an operation is under way.
  virtual std::shared_ptr<pipe_owner> keep() = 0;

  /// The ending of this way has come out of the link.
  virtual void ended(way w, ending how) = 0;

  /// The receiver of this way takes nothing any more.
  virtual void refused(way w) = 0;

  /// The byte before the cut has passed.
  virtual void cut() = 0;
};

/// One direction of a connection: reads without waiting, writes what is due. Never reorders.
class pipe {
public:
  pipe(pipe_owner& owner, flow& f, way w, boost::asio::ip::tcp::socket& from,
       boost::asio::ip::tcp::socket& to);

  /// Begins to read; both sockets are connected.
  void start();

  /// Looks again at what may pass.
  void poke();

  /// Ends this way behind what it holds already, after the latency.
  void end(ending how);

  /// Holds nothing and does nothing any more.
  void stop();

  [[nodiscard]] std::size_t held_bytes() const { return queue_.size(); }

private:
  struct mark {
    time_point due;
    std::uint64_t until;
  };

  void read();
  void taken(std::size_t bytes);
  void release();
  bool write(std::size_t ripe_bytes, time_point now);
  std::size_t ripe(time_point now);
  void release_ending(time_point now);
  void wake_at(time_point when);
  time_point in_order(time_point due);

  pipe_owner& owner_;
  flow& flow_;
  way way_;
  boost::asio::ip::tcp::socket& from_;
  boost::asio::ip::tcp::socket& to_;
  boost::asio::steady_timer timer_;

  byte_queue queue_;
  std::deque<mark> marks_;
  std::uint64_t read_bytes_ = 0;
  std::uint64_t ripe_bytes_ = 0;
  std::uint64_t passed_bytes_ = 0;
  time_point last_due_{};
  std::optional<ending> ending_;
  time_point ending_due_{};
  bool started_ = false;
  bool stopped_ = false;
  bool reading_ = false;
  bool read_all_ = false;
  bool receiver_full_ = false;
};

} // namespace chasqui::link
