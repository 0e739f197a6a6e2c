#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace chasqui::link {

/// Answers control lines on a Unix socket, one line of JSON each.
class control {
public:
  using handler = std::function<std::string(std::string_view)>;

  /// Takes over the path from a predecessor that was killed. Throws boost::system::system_error.
  control(boost::asio::io_context& io, std::string path, handler h);
  ~control();
  control(const control&) = delete;
  control& operator=(const control&) = delete;

private:
  void accept();

  std::string path_;
  handler handler_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
};

/// Sends one line to a link's control socket and answers what it said. Throws boost::system::system_error.
std::string ask(const std::string& path, const std::string& line);

} // namespace chasqui::link
