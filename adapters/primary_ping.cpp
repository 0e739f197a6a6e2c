#include "adapters/primary_ping.hpp"

#include "adapters/conninfo.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <memory>
#include <utility>

namespace chasqui {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// SSLRequest: length 8 and code 80877103, big-endian. A server answers one byte before any login
/// (PostgreSQL documentation, "Message Formats").
constexpr std::array<unsigned char, 8> ssl_request{0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F};

/// The part of a list before the first comma.
std::string first_of(const std::string& list) { return list.substr(0, list.find(',')); }

/// One question under way; it keeps itself alive until it is answered.
class ping final : public std::enable_shared_from_this<ping> {
public:
  ping(io_thread& io, handler<fault> then)
      : resolver_{io.context()}, socket_{io.context()}, timer_{io.context()}, then_{std::move(then)} {}

  void start(const conninfo& to, std::chrono::milliseconds timeout) {
    timer_.expires_after(timeout);
    timer_.async_wait([self = shared_from_this(), timeout](error_code ec) {
      if (!ec) {
        self->answer("no answer within " + std::to_string(timeout.count()) + " ms");
      }
    });
    if (to.is_local()) {
      connect(asio::local::stream_protocol::endpoint{first_of(to.host) + "/.s.PGSQL." + first_of(to.port)});
    } else {
      look_up(first_of(to.hostaddr.empty() ? to.host : to.hostaddr), first_of(to.port));
    }
  }

private:
  void look_up(const std::string& host, const std::string& port) {
    using results = asio::ip::tcp::resolver::results_type;
    resolver_.async_resolve(host, port, [self = shared_from_this()](error_code ec, const results& found) {
      if (ec) {
        self->answer("cannot look up the host: " + ec.message());
      } else if (self->then_) {
        self->connect(asio::ip::tcp::endpoint{found.begin()->endpoint()});
      }
    });
  }

  void connect(const asio::generic::stream_protocol::endpoint& to) {
    socket_.async_connect(
        to, [self = shared_from_this()](error_code ec) { self->proceed(ec, [&] { self->ask(); }); });
  }

  void ask() {
    asio::async_write(socket_, asio::buffer(ssl_request),
                      [self = shared_from_this()](error_code ec, std::size_t) {
                        self->proceed(ec, [&] { self->listen(); });
                      });
  }

  void listen() {
    socket_.async_read_some(asio::buffer(byte_), [self = shared_from_this()](error_code ec, std::size_t) {
      self->proceed(ec, [&] { self->answer({}); });
    });
  }

  template <class Next> void proceed(error_code ec, Next next) {
    if (ec) {
      answer(ec.message());
    } else if (then_) {
      next();
    }
  }

  /// Answers the first time it is called; "" means that somebody is there.
  void answer(const std::string& trouble) {
    const auto then = std::exchange(then_, nullptr);
    if (!then) {
      return;
    }
    timer_.cancel();
    resolver_.cancel();
    error_code ignored;
    socket_.close(ignored);
    then(trouble.empty() ? fault{}
                         : fault{fault_code::link_lost, "the primary does not answer: " + trouble, {}});
  }

  asio::ip::tcp::resolver resolver_;
  asio::generic::stream_protocol::socket socket_;
  asio::steady_timer timer_;
  std::array<char, 1> byte_{};
  handler<fault> then_;
};

} // namespace

void ping_primary(io_thread& io, const std::string& dsn, std::chrono::milliseconds timeout,
                  handler<fault> then) {
  asio::post(io.context(), [&io, to = parse_conninfo(dsn), timeout, then = std::move(then)] {
    if (to.problem) {
      then(to.problem);
    } else {
      std::make_shared<ping>(io, then)->start(to, timeout);
    }
  });
}

} // namespace chasqui
