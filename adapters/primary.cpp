#include "adapters/postgres.hpp"
#include "adapters/primary_ping.hpp"
#include "adapters/primary_session.hpp"

#include <utility>

namespace chasqui {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds ping_timeout = 2s;

class pg_primary final : public primary_port {
public:
  pg_primary(io_thread& io, std::string site, postgres_settings settings)
      : io_{io}, site_{std::move(site)}, settings_{std::move(settings)} {}

  std::unique_ptr<primary_session> open(primary_claim claim, primary_listener listener) override {
    return open_primary_session(io_, site_, settings_, std::move(claim), std::move(listener));
  }

  void ping(handler<fault> then) override { ping_primary(io_, settings_.dsn, ping_timeout, std::move(then)); }

private:
  io_thread& io_;
  std::string site_;
  postgres_settings settings_;
};

} // namespace

std::unique_ptr<primary_port> make_primary(io_thread& io, std::string site, postgres_settings settings) {
  return std::make_unique<pg_primary>(io, std::move(site), std::move(settings));
}

} // namespace chasqui
