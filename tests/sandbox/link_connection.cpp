#include "link_connection.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <utility>

namespace chasqui::link {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

void prepare(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(tcp::no_delay{true}, ignored);
  socket.non_blocking(true, ignored);
}

bool all_acknowledged(tcp::socket& socket) {
  int unacknowledged = 0;
  if (!socket.is_open() || ::ioctl(socket.native_handle(), SIOCOUTQ, &unacknowledged) != 0)
    return true;
  return unacknowledged == 0;
}

} // namespace

void reset_socket(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(asio::socket_base::linger{true, 0}, ignored);
  socket.close(ignored);
}

connection::connection(tcp::socket client, flow& f, connection_events events)
    : client_{std::move(client)}, server_{client_.get_executor()}, handshake_{client_.get_executor()},
      flow_{f}, events_{std::move(events)}, up_{*this, f, way::up, client_, server_}, down_{
                                                                                          *this, f, way::down,
                                                                                          server_, client_} {}

void connection::open() {
  prepare(client_);
  handshake_.expires_at(flow_.due(steady_clock::now()));
  handshake_.async_wait([self = shared_from_this()](error_code error) {
    if (error)
      return;
    self->handshake_due_ = true;
    self->poke();
  });
}

void connection::poke() {
  if (abort_wanted_ && flow_.reachable())
    return abort();
  if (stage_ == stage::handshake && handshake_due_ && flow_.reachable())
    return dial();
  up_.poke();
  if (stage_ == stage::connected)
    down_.poke();
}

void connection::dial() {
  stage_ = stage::dialling;
  error_code error;
  const auto address = asio::ip::make_address(flow_.conditions.target.host, error);
  if (error)
    return abort();
  server_.async_connect({address, flow_.conditions.target.port},
                        [self = shared_from_this()](error_code failed) {
                          if (self->stage_ != stage::dialling)
                            return;
                          if (failed)
                            return self->abort();
                          self->dialled();
                        });
}

void connection::dialled() {
  stage_ = stage::connected;
  prepare(server_);
  down_.start();
  // The client's kernel believes it is connected since long; the bytes it sent wait for the server's answer.
  handshake_.expires_at(flow_.due(steady_clock::now()));
  handshake_.async_wait([self = shared_from_this()](error_code error) {
    if (!error && self->stage_ == stage::connected)
      self->up_.start();
  });
}

void connection::abort() {
  if (stage_ == stage::closed)
    return;
  reset_socket(client_);
  reset_socket(server_);
  close();
}

void connection::abort_when_reachable() {
  abort_wanted_ = true;
  poke();
}

void connection::close() {
  if (stage_ == stage::closed)
    return;
  stage_ = stage::closed;
  handshake_.cancel();
  up_.stop();
  down_.stop();
  error_code ignored;
  client_.close(ignored);
  server_.close(ignored);
  events_.closed(this);
}

bool connection::delivered() { return all_acknowledged(client_) && all_acknowledged(server_); }

std::size_t connection::held_bytes(way w) const {
  return w == way::up ? up_.held_bytes() : down_.held_bytes();
}

std::shared_ptr<pipe_owner> connection::keep() { return shared_from_this(); }

void connection::ended(way w, ending how) {
  if (how == ending::reset)
    return abort();
  error_code ignored;
  (w == way::up ? server_ : client_).shutdown(tcp::socket::shutdown_send, ignored);
  if (++ways_ended_ == 2)
    close();
}

void connection::refused(way w) {
  // The receiver answers with a RST, which travels back to the sender.
  (w == way::up ? up_ : down_).stop();
  (w == way::up ? down_ : up_).end(ending::reset);
}

void connection::cut() { events_.cut(); }

} // namespace chasqui::link
