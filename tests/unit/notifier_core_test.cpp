#include "actors/notifier_core.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

namespace chasqui {

namespace {

struct desk {
  notifier_core core{{1000, 3}};

  std::vector<delivery> tell(int times = 1) {
    std::vector<delivery> out;
    for (int i = 0; i < times; ++i) {
      event e;
      for (auto& d : core.deliver(e))
        out.push_back(std::move(d));
    }
    return out;
  }
  std::optional<delivery> ack(std::uint64_t who, std::uint64_t number) {
    return core.acknowledge(who, number, instant{});
  }
};

std::vector<std::uint64_t> numbers(const std::vector<delivery>& deliveries, std::uint64_t who) {
  std::vector<std::uint64_t> out;
  for (const auto& d : deliveries)
    if (d.subscriber == who)
      for (const auto& e : d.what.events)
        out.push_back(e.number);
  return out;
}

using list = std::vector<std::uint64_t>;

} // namespace

BOOST_FIXTURE_TEST_CASE(events_are_numbered_from_one_without_a_hole, desk) {
  for (std::uint64_t n = 1; n <= 5; ++n) {
    event e;
    core.deliver(e);
    BOOST_TEST(e.number == n);
  }
}

BOOST_FIXTURE_TEST_CASE(a_subscriber_gets_what_happens_from_now_on, desk) {
  tell(2);
  core.subscribe(7, 10);
  BOOST_TEST(numbers(tell(3), 7) == (list{3, 4, 5}));
}

BOOST_FIXTURE_TEST_CASE(one_who_leaves_gets_nothing_more, desk) {
  core.subscribe(7, 10);
  core.unsubscribe(7);
  BOOST_TEST(tell().empty());
  BOOST_TEST(!ack(7, 1).has_value());
}

BOOST_FIXTURE_TEST_CASE(there_are_no_more_subscribers_than_the_settings_allow_but_one_may_come_again, desk) {
  for (std::uint64_t who = 1; who <= 3; ++who)
    BOOST_TEST(core.subscribe(who, 10));
  BOOST_TEST(!core.subscribe(4, 10));
  BOOST_TEST(core.subscribe(2, 10));
  core.unsubscribe(1);
  BOOST_TEST(core.subscribe(4, 10));
}

BOOST_FIXTURE_TEST_CASE(a_slow_subscriber_loses_events_and_the_others_do_not, desk) {
  core.subscribe(1, 2);
  core.subscribe(2, 100);
  const auto told = tell(5);
  BOOST_TEST(numbers(told, 1) == (list{1, 2}));
  BOOST_TEST(numbers(told, 2) == (list{1, 2, 3, 4, 5}));
}

BOOST_FIXTURE_TEST_CASE(once_it_has_caught_up_by_half_it_learns_exactly_what_it_lost, desk) {
  core.subscribe(1, 4);
  tell(10);
  BOOST_TEST(!ack(1, 1).has_value());
  const auto more = ack(1, 2);
  BOOST_REQUIRE(more.has_value());
  BOOST_REQUIRE(more->what.events.size() == 1U);
  const auto& gap = more->what.events.front();
  BOOST_TEST((gap.kind == event_kind::gap));
  BOOST_TEST(gap.from_seq == 5U);
  BOOST_TEST(gap.to_seq == 10U);
  BOOST_TEST(!ack(1, 2).has_value());
}

BOOST_FIXTURE_TEST_CASE(after_a_gap_the_next_events_come_before_the_notice_of_it_is_acknowledged, desk) {
  core.subscribe(1, 4);
  tell(100);
  BOOST_REQUIRE(ack(1, 4).has_value());
  BOOST_TEST(numbers(tell(3), 1) == (list{101, 102, 103}));
}

BOOST_FIXTURE_TEST_CASE(nobody_can_acknowledge_what_was_not_sent, desk) {
  core.subscribe(1, 2);
  tell(2);
  ack(1, 1'000'000);
  BOOST_TEST(numbers(tell(3), 1) == (list{3, 4}));
}

BOOST_FIXTURE_TEST_CASE(a_backlog_of_none_or_of_millions_is_brought_within_bounds, desk) {
  core.subscribe(1, 0);
  core.subscribe(2, 1'000'000);
  const auto told = tell(2000);
  BOOST_TEST(numbers(told, 1).size() == 1U);
  BOOST_TEST(numbers(told, 2).size() == 1000U);
}

BOOST_AUTO_TEST_CASE(whatever_a_subscriber_acknowledges_events_and_gaps_together_miss_nothing) {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    std::mt19937 random{seed};
    const auto up_to = [&](std::uint64_t n) {
      return std::uniform_int_distribution<std::uint64_t>{0, n}(random);
    };
    desk d;
    d.core.subscribe(1, 1 + up_to(8));
    std::uint64_t seen = 0;
    const auto see = [&](const event& e) {
      if (e.kind == event_kind::gap) {
        BOOST_REQUIRE_EQUAL(e.from_seq, seen + 1);
        BOOST_REQUIRE_GE(e.to_seq, e.from_seq);
        seen = e.to_seq;
      } else {
        BOOST_REQUIRE_EQUAL(e.number, ++seen);
      }
    };
    for (int i = 0; i < 200; ++i) {
      if (up_to(2) > 0) {
        for (const auto& told : d.tell())
          see(told.what.events.front());
      } else if (const auto more = d.ack(1, up_to(seen))) {
        see(more->what.events.front());
      }
    }
    if (const auto more = d.ack(1, seen))
      see(more->what.events.front());
    for (const auto& told : d.tell())
      see(told.what.events.front());
    BOOST_REQUIRE_GT(seen, 10U);
  }
}

} // namespace chasqui
