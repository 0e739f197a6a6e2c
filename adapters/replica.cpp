#include "adapters/pg_connection.hpp"
#include "adapters/postgres.hpp"
#include "adapters/replica_query.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace chasqui {

namespace asio = boost::asio;

namespace {

/// The probe proper, shared by its handle and by what waits on the I/O thread; used on the I/O thread only.
class probe_core final : public std::enable_shared_from_this<probe_core>, public pg_connection_user {
public:
  probe_core(io_thread& io, std::string site, postgres_settings settings)
      : io_{io}, timer_{io.context()}, site_{std::move(site)}, settings_{std::move(settings)} {}

  void look(handler<sighting> then);
  void close();

private:
  void connected() override;
  void received() override;
  void drained() override {}
  void broken(std::string why) override;

  void ask();
  void answer(sighting seen);
  void give_up(fault_code code, std::string why);

  io_thread& io_;
  asio::steady_timer timer_;
  std::string site_;
  postgres_settings settings_;
  std::unique_ptr<pg_connection> connection_;
  std::optional<replica_query> query_; ///< Set while the connection is usable.
  handler<sighting> then_;             ///< Set while a look is under way.
};

sighting trouble(fault_code code, std::string why) {
  sighting s;
  s.problem = {code, std::move(why), {}};
  return s;
}

void probe_core::look(handler<sighting> then) {
  if (then_) {
    then(trouble(fault_code::unavailable, "another look at the replica is under way"));
    return;
  }
  then_ = std::move(then);
  timer_.expires_after(settings_.timeout);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
    // It may have expired already when the look was answered and another one began.
    if (!ec && self->timer_.expiry() <= asio::steady_timer::clock_type::now()) {
      self->give_up(fault_code::timed_out, "the replica did not answer within " +
                                               std::to_string(self->settings_.timeout.count()) + " ms");
    }
  });
  if (query_) {
    ask();
  } else {
    connection_ = std::make_unique<pg_connection>(io_, settings_.dsn, "chasqui " + site_, *this);
  }
}

void probe_core::close() { give_up(fault_code::unavailable, "the probe of the replica was closed"); }

void probe_core::connected() {
  query_.emplace(connection_->raw(), site_);
  ask();
}

void probe_core::ask() {
  if (!query_->ask()) {
    give_up(fault_code::link_lost, "the connection to the replica broke");
    return;
  }
  connection_->flush();
}

void probe_core::received() {
  if (!query_ || !then_) {
    return;
  }
  auto seen = query_->collect();
  if (!seen) {
    connection_->flush();
  } else if (seen->problem) {
    give_up(seen->problem.code, std::move(seen->problem.message));
  } else {
    answer(std::move(*seen));
  }
}

void probe_core::broken(std::string why) {
  give_up(fault_code::link_lost, "the replica cannot be reached: " + std::move(why));
}

/// Lets go of the connection: results that are still under way must not be taken for those of the next look.
void probe_core::give_up(fault_code code, std::string why) {
  query_.reset();
  connection_.reset();
  answer(trouble(code, std::move(why)));
}

void probe_core::answer(sighting seen) {
  timer_.cancel();
  if (const auto then = std::exchange(then_, nullptr)) {
    then(std::move(seen));
  }
}

/// What the caller holds.
class pg_replica_probe final : public replica_probe {
public:
  pg_replica_probe(io_thread& io, std::string site, postgres_settings settings)
      : io_{io}, core_{std::make_shared<probe_core>(io, std::move(site), std::move(settings))} {}
  pg_replica_probe(const pg_replica_probe&) = delete;
  pg_replica_probe& operator=(const pg_replica_probe&) = delete;
  ~pg_replica_probe() override {
    asio::post(io_.context(), [core = core_] { core->close(); });
  }

  void look(handler<sighting> then) override {
    asio::post(io_.context(), [core = core_, then = std::move(then)] { core->look(then); });
  }

private:
  io_thread& io_;
  std::shared_ptr<probe_core> core_;
};

} // namespace

std::unique_ptr<replica_probe> make_replica_probe(io_thread& io, std::string site,
                                                  postgres_settings settings) {
  return std::make_unique<pg_replica_probe>(io, std::move(site), std::move(settings));
}

} // namespace chasqui
