#include "adapters/pg_connection.hpp"

#include "adapters/conninfo.hpp"
#include "adapters/pg_answer.hpp"
#include "adapters/tcp_transmission.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <libpq-fe.h>

#include <utility>
#include <vector>

namespace chasqui {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// Keyword and value, as PQconnectStartParams takes them: later ones win.
class parameters {
public:
  void add(const char* keyword, const char* value) {
    keywords_.insert(keywords_.end() - 1, keyword);
    values_.insert(values_.end() - 1, value);
  }
  [[nodiscard]] PGconn* start() const {
    return PQconnectStartParams(keywords_.data(), values_.data(), 1 /* dbname is a connection string */);
  }

private:
  std::vector<const char*> keywords_{nullptr};
  std::vector<const char*> values_{nullptr};
};

/// What holds unless the connection string says otherwise.
void add_defaults(parameters& to) {
  // A peer that is gone without a word is noticed within about 20 s, also by the kernel alone.
  to.add("keepalives_idle", "5");
  to.add("keepalives_interval", "3");
  to.add("keepalives_count", "5");
  to.add("tcp_user_timeout", "20000");
  // Kerberos may ask its servers, and blocks meanwhile.
  to.add("gssencmode", "disable");
}

/// A value has to mean the same to the primary, which applies it, and to the replica, where pending ones are
/// read, whatever zone and country their files were made in: a time without a zone is UTC, and a date that is
/// not year, month, day is refused.
constexpr const char* meaning_of_values = "-c TimeZone=UTC -c DateStyle=ISO,YMD -c IntervalStyle=postgres ";

} // namespace

struct pg_connection::impl : std::enable_shared_from_this<impl> {
  impl(asio::io_context& context, pg_connection_user& u) : resolver{context}, socket{context}, user{&u} {}
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;
  ~impl() { close(); }

  void begin();
  void look_up(const std::string& host);
  void connect(const std::string& hosts, const std::string& addresses);
  void wait_for(PostgresPollingStatusType wanted);
  void poll();
  bool attach();
  void await_input();
  void read();
  void await_room();
  bool flush();
  void fail(std::string why);
  void close();

  asio::ip::tcp::resolver resolver;
  asio::posix::stream_descriptor socket;
  pg_connection_user* user; ///< Null once closed.
  PGconn* connection = nullptr;
  std::string dsn;
  std::string application_name;
  std::string options;  ///< For the server.
  std::string farewell; ///< What the server said before it closed the connection.
  bool awaits_room = false;
};

void pg_connection::impl::begin() {
  const conninfo info = parse_conninfo(dsn);
  options = meaning_of_values + info.options;
  if (info.problem) {
    fail(info.problem.message);
  } else if (info.needs_lookup()) {
    look_up(info.host);
  } else {
    // Without hostaddr, libpq takes even a numeric host to the resolver.
    connect({}, info.host == info.hostaddr ? info.hostaddr : "");
  }
}

void pg_connection::impl::look_up(const std::string& host) {
  using results = asio::ip::tcp::resolver::results_type;
  resolver.async_resolve(host, "", [self = shared_from_this(), host](error_code ec, const results& found) {
    if (self->user == nullptr) {
      return;
    }
    if (ec) {
      self->fail("cannot look up the host name \"" + host + "\": " + ec.message());
      return;
    }
    std::string hosts;
    std::string addresses;
    for (const auto& one : found) {
      hosts += (hosts.empty() ? "" : ",") + host;
      addresses += (addresses.empty() ? "" : ",") + one.endpoint().address().to_string();
    }
    self->connect(hosts, addresses);
  });
}

void pg_connection::impl::connect(const std::string& hosts, const std::string& addresses) {
  parameters p;
  add_defaults(p);
  p.add("dbname", dsn.c_str());
  if (!hosts.empty()) {
    p.add("host", hosts.c_str());
  }
  if (!addresses.empty()) {
    p.add("hostaddr", addresses.c_str());
  }
  p.add("client_encoding", "UTF8");
  p.add("options", options.c_str());
  if (!application_name.empty()) {
    p.add("application_name", application_name.c_str());
  }
  connection = p.start();
  if (connection == nullptr || PQstatus(connection) == CONNECTION_BAD) {
    fail(connection == nullptr ? "out of memory" : one_line(PQerrorMessage(connection)));
    return;
  }
  // Notices would go to stderr. A FATAL arrives as one while nothing is asked.
  PQsetNoticeReceiver(
      connection,
      [](void* self, const PGresult* notice) {
        if (auto e = error_of(notice); e.ends_session) {
          static_cast<impl*>(self)->farewell = std::move(e.message);
        }
      },
      this);
  wait_for(PGRES_POLLING_WRITING);
}

