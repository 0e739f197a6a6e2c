#include "tests/fuzz/postgres_server.hpp"

#include "tests/fuzz/promise.hpp"

#include <libpq-fe.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace chasqui {

namespace {

/// A directory that is none: its socket is in Linux' abstract name space and leaves nothing behind.
std::string directory() { return "@chasqui-fuzz-" + std::to_string(getpid()); }

int make_listener() {
  const auto path = directory() + "/.s.PGSQL.5432";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, path.data() + 1, path.size() - 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  promise(bind(listener, reinterpret_cast<const sockaddr*>(&address), size) == 0 && listen(listener, 4) == 0,
          "a socket can be had");
  return listener;
}

std::string number(std::size_t value, unsigned bytes) {
  std::string text;
  for (unsigned shift = bytes * 8; shift > 0; shift -= 8)
    text += static_cast<char>(value >> (shift - 8) & 0xFFU);
  return text;
}

std::string message(char kind, const std::string& body) { return kind + number(body.size() + 4, 4) + body; }

template <class Append> std::string each_field(std::string_view text, Append append) {
  std::string out;
  while (!text.empty()) {
    const auto field = text.substr(0, text.find('|'));
    text.remove_prefix(std::min(field.size() + 1, text.size()));
    append(out, field);
  }
  return out;
}

std::size_t count_of(std::string_view text) {
  return text.empty() ? 0 : 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), '|'));
}

std::string columns(std::string_view names) {
  constexpr std::size_t text_type = 25;
  return number(count_of(names), 2) + each_field(names, [](std::string& out, std::string_view name) {
           out += std::string{name} + '\0' + number(0, 4) + number(0, 2) + number(text_type, 4) +
                  number(0xFFFF, 2) + number(0xFFFFFFFF, 4) + number(0, 2);
         });
}

std::string values(std::string_view fields) {
  return number(count_of(fields), 2) + each_field(fields, [](std::string& out, std::string_view value) {
           if (value == "~")
             out += number(0xFFFFFFFF, 4);
           else
             out += number(value.size(), 4) + std::string{value};
         });
}

std::string complaint(std::string_view fields) {
  return each_field(fields,
                    [](std::string& out, std::string_view field) { out += std::string{field} + '\0'; }) +
         '\0';
}

std::string message_of(std::string_view line) {
  const auto rest = line.substr(1);
  switch (line.front()) {
  case '=':
    return std::string{rest};
  case 'T':
    return message('T', columns(rest));
  case 'D':
    return message('D', values(rest));
  case 'E':
  case 'N':
    return message(line.front(), complaint(rest));
  case 'Z':
  case '1':
  case '2':
    return message(line.front(), std::string{rest});
  default:
    return message(line.front(), std::string{rest} + '\0');
  }
}

} // namespace

postgres_server::postgres_server() {
  static const int listener = make_listener();
  const auto dsn = "host=" + directory() + " user=x password=x dbname=x sslmode=disable gssencmode=disable";
  client_ = PQconnectStart(dsn.c_str());
  PQconnectPoll(client_);
  socket_ = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  greet();
}

postgres_server::~postgres_server() {
  PQfinish(client_);
  close(socket_);
}

void postgres_server::greet() {
  const auto welcome = message('R', number(0, 4)) + message('Z', "I");
  promise(write(socket_, welcome.data(), welcome.size()) == static_cast<ssize_t>(welcome.size()),
          "a welcome can be said");
  auto state = PGRES_POLLING_WRITING;
  for (int tries = 0; tries < 10 && state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED; ++tries)
    state = PQconnectPoll(client_);
  promise(state == PGRES_POLLING_OK && PQsetnonblocking(client_, 1) == 0 && PQenterPipelineMode(client_) == 1,
          "a session can be opened");
  PQsetNoticeReceiver(
      client_, [](void*, const PGresult*) {}, nullptr);
}

void postgres_server::say(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = write(socket_, bytes.data(), bytes.size());
    if (sent <= 0)
      break;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  PQflush(client_);
  PQconsumeInput(client_);
}

void postgres_server::hang_up() {
  shutdown(socket_, SHUT_RDWR);
  PQconsumeInput(client_);
}

std::string messages_of(std::string_view lines) {
  std::string out;
  while (!lines.empty()) {
    const auto line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    if (!line.empty())
      out += message_of(line);
  }
  return out;
}

} // namespace chasqui
