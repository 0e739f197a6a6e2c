#include <boost/test/unit_test.hpp>

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

// The link as the sandbox uses it: the real program between real sockets.

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds deadline{30'000};

bool eventually(const std::function<bool()>& holds, milliseconds within = deadline) {
  const auto until = steady_clock::now() + within;
  while (!holds()) {
    if (steady_clock::now() > until)
      return false;
    std::this_thread::sleep_for(milliseconds{2});
  }
  return true;
}

/// Whether it keeps holding for a while.
bool stays(const std::function<bool()>& holds) {
  return !eventually([&] { return !holds(); }, milliseconds{200});
}

/// A connected stream socket that never waits for ever.
class stream {
public:
  stream() = default;
  explicit stream(int fd) : fd_{fd} {}
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
    while (got.size() < bytes && readable(deadline)) {
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
    while (readable(deadline)) {
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

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  a.sin_port = htons(port);
  return a;
}

stream connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  stream s{fd};
  const auto a = loopback(port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0)
    throw std::runtime_error{"connect"};
  return s;
}

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

std::string link_program() {
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
    std::string pattern = std::filesystem::temp_directory_path() / "chasqui-link-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
      throw std::runtime_error{"mkdtemp"};
    dir_ = pattern;
    start(link_program(), "127.0.0.1:" + std::to_string(target), conditions);
  }

  link(const link&) = delete;
  link& operator=(const link&) = delete;

  ~link() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(dir_);
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
  [[nodiscard]] std::string control() const { return dir_ / "control"; }

  void start(const std::string& program, const std::string& target, const std::string& conditions) {
    const auto port_file = dir_ / "port";
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

  std::filesystem::path dir_;
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

/// Bytes that show it if any is lost, doubled or out of place.
std::string pattern(std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; text.size() < bytes; ++i)
    text += std::to_string(i) + ",";
  text.resize(bytes);
  return text;
}

std::string round_trip(stream& s, const std::string& bytes) {
  s.send(bytes);
  return s.receive(bytes.size());
}

BOOST_AUTO_TEST_CASE(a_round_trip_takes_at_least_twice_the_latency) {
  server far;
  const link l{far.port(), "latency_ms=60"};
  auto s = l.connect();
  for (int i = 0; i < 3; ++i) {
    const auto begin = steady_clock::now();
    BOOST_TEST(round_trip(s, "ping") == "ping");
    BOOST_TEST(duration_cast<milliseconds>(steady_clock::now() - begin).count() >= 120);
  }
}

BOOST_AUTO_TEST_CASE(a_first_answer_waits_for_the_handshake_too) {
  server far;
  const link l{far.port(), "latency_ms=40"};
  const auto begin = steady_clock::now();
  auto s = l.connect();
  BOOST_TEST(round_trip(s, "hello") == "hello");
  BOOST_TEST(duration_cast<milliseconds>(steady_clock::now() - begin).count() >= 160);
}

BOOST_AUTO_TEST_CASE(many_segments_are_in_flight_at_once) {
  server far;
  const link l{far.port()};
  auto s = l.connect();
  BOOST_TEST(round_trip(s, "hello") == "hello");
  l.tell("latency_ms=1500");
  const auto bytes = pattern(3000);
  for (const char c : bytes)
    s.send(std::string{c});
  BOOST_TEST(eventually([&] { return l.says(R"("held_bytes":{"up":3000,)"); }));
  BOOST_TEST(far.received() == "hello");
  BOOST_TEST(s.receive(bytes.size()) == bytes);
}

BOOST_AUTO_TEST_CASE(jitter_and_loss_delay_but_neither_lose_nor_reorder) {
  server far;
  const link l{far.port(), "latency_ms=2"};
  auto s = l.connect();
  BOOST_TEST(round_trip(s, "hello") == "hello");
  l.tell("jitter_ms=20 loss=0.1");
  const auto bytes = pattern(200);
  for (const char c : bytes)
    s.send(std::string{c});
  l.tell("loss=0");
  BOOST_TEST(s.receive(bytes.size()) == bytes);
}

BOOST_AUTO_TEST_CASE(a_rate_limit_holds_for_all_connections_together) {
  server far;
  const link l{far.port(), "rate_kbps=4000"};
  auto a = l.connect();
  auto b = l.connect();
  const auto bytes = pattern(100'000);
  const auto begin = steady_clock::now();
  a.send(bytes);
  b.send(bytes);
  BOOST_TEST(a.receive(bytes.size()) == bytes);
  BOOST_TEST(b.receive(bytes.size()) == bytes);
  // 200 kB at 500 kB/s, less the burst that is let through.
  BOOST_TEST(duration_cast<milliseconds>(steady_clock::now() - begin).count() >= 350);
}

BOOST_AUTO_TEST_CASE(megabytes_pass_unchanged) {
  server far{server::behaviour::silent};
  const link l{far.port(), "latency_ms=5"};
  auto s = l.connect();
  const auto bytes = pattern(20'000'000);
  BOOST_TEST(s.send(bytes));
  s.finish_sending();
  BOOST_TEST(eventually([&] { return far.finished() == 1; }));
  BOOST_TEST((far.received() == bytes));
}

BOOST_AUTO_TEST_CASE(a_cut_lets_exactly_n_bytes_pass) {
  for (const std::size_t n : {1, 1000, 100'000, 1'234'567}) {
    server far{server::behaviour::silent};
    const link l{far.port(), "latency_ms=1"};
    auto s = l.connect();
    l.tell("cut_direction=up cut_after_bytes=" + std::to_string(n));
    const auto bytes = pattern(n + 300'000);
    s.send(bytes);
    BOOST_TEST(s.ending() == ECONNRESET);
    BOOST_TEST(eventually([&] { return far.finished() == 1; }));
    BOOST_TEST((far.received() == bytes.substr(0, n)));
  }
}

BOOST_AUTO_TEST_CASE(a_cut_counts_both_directions_unless_told_otherwise) {
  server far;
  const link l{far.port(), "cut_after_bytes=15"};
  auto s = l.connect();
  BOOST_TEST(round_trip(s, "12345") == "12345");
  s.send("67890");
  BOOST_TEST(s.ending() == ECONNRESET);
  BOOST_TEST(far.received() == "1234567890");
  BOOST_TEST(l.says(R"("bytes":{"up":10,"down":5})"));
}

BOOST_AUTO_TEST_CASE(a_cut_downwards_loses_the_answer_but_not_the_question) {
  server far;
  const link l{far.port(), "cut_direction=down cut_after_bytes=3"};
  auto s = l.connect();
  s.send("question");
  BOOST_TEST(s.receive(8) == "que");
  BOOST_TEST(far.received() == "question");
}

BOOST_AUTO_TEST_CASE(after_a_cut_connections_are_reset_until_the_link_is_opened) {
  server far;
  const link l{far.port(), "cut_after_bytes=2"};
  auto s = l.connect();
  s.send("ping");
  BOOST_TEST(s.ending() == ECONNRESET);
  BOOST_TEST(l.says(R"("mode":"reset")"));
  BOOST_TEST(l.connect().ending() == ECONNRESET);
  l.tell("mode=open");
  auto again = l.connect();
  BOOST_TEST(round_trip(again, "ping") == "ping");
}

BOOST_AUTO_TEST_CASE(a_black_hole_holds_and_heals_with_no_byte_lost) {
  server far;
  const link l{far.port(), "latency_ms=10"};
  auto s = l.connect();
  BOOST_TEST(round_trip(s, "before") == "before");

  l.tell("mode=blackhole");
  const auto bytes = pattern(100'000);
  s.send(bytes);
  auto late = l.connect();
  late.send("late");
  BOOST_TEST(stays([&] { return far.received() == "before" && far.accepted() == 1; }));
  BOOST_TEST(!s.readable(milliseconds{0}));

  l.tell("mode=open");
  BOOST_TEST((s.receive(bytes.size()) == bytes));
  BOOST_TEST(late.receive(4) == "late");
}

BOOST_AUTO_TEST_CASE(a_black_hole_holds_what_was_in_flight) {
  server far{server::behaviour::silent};
  const link l{far.port()};
  auto s = l.connect();
  s.send("before");
  BOOST_TEST(eventually([&] { return far.received() == "before"; }));
  l.tell("latency_ms=300");
  s.send(" after");
  BOOST_TEST(eventually([&] { return l.says(R"("held_bytes":{"up":6,)"); }));
  l.tell("mode=blackhole latency_ms=0");
  BOOST_TEST(!eventually([&] { return far.received() != "before"; }, milliseconds{500}));
  l.tell("mode=open");
  BOOST_TEST(eventually([&] { return far.received() == "before after"; }));
}

BOOST_AUTO_TEST_CASE(a_black_hole_tells_neither_side_that_the_other_is_gone) {
  server far;
  const link l{far.port()};
  auto s = l.connect();
  BOOST_TEST(round_trip(s, "ping") == "ping");
  l.tell("mode=blackhole");
  s = stream{};
  BOOST_TEST(stays([&] { return far.finished() == 0; }));
  l.tell("mode=open");
  BOOST_TEST(eventually([&] { return far.finished() == 1; }));
}

BOOST_AUTO_TEST_CASE(who_gave_up_in_a_black_hole_never_arrives) {
  server far;
  const link l{far.port(), "mode=blackhole"};
  { auto gone = l.connect(); }
  auto patient = l.connect();
  l.tell("mode=open");
  BOOST_TEST(round_trip(patient, "ping") == "ping");
  BOOST_TEST(far.accepted() == 1U);
}

BOOST_AUTO_TEST_CASE(one_way_loss_lets_answers_through_but_no_questions) {
  server far{server::behaviour::silent};
  const link l{far.port()};
  auto s = l.connect();
  s.send("before");
  BOOST_TEST(eventually([&] { return far.received() == "before"; }));
  l.tell("mode=oneway");
  s.send(" after");
  far.send_to_all("news");
  BOOST_TEST(s.receive(4) == "news");
  BOOST_TEST(stays([&] { return far.received() == "before"; }));
  l.tell("mode=open");
  BOOST_TEST(eventually([&] { return far.received() == "before after"; }));
}

BOOST_AUTO_TEST_CASE(a_reset_ends_old_and_new_connections) {
  server far;
  const link l{far.port()};
  auto s = l.connect();
  BOOST_TEST(round_trip(s, "ping") == "ping");
  l.tell("mode=reset");
  BOOST_TEST(s.ending() == ECONNRESET);
  BOOST_TEST(eventually([&] { return far.finished() == 1; }));
  BOOST_TEST(l.connect().ending() == ECONNRESET);
  BOOST_TEST(far.accepted() == 1U);
}

BOOST_AUTO_TEST_CASE(an_unreachable_target_resets_the_client) {
  std::uint16_t port = 0;
  {
    const server gone;
    port = gone.port();
  }
  const link l{port};
  BOOST_TEST(l.connect().ending() == ECONNRESET);
}

BOOST_AUTO_TEST_CASE(a_client_that_has_said_all_still_hears_the_answer) {
  server far;
  const link l{far.port(), "latency_ms=5"};
  auto s = l.connect();
  s.send("last words");
  s.finish_sending();
  BOOST_TEST(s.receive(10) == "last words");
  BOOST_TEST(eventually([&] { return far.finished() == 1; }));
}

BOOST_AUTO_TEST_CASE(a_new_target_takes_over_from_the_old_one) {
  server old_primary;
  server new_primary;
  const link l{old_primary.port()};
  auto s = l.connect();
  BOOST_TEST(round_trip(s, "old") == "old");
  l.tell("target=127.0.0.1:" + std::to_string(new_primary.port()));
  BOOST_TEST(s.ending() == ECONNRESET);
  auto again = l.connect();
  BOOST_TEST(round_trip(again, "new") == "new");
  BOOST_TEST(new_primary.received() == "new");
}

BOOST_AUTO_TEST_CASE(a_bad_setting_changes_nothing_and_says_what_is_allowed) {
  const server far;
  const link l{far.port()};
  const auto before = l.tell("");
  for (const std::string line : {"latency_ms=1 loss=2", "latency_ms=-1", "latncy_ms=1", "mode=closed", "open",
                                 "cut_after_bytes=many", "target=nowhere", "loss=nan", "rate_kbps=1.5"}) {
    const auto answer = l.tell(line);
    BOOST_TEST(answer.find(R"({"error":)") == 0U, line << " gave " << answer);
    BOOST_TEST(answer.find("allowed: mode=open|blackhole|oneway|reset") != std::string::npos);
  }
  BOOST_TEST(l.tell("") == before);
}

} // namespace
