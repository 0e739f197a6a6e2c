#include "tests/bench/bare_stores.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>
#include <vector>

namespace chasqui::bench {

namespace {

using context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using session = std::unique_ptr<SSL, decltype(&SSL_free)>;

void check(bool holds, const char* what) {
  if (!holds)
    throw std::runtime_error(std::string{"TLS: "} + what);
}

context make_context(const std::string& certificates, const std::string& name, const SSL_METHOD* method) {
  context made{SSL_CTX_new(method), SSL_CTX_free};
  const auto base = certificates + "/" + name;
  check(SSL_CTX_use_certificate_file(made.get(), (base + ".pem").c_str(), SSL_FILETYPE_PEM) == 1 &&
            SSL_CTX_use_PrivateKey_file(made.get(), (base + ".key").c_str(), SSL_FILETYPE_PEM) == 1 &&
            SSL_CTX_load_verify_locations(made.get(), (certificates + "/ca.pem").c_str(), nullptr) == 1,
        "the sandbox's certificates cannot be read");
  SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return made;
}

session make_session(const context& from, int socket) {
  session made{SSL_new(from.get()), SSL_free};
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  SSL_set_fd(made.get(), socket);
  return made;
}

/// Listens on a free port of loopback; the address is where.
int listen_somewhere(sockaddr_in& at) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  check(bind(listener, reinterpret_cast<sockaddr*>(&at), size) == 0 && listen(listener, 1) == 0 &&
            getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size) == 0,
        "no port to listen at");
  return listener;
}

void echo(const context& server, int listener) {
  const int socket = accept(listener, nullptr, nullptr);
  const auto peer = make_session(server, socket);
  std::vector<char> bytes(65536);
  for (int got = SSL_accept(peer.get()); got > 0;) {
    got = SSL_read(peer.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (got > 0 && SSL_write(peer.get(), bytes.data(), got) != got)
      break;
  }
  close(socket);
}

} // namespace

struct bare_tls::impl {
  explicit impl(const std::string& certificates)
      : server{make_context(certificates, "server", TLS_server_method())}, client{make_context(
                                                                               certificates, "client",
                                                                               TLS_client_method())} {
    sockaddr_in at{};
    listener = listen_somewhere(at);
    echoing = std::thread{[this] { echo(server, listener); }};
    socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    mine = make_session(client, socket);
    check(connect(socket, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 && SSL_connect(mine.get()) == 1,
          "no session on loopback");
  }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;
  ~impl() {
    shutdown(socket, SHUT_RDWR);
    echoing.join();
    close(socket);
    close(listener);
  }

  context server;
  context client;
  session mine{nullptr, SSL_free};
  int listener = -1;
  int socket = -1;
  std::thread echoing;
};

bare_tls::bare_tls(const std::string& certificates) : impl_{std::make_unique<impl>(certificates)} {}
bare_tls::~bare_tls() = default;

void bare_tls::round_trip(const std::string& bytes) {
  const auto size = static_cast<int>(bytes.size());
  check(SSL_write(impl_->mine.get(), bytes.data(), size) == size, "it cannot be written");
  std::vector<char> back(bytes.size());
  for (int got = 0; got < size;) {
    const int more = SSL_read(impl_->mine.get(), back.data() + got, size - got);
    check(more > 0, "it cannot be read");
    got += more;
  }
}

} // namespace chasqui::bench
