#include "adapters/io_timer.hpp"
#include "adapters/pg_connection.hpp"
#include "adapters/postgres.hpp"
#include "adapters/schema_query.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace chasqui {

namespace asio = boost::asio;

namespace {

/// The source proper, shared by its handle and by what waits on the I/O thread; used on the I/O thread only.
class source_core final : public std::enable_shared_from_this<source_core>, public pg_connection_user {
public:
  source_core(io_thread& io, std::string name, postgres_settings settings, schema_scope scope)
      : io_{io}, timer_{io}, name_{std::move(name)}, settings_{std::move(settings)}, scope_{
                                                                                         std::move(scope)} {}

  void look(std::string known, handler<schema_sighting> then) {
    if (then_) {
      then({{fault_code::unavailable, "another look at the schema is under way", {}}, {}});
      return;
    }
    then_ = std::move(then);
    known_ = std::move(known);
    timer_.after(settings_.timeout, [self = shared_from_this()] {
      self->give_up(
          {fault_code::timed_out,
           "the replica did not answer within " + std::to_string(self->settings_.timeout.count()) + " ms",
           {}});
    });
    if (query_) {
      ask();
    } else {
      connection_ = std::make_unique<pg_connection>(io_, settings_.dsn, name_, *this);
    }
  }

  void close() { give_up({fault_code::unavailable, "the source of the schema was closed", {}}); }

private:
  void connected() override {
    query_.emplace(connection_->raw(), scope_);
    ask();
  }

  void received() override {
    if (!query_ || !then_) {
      return;
    }
    auto seen = query_->collect();
    if (!seen) {
      connection_->flush();
    } else if (seen->problem) {
      give_up(std::move(seen->problem));
    } else {
      answer(std::move(*seen));
    }
  }

  void drained() override {}

  void broken(std::string why) override {
    give_up({fault_code::link_lost, "the replica cannot be reached: " + std::move(why), {}});
  }

  void ask() {
    if (!query_->ask(known_)) {
      give_up({fault_code::link_lost, "the connection to the replica broke", {}});
      return;
    }
    connection_->flush();
  }

  /// Lets go of the connection: results that are still under way must not be taken for those of the next
  /// look.
  void give_up(fault why) {
    query_.reset();
    connection_.reset();
    answer({std::move(why), {}});
  }

  void answer(schema_sighting seen) {
    timer_.cancel();
    if (const auto then = std::exchange(then_, nullptr)) {
      then(std::move(seen));
    }
  }

  io_thread& io_;
  io_timer timer_;
  std::string name_;
  postgres_settings settings_;
  schema_scope scope_;
  std::string known_;
  std::unique_ptr<pg_connection> connection_;
  std::optional<schema_query> query_; ///< Set while the connection is usable.
  handler<schema_sighting> then_;     ///< Set while a look is under way.
};

/// What the caller holds.
class pg_schema_source final : public schema_source {
public:
  pg_schema_source(io_thread& io, std::string name, postgres_settings settings, schema_scope scope)
      : io_{io}, core_{std::make_shared<source_core>(io, std::move(name), std::move(settings),
                                                     std::move(scope))} {}
  pg_schema_source(const pg_schema_source&) = delete;
  pg_schema_source& operator=(const pg_schema_source&) = delete;
  ~pg_schema_source() override {
    asio::post(io_.context(), [core = core_] { core->close(); });
  }

  void look(std::string known, handler<schema_sighting> then) override {
    asio::post(io_.context(), [core = core_, known = std::move(known), then = std::move(then)]() mutable {
      core->look(std::move(known), std::move(then));
    });
  }

private:
  io_thread& io_;
  std::shared_ptr<source_core> core_;
};

} // namespace

std::unique_ptr<schema_source> make_schema_source(io_thread& io, const std::string& site,
                                                  postgres_settings replica, schema_scope scope) {
  return std::make_unique<pg_schema_source>(io, "chasqui " + site + " schema", std::move(replica),
                                            std::move(scope));
}

} // namespace chasqui
