#pragma once

// The link as the sandbox uses it: the real program between real sockets.

#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <list>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace chasqui::test {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

inline bool eventually(const std::function<bool()>& holds, milliseconds within = long_enough) {
  return wait_until(holds, in(within));
}

/// Whether it keeps holding for a while.
inline bool stays(const std::function<bool()>& holds) {
  return !eventually([&] { return !holds(); }, milliseconds{200});
}

/// A connected stream socket that never waits for ever.
class stream {
public:
  stream() = default;
  explicit stream(int fd, int error = 0) : fd_{fd}, error_{error} {}
  stream(stream&& other) noexcept : fd_{std::exchange(other.fd_, -1)}, error_{other.error_} {}
  stream& operator=(stream&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(error_, other.error_);
    return *this;
  }
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  ~stream() {
    if (fd_ >= 0)
      ::close(fd_);
  }

  /// False once the peer has reset the connection.
  bool send(const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const auto n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n < 0) {
        // The kernel tells it only once.
        error_ = errno;
        return false;
      }
      sent += static_cast<std::size_t>(n);
    }
    return true;
  }

  /// Up to `bytes`; fewer at the end of the stream, a reset, or the deadline.
  std::string receive(std::size_t bytes) {
    std::string got;
    while (got.size() < bytes && readable(long_enough)) {
      std::array<char, 65536> part{};
      const auto n = ::recv(fd_, part.data(), std::min(part.size(), bytes - got.size()), 0);
      if (n <= 0)
        break;
      got.append(part.data(), static_cast<std::size_t>(n));
    }
    return got;
  }

  /// Waits for the end of the stream, dropping bytes; 0 if it is in order, otherwise the errno.
  int ending() {
    if (error_ != 0)
      return error_;
    std::array<char, 65536> part{};
    while (readable(long_enough)) {
      const auto n = ::recv(fd_, part.data(), part.size(), 0);
      if (n <= 0)
        return n == 0 ? 0 : errno;
    }
    return ETIMEDOUT;
  }

  [[nodiscard]] bool readable(milliseconds within) const {
    pollfd p{fd_, POLLIN, 0};
    return ::poll(&p, 1, static_cast<int>(within.count())) > 0;
  }

  void finish_sending() { ::shutdown(fd_, SHUT_WR); }
  void shut() { ::shutdown(fd_, SHUT_RDWR); }

private:
  int fd_ = -1;
  int error_ = 0;
};

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  a.sin_port = htons(port);
  return a;
}

inline stream connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto a = loopback(port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a) == 0)
    return stream{fd};
  stream failed{fd, errno};
  if (failed.ending() != ECONNRESET) // It may be reset before this thread knows that it is connected.
    throw std::runtime_error{"connect"};
  return failed;
}

/// A port where nobody listens, and nobody else can.
class closed_port {
public:
  closed_port() : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    auto a = loopback(0);
    socklen_t size = sizeof a;
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&a), size) != 0 ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&a), &size) != 0)
      throw std::runtime_error{"bind"};
    number_ = ntohs(a.sin_port);
  }
  closed_port(const closed_port&) = delete;
  closed_port& operator=(const closed_port&) = delete;
  ~closed_port() { ::close(fd_); }

  [[nodiscard]] std::uint16_t number() const { return number_; }

private:
  int fd_;
  std::uint16_t number_ = 0;
};

/// The other end: keeps what it receives and sends it back if told to.
class server {
public:
  enum class behaviour { echo, silent };

