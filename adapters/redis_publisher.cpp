#include "adapters/redis.hpp"

#include "adapters/redis_connection.hpp"
#include "messages/json.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <utility>

namespace chasqui {
namespace {

constexpr std::chrono::milliseconds backoff_min{100};
constexpr std::chrono::milliseconds backoff_max{5000};

struct tally {
  std::atomic<std::size_t> waiting{0};
  std::atomic<std::uint64_t> dropped{0};
};

/// Keeps a connection to Redis, on the I/O thread.
class channel : public std::enable_shared_from_this<channel> {
public:
  channel(io_thread& io, std::string site, redis_settings settings)
      : io_{io}, settings_{std::move(settings)}, name_{"chasqui:{" + std::move(site) + "}:events"},
        pause_{io.context()} {}

  tally count;

  void connect() {
    if (stopped_)
      return;
    const auto weak = weak_from_this();
    connection_ = std::make_unique<redis_connection>(io_, settings_);
    connection_->open(
        [weak](const fault& problem) {
          if (const auto self = weak.lock())
            problem ? self->connect_later() : self->connected();
        },
        [weak] {
          if (const auto self = weak.lock())
            self->connect_later();
        });
  }

  void publish(const std::string& json) {
    const auto answered = [weak = weak_from_this()](const redis_reply& reply) {
      if (const auto self = weak.lock())
        self->settle(!reply.is_lost() && !reply.is_error());
    };
    if (!connection_ || !connection_->send({"PUBLISH", name_, json}, answered))
      settle(false);
  }

  void stop() {
    stopped_ = true;
    pause_.cancel();
    if (connection_)
      connection_->close("the publisher was closed.");
  }

private:
  void connected() { backoff_ = backoff_min; }

  void connect_later() {
    if (stopped_)
      return;
    pause_.expires_after(backoff_);
    backoff_ = std::min(backoff_ * 2, backoff_max);
    pause_.async_wait([self = shared_from_this()](const boost::system::error_code& e) {
      if (!e)
        self->connect();
    });
  }

  void settle(bool published) {
    count.waiting.fetch_sub(1);
    if (!published)
      count.dropped.fetch_add(1);
  }

  io_thread& io_;
  redis_settings settings_;
  std::string name_;
  boost::asio::steady_timer pause_;
  std::unique_ptr<redis_connection> connection_;
  std::chrono::milliseconds backoff_ = backoff_min;
  bool stopped_ = false;
};

class publisher final : public redis_publisher {
public:
  publisher(io_thread& io, std::string site, redis_settings settings, std::size_t backlog_max)
      : io_{io}, backlog_max_{backlog_max}, channel_{std::make_shared<channel>(io, std::move(site),
                                                                               std::move(settings))} {
    boost::asio::post(io_.context(), [c = channel_] { c->connect(); });
  }
  publisher(const publisher&) = delete;
  publisher& operator=(const publisher&) = delete;
  ~publisher() override {
    boost::asio::post(io_.context(), [c = channel_] { c->stop(); });
  }

  void publish(const event& e) override {
    auto& count = channel_->count;
    if (count.waiting.fetch_add(1) >= backlog_max_) {
      count.waiting.fetch_sub(1);
      count.dropped.fetch_add(1);
      return;
    }
    nlohmann::json json;
    to_json(json, e);
    // A detail may quote bytes of someone else's; dump must not throw on them.
    auto text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    boost::asio::post(io_.context(), [c = channel_, text = std::move(text)] { c->publish(text); });
  }

  [[nodiscard]] std::uint64_t dropped() const noexcept override { return channel_->count.dropped.load(); }

private:
  io_thread& io_;
  std::size_t backlog_max_;
  std::shared_ptr<channel> channel_;
};

} // namespace

std::unique_ptr<redis_publisher> make_redis_publisher(io_thread& io, std::string site,
                                                      redis_settings settings, std::size_t backlog_max) {
  return std::make_unique<publisher>(io, std::move(site), std::move(settings), backlog_max);
}

} // namespace chasqui
