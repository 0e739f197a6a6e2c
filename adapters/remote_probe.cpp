#include "adapters/remote_probe.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>
#include <variant>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace chasqui {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string reason(int code) { return std::generic_category().message(code); }

class connection {
public:
  explicit connection(int opened) : fd_{opened} {}
  connection(connection&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  connection& operator=(connection&&) = delete;
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() {
    if (fd_ >= 0)
      close(fd_);
  }

  [[nodiscard]] int fd() const { return fd_; }

private:
  int fd_;
};

/// Waits for `wanted`; 0, or why that did not come.
int wait_for(int fd, short wanted, steady_clock::time_point deadline) {
  pollfd waiting{fd, wanted, 0};
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    const auto ready = poll(&waiting, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)));
    if (ready > 0)
      return 0;
    if (ready == 0)
      return ETIMEDOUT;
    if (errno != EINTR)
      return errno;
  }
}

int connect_to(int fd, const addrinfo& address, steady_clock::time_point deadline) {
  if (fd < 0)
    return errno;
  if (connect(fd, address.ai_addr, address.ai_addrlen) == 0)
    return 0;
  if (errno != EINPROGRESS)
    return errno;
  if (const auto code = wait_for(fd, POLLOUT, deadline); code != 0)
    return code;
  int code = 0;
  socklen_t size = sizeof(code);
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno;
}

std::variant<connection, std::string> connect_to(const remote_target& target,
                                                 steady_clock::time_point deadline) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const auto code =
          getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &wanted, &found);
      code != 0)
    return gai_strerror(code);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses{found, freeaddrinfo};
  int last = 0;
  for (const auto* address = addresses.get(); address != nullptr; address = address->ai_next) {
    connection opened{socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                             address->ai_protocol)};
    last = connect_to(opened.fd(), *address, deadline);
    if (last == 0)
      return opened;
  }
  return reason(last) + ". Is it running, and are remote.listen and remote.port the same for both?";
}

using context_ptr = std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)>;

struct secured {
  context_ptr context{nullptr, SSL_CTX_free};
  std::string error;
};

secured load_credentials(const remote_target& target) {
  if (target.certificate.empty() || target.key.empty() || target.ca.empty())
    return {{nullptr, SSL_CTX_free},
            "Without certificate, key and ca of [remote] the session would be anonymous."};
  context_ptr context{SSL_CTX_new(TLS_method()), SSL_CTX_free};
  std::string error;
  if (!context)
    error = "OpenSSL does not start.";
  else if (SSL_CTX_use_certificate_chain_file(context.get(), target.certificate.c_str()) != 1)
    error = target.certificate + " is no certificate that can be read.";
  else if (SSL_CTX_use_PrivateKey_file(context.get(), target.key.c_str(), SSL_FILETYPE_PEM) != 1)
    error = target.key + " is no key that can be read, or not that of " + target.certificate + ".";
  else if (SSL_CTX_load_verify_locations(context.get(), target.ca.c_str(), nullptr) != 1)
    error = target.ca + " holds no certificate of an authority that can be read.";
  return {std::move(context), error};
}

std::string explain(const SSL* session) {
  if (const auto code = SSL_get_verify_result(session); code != X509_V_OK)
    return "its certificate is not accepted: " + std::string{X509_verify_cert_error_string(code)} +
           ". Did the authority in remote.ca sign it?";
  const auto code = ERR_peek_last_error();
  const auto* const text = code == 0 ? nullptr : ERR_reason_error_string(code);
  return "it ended the handshake (" + std::string{text == nullptr ? "connection closed" : text} +
         "). Did its authority sign our certificate, and is that in date?";
}

/// Calls `step` of the handshake until it is through; "" then, or why it is not.
template <class Step> std::string drive(SSL* session, int fd, steady_clock::time_point deadline, Step step) {
  for (;;) {
    ERR_clear_error();
    const auto result = step(session);
    if (result > 0)
      return "";
    const auto wish = SSL_get_error(session, result);
    if (wish != SSL_ERROR_WANT_READ && wish != SSL_ERROR_WANT_WRITE)
      return explain(session);
    if (wait_for(fd, wish == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline) != 0)
      return "it takes connections and does not answer. Is it stopped, or is something else at that port?";
  }
}

} // namespace

std::string to_string(const remote_target& target) {
  const bool v6 = target.host.find(':') != std::string::npos;
  return (v6 ? '[' + target.host + ']' : target.host) + ':' + std::to_string(target.port);
}

std::string refuse_credentials(const remote_target& target) { return load_credentials(target).error; }

std::string probe(const remote_target& target, milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  const auto security = load_credentials(target);
  if (!security.error.empty())
    return security.error;
  auto opened = connect_to(target, deadline);
  if (auto* const error = std::get_if<std::string>(&opened))
    return std::move(*error);
  const auto fd = std::get<connection>(opened).fd();
  SSL_CTX_set_verify(security.context.get(), SSL_VERIFY_PEER, nullptr);
  const std::unique_ptr<SSL, void (*)(SSL*)> session{SSL_new(security.context.get()), SSL_free};
  if (!session || SSL_set_fd(session.get(), fd) != 1)
    return "OpenSSL does not start.";
  if (auto why = drive(session.get(), fd, deadline, SSL_connect); !why.empty())
    return why;
  // With TLS 1.3 only the first byte from there tells that it took our certificate; CAF's server speaks
  // first.
  char first = 0;
  auto why = drive(session.get(), fd, deadline, [&](SSL* s) { return SSL_read(s, &first, 1); });
  if (why.empty())
    SSL_shutdown(session.get()); // The farewell; whether it arrives does not matter.
  return why;
}

} // namespace chasqui