  explicit server(behaviour b = behaviour::echo) : behaviour_{b} {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto a = loopback(0);
    socklen_t size = sizeof a;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&a), size) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&a), &size) != 0) {
      throw std::runtime_error{"listen"};
    }
    port_ = ntohs(a.sin_port);
    thread_ = std::thread{[this] { accept_all(); }};
  }

  server(const server&) = delete;
  server& operator=(const server&) = delete;

  ~server() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    for (auto& s : sessions_)
      s.connection.shut();
    for (auto& s : sessions_)
      s.thread.join();
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }

  std::string received() {
    const std::scoped_lock lock{mutex_};
    return received_;
  }

  std::size_t finished() {
    const std::scoped_lock lock{mutex_};
    return finished_;
  }

  std::size_t accepted() {
    const std::scoped_lock lock{mutex_};
    return sessions_.size();
  }

  void send_to_all(const std::string& bytes) {
    const std::scoped_lock lock{mutex_};
    for (auto& s : sessions_)
      s.connection.send(bytes);
  }

private:
  struct session {
    stream connection;
    std::thread thread;
  };

  void accept_all() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0)
        return;
      const std::scoped_lock lock{mutex_};
      auto& s = sessions_.emplace_back();
      s.connection = stream{fd};
      s.thread = std::thread{[this, fd] { serve(fd); }};
    }
  }

  void serve(int fd) {
    std::array<char, 65536> part{};
    while (true) {
      const auto n = ::recv(fd, part.data(), part.size(), 0);
      if (n <= 0)
        break;
      const std::string bytes{part.data(), static_cast<std::size_t>(n)};
      {
        const std::scoped_lock lock{mutex_};
        received_ += bytes;
      }
      if (behaviour_ == behaviour::echo)
        ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    const std::scoped_lock lock{mutex_};
    ++finished_;
  }

  behaviour behaviour_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
  std::mutex mutex_;
  std::list<session> sessions_;
  std::string received_;
  std::size_t finished_ = 0;
};

inline std::string link_program() {
  // NOLINTBEGIN(concurrency-mt-unsafe): nobody changes the environment.
  const char* program = std::getenv("SANDBOX_LINK");
  const char* build = std::getenv("SANDBOX_BUILD_DIR");
  // NOLINTEND(concurrency-mt-unsafe)
  if (program != nullptr)
    return program;
  return std::string{build != nullptr ? build : "build"} + "/bin/chasqui-link";
}

/// A link of its own for a test; gone with it.
class link {
public:
  explicit link(std::uint16_t target, const std::string& conditions = "latency_ms=0") {
    start(link_program(), "127.0.0.1:" + std::to_string(target), conditions);
  }

  link(const link&) = delete;
  link& operator=(const link&) = delete;

  ~link() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }

  stream connect() const { return connect_to(port_); }

  /// Sends a control line, answers the line of JSON.
  std::string tell(const std::string& line) const {
    sockaddr_un a{};
    a.sun_family = AF_UNIX;
    control().copy(a.sun_path, sizeof a.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    stream s{fd};
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0)
      throw std::runtime_error{"control"};
    s.send(line + "\n");
    std::string answer;
    while (answer.empty() || answer.back() != '\n') {
      const auto part = s.receive(1);
      if (part.empty())
        throw std::runtime_error{"no answer from the link"};
      answer += part;
    }
    return answer;
  }

  bool says(const std::string& part) const { return tell("").find(part) != std::string::npos; }

private:
  [[nodiscard]] std::string control() const { return dir_.file("control"); }

  void start(const std::string& program, const std::string& target, const std::string& conditions) {
    const auto port_file = dir_.file("port");
    const std::string control_path = control();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execl(program.c_str(), program.c_str(), "--listen", "127.0.0.1:0", "--target", target.c_str(),
              "--control", control_path.c_str(), "--port-file", port_file.c_str(), conditions.c_str(),
              nullptr);
      ::_exit(127);
    }
    const bool up =
        eventually([&] { return std::filesystem::exists(port_file) || ::waitpid(pid_, nullptr, WNOHANG); });
    if (!up || !(std::ifstream{port_file} >> port_))
      throw std::runtime_error{program + " does not start"};
  }

  chasqui::test::temp_dir dir_;
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

} // namespace chasqui::test
