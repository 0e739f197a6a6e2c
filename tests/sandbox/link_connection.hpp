#pragma once

#include "link_pipe.hpp"

#include <functional>

namespace chasqui::link {

/// What a connection tells the relay that owns it.
struct connection_events {
  std::function<void(const pipe_owner*)> closed;
  std::function<void()> cut;
};

/// A client, the server it reaches through the link, and a pipe each way.
class connection : public pipe_owner, public std::enable_shared_from_this<connection> {
public:
  connection(boost::asio::ip::tcp::socket client, flow& f, connection_events events);

  /// Shakes hands across the link, a round trip as TCP needs it, then lets bytes flow.
  void open();

  /// Looks again at what may pass.
  void poke();

  /// Resets both sides at once.
  void abort();

  /// Resets both sides as soon as the link lets anything through.
  void abort_when_reachable();

  /// Whether the kernels of both peers have all that was written to them.
  [[nodiscard]] bool delivered();

  [[nodiscard]] std::size_t held_bytes(way w) const;

  std::shared_ptr<pipe_owner> keep() override;
  void ended(way w, ending how) override;
  void refused(way w) override;
  void cut() override;

private:
  enum class stage { handshake, dialling, connected, closed };

  void dial();
  void dialled();
  void close();

  boost::asio::ip::tcp::socket client_;
  boost::asio::ip::tcp::socket server_;
  boost::asio::steady_timer handshake_;
  flow& flow_;
  connection_events events_;
  pipe up_;
  pipe down_;
  stage stage_ = stage::handshake;
  bool handshake_due_ = false;
  bool abort_wanted_ = false;
  int ways_ended_ = 0;
};

/// Closes so that the peer gets a RST.
void reset_socket(boost::asio::ip::tcp::socket& socket);

} // namespace chasqui::link
