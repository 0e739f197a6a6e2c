#include "link_control.hpp"

#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <unistd.h>

#include <chrono>
#include <memory>
#include <utility>

namespace chasqui::link {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;

constexpr std::size_t line_bytes_max = 4096;
constexpr std::size_t answer_bytes_max = 65536;
constexpr std::chrono::seconds answer_timeout{60};

class session : public std::enable_shared_from_this<session> {
public:
  session(stream_protocol::socket socket, const control::handler& h)
      : socket_{std::move(socket)}, handler_{h} {}

  void serve() {
    asio::async_read_until(socket_, asio::dynamic_buffer(input_, line_bytes_max), '\n',
                           [self = shared_from_this()](error_code error, std::size_t bytes) {
                             if (!error)
                               self->answer(bytes);
                           });
  }

private:
  void answer(std::size_t bytes) {
    output_ = handler_(std::string_view{input_}.substr(0, bytes)) + '\n';
    input_.erase(0, bytes);
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        if (!error)
                          self->serve();
                      });
  }

  stream_protocol::socket socket_;
  const control::handler& handler_;
  std::string input_;
  std::string output_;
};

} // namespace

control::control(asio::io_context& io, std::string path, handler h)
    : path_{std::move(path)}, handler_{std::move(h)}, acceptor_{io} {
  ::unlink(path_.c_str());
  acceptor_.open();
  acceptor_.bind({path_});
  acceptor_.listen();
  accept();
}

control::~control() { ::unlink(path_.c_str()); }

void control::accept() {
  acceptor_.async_accept([this](error_code error, stream_protocol::socket socket) {
    if (error == asio::error::operation_aborted)
      return;
    if (!error)
      std::make_shared<session>(std::move(socket), handler_)->serve();
    accept();
  });
}

std::string ask(const std::string& path, const std::string& line) {
  asio::io_context io;
  stream_protocol::socket socket{io};
  socket.connect({path});
  asio::write(socket, asio::buffer(line + '\n'));
  std::string answer;
  error_code error = asio::error::timed_out;
  asio::async_read_until(socket, asio::dynamic_buffer(answer, answer_bytes_max), '\n',
                         [&error](error_code e, std::size_t) { error = e; });
  io.run_for(answer_timeout);
  if (error)
    throw boost::system::system_error{error, "no answer from the link at " + path};
  answer.pop_back();
  return answer;
}

} // namespace chasqui::link