bool pg_connection::impl::attach() {
  error_code ec;
  socket.assign(PQsocket(connection), ec);
  if (ec) {
    fail("cannot watch the socket: " + ec.message());
  }
  return !ec;
}

void pg_connection::impl::wait_for(PostgresPollingStatusType wanted) {
  if (!attach()) {
    return;
  }
  const auto readiness = wanted == PGRES_POLLING_READING ? asio::posix::descriptor_base::wait_read
                                                         : asio::posix::descriptor_base::wait_write;
  socket.async_wait(readiness, [self = shared_from_this()](error_code) {
    // On an error, too, libpq knows best what to say.
    if (self->user != nullptr) {
      self->poll();
    }
  });
}

void pg_connection::impl::poll() {
  // libpq may close this socket and go on with another, even of the same number.
  socket.release();
  const auto state = PQconnectPoll(connection);
  if (state == PGRES_POLLING_FAILED) {
    fail(one_line(PQerrorMessage(connection)));
    return;
  }
  if (state != PGRES_POLLING_OK) {
    wait_for(state);
    return;
  }
  if (PQsetnonblocking(connection, 1) != 0 || PQenterPipelineMode(connection) != 1) {
    fail(one_line(PQerrorMessage(connection)));
    return;
  }
  if (attach()) {
    await_input();
    user->connected();
  }
}

void pg_connection::impl::await_input() {
  socket.async_wait(asio::posix::descriptor_base::wait_read, [self = shared_from_this()](error_code) {
    if (self->user != nullptr) {
      self->read();
    }
  });
}

void pg_connection::impl::read() {
  // One read takes 8 KiB at least, a TLS record has 16 KiB at most: what is left of it in OpenSSL's buffer
  // would not make the socket readable.
  const int reads = PQsslInUse(connection) != 0 ? 2 : 1;
  bool alive = true;
  for (int i = 0; alive && i < reads; ++i) {
    alive = PQconsumeInput(connection) == 1;
  }
  std::string why = alive ? "" : one_line(PQerrorMessage(connection));
  // Answers that came before the end count.
  user->received();
  if (user == nullptr) {
    return;
  }
  if (!alive) {
    fail(farewell.empty() ? std::move(why) : farewell);
    return;
  }
  if (awaits_room && flush()) {
    awaits_room = false;
    user->drained();
    if (user == nullptr) {
      return;
    }
  }
  await_input();
}

void pg_connection::impl::await_room() {
  if (awaits_room) {
    return;
  }
  awaits_room = true;
  socket.async_wait(asio::posix::descriptor_base::wait_write, [self = shared_from_this()](error_code) {
    const bool wanted = std::exchange(self->awaits_room, false);
    if (self->user != nullptr && wanted && self->flush()) {
      self->user->drained();
    }
  });
}

bool pg_connection::impl::flush() {
  const int left = PQflush(connection);
  if (left > 0) {
    await_room();
  } else if (left < 0) {
    asio::post(socket.get_executor(), [self = shared_from_this()] {
      if (self->user != nullptr) {
        self->fail(one_line(PQerrorMessage(self->connection)));
      }
    });
  }
  return left == 0;
}

void pg_connection::impl::fail(std::string why) {
  auto* who = user;
  close();
  who->broken(std::move(why));
}

void pg_connection::impl::close() {
  user = nullptr;
  resolver.cancel();
  if (socket.is_open()) {
    socket.release();
  }
  if (connection != nullptr) {
    PQfinish(std::exchange(connection, nullptr));
  }
}

pg_connection::pg_connection(io_thread& io, const std::string& dsn, const std::string& application_name,
                             pg_connection_user& user)
    : impl_{std::make_shared<impl>(io.context(), user)} {
  impl_->dsn = dsn;
  impl_->application_name = application_name;
  asio::post(io.context(), [self = impl_] {
    if (self->user != nullptr) {
      self->begin();
    }
  });
}

pg_connection::~pg_connection() { impl_->close(); }

pg_conn* pg_connection::raw() const noexcept { return impl_->connection; }

bool pg_connection::flush() { return impl_->flush(); }

std::optional<transmission> pg_connection::sent_so_far() const {
  auto so_far = transmission_of(PQsocket(impl_->connection));
  if (so_far) {
    so_far->waits = impl_->awaits_room;
  }
  return so_far;
}

} // namespace chasqui
