#include <boost/test/unit_test.hpp>

#include "adapters/redis.hpp"
#include "messages/json.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/wait_until.hpp"

#include <hiredis/hiredis.h>
#include <nlohmann/json.hpp>

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

/// Hears what a Redis publishes for one site.
class listener {
public:
  explicit listener(const redis_server& redis)
      : context_{redisConnectUnix(redis.socket().c_str()), redisFree} {
    redisSetTimeout(context_.get(), {long_enough.count(), 0});
    take(static_cast<redisReply*>(redisCommand(context_.get(), "SUBSCRIBE chasqui:{atacama}:events")));
  }

  event next() {
    void* reply = nullptr;
    redisGetReply(context_.get(), &reply);
    event e;
    from_json(nlohmann::json::parse(take(static_cast<redisReply*>(reply))), e);
    return e;
  }

private:
  static std::string take(redisReply* reply) {
    const std::unique_ptr<redisReply, void (*)(void*)> owned{reply, freeReplyObject};
    if (reply == nullptr || reply->elements != 3)
      throw std::runtime_error("no message");
    const auto* text = reply->element[2];
    return text->str == nullptr ? std::string{} : std::string(text->str, text->len);
  }

  std::unique_ptr<redisContext, void (*)(redisContext*)> context_;
};

event numbered(std::uint64_t number) {
  event e;
  e.number = number;
  e.kind = event_kind::committed;
  e.lane = "main";
  e.from_seq = number;
  e.to_seq = number + 1;
  e.detail = "on its way";
  return e;
}

struct site {
  redis_server redis;
  io_thread io;
  std::unique_ptr<redis_publisher> publisher;

  explicit site(std::size_t backlog_max = 100, std::chrono::milliseconds timeout = long_enough) {
    redis_settings settings;
    settings.socket = redis.socket();
    settings.timeout = timeout;
    publisher = make_redis_publisher(io, "atacama", settings, backlog_max);
    await_connection();
  }

  /// Publishes until Redis has carried one out: a connection that stands may still be in its greeting, and
  /// what is published then is dropped, as it should be.
  void await_connection() {
    const auto carried_out = [this] { return redis.info("cmdstat_publish"); };
    const auto carried_out_before = carried_out();
    BOOST_REQUIRE(wait_until([&] {
      const auto dropped_before = publisher->dropped();
      publisher->publish(numbered(0));
      const auto settled = [&] {
        return carried_out() != carried_out_before || publisher->dropped() > dropped_before;
      };
      return wait_until(settled) && carried_out() != carried_out_before;
    }));
    dropped_at_first = publisher->dropped();
  }

  /// How many were dropped since the connection stood.
  [[nodiscard]] std::uint64_t dropped() const { return publisher->dropped() - dropped_at_first; }

  std::uint64_t dropped_at_first = 0;
};

} // namespace

BOOST_AUTO_TEST_CASE(events_reach_whoever_listens_in_order) {
  site s;
  listener heard{s.redis};
  for (std::uint64_t number = 1; number <= 50; ++number)
    s.publisher->publish(numbered(number));
  for (std::uint64_t number = 1; number <= 50; ++number) {
    const auto e = heard.next();
    BOOST_REQUIRE_EQUAL(e.number, number);
    BOOST_TEST(e.lane == "main");
    BOOST_TEST(e.to_seq == number + 1);
    BOOST_TEST(e.detail == "on its way");
  }
  BOOST_TEST(s.dropped() == 0U);
}

BOOST_AUTO_TEST_CASE(the_backlog_bounds_what_waits_and_not_what_was_heard) {
  site s{10};
  listener heard{s.redis};
  for (std::uint64_t number = 1; number <= 50; ++number) {
    s.publisher->publish(numbered(number));
    BOOST_REQUIRE_EQUAL(heard.next().number, number);
  }
  BOOST_TEST(s.dropped() == 0U);
}

BOOST_AUTO_TEST_CASE(a_detail_that_is_no_text_does_no_harm) {
  site s;
  listener heard{s.redis};
  auto e = numbered(1);
  e.detail = "\xFF\xFE";
  s.publisher->publish(e);
  BOOST_TEST(heard.next().number == 1U);
}

BOOST_AUTO_TEST_CASE(a_hanging_redis_costs_events_and_no_time) {
  constexpr auto timeout = 20s;
  site s{10, timeout};
  s.redis.stop();
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t number = 1; number <= 10'000; ++number)
    s.publisher->publish(numbered(number));
  BOOST_TEST((std::chrono::steady_clock::now() - begin < timeout)); // Nobody has waited for Redis.
  BOOST_TEST(s.dropped() >= 9'980U);
  // The rest waits for the timeout, and is dropped with the connection.
  BOOST_TEST(wait_until([&] { return s.dropped() >= 10'000U; }));
  s.redis.cont();
}

BOOST_AUTO_TEST_CASE(a_redis_that_comes_back_is_found_again) {
  site s;
  s.redis.kill();
  BOOST_TEST(wait_until([&] {
    s.publisher->publish(numbered(1));
    return s.dropped() > 0;
  }));
  s.redis.start();
  s.await_connection();
  listener heard{s.redis};
  s.publisher->publish(numbered(7));
  BOOST_TEST(heard.next().number == 7U);
  BOOST_TEST(s.dropped() == 0U);
}

BOOST_AUTO_TEST_CASE(a_publisher_may_be_destroyed_while_redis_is_away) {
  site s;
  s.redis.stop();
  s.publisher->publish(numbered(1));
  s.publisher.reset();
  s.redis.cont();
}
