#include "actors/notifier.hpp"
#include "adapters/event_history.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/fake_ports.hpp"

namespace chasqui {

namespace {

struct notifier_fixture : actor_fixture {
  std::shared_ptr<fake_publisher> publisher = std::make_shared<fake_publisher>();
  std::shared_ptr<event_history> history = make_memory_history(20);
  notifier_actor desk = open(publisher);

  notifier_actor open(const std::shared_ptr<event_publisher>& outside) {
    notifier_actor out =
        spawn(notifier, event_outlets{history, outside}, wall(), notifier_limits{100, 2, 10, 100});
    settle();
    return out;
  }

  using seen = std::shared_ptr<std::vector<event>>;
  std::pair<subscriber_actor, seen> subscriber(std::uint64_t backlog_max = 10,
                                               std::uint64_t from = from_now_on) {
    auto kept = std::make_shared<std::vector<event>>();
    auto who = stub<subscriber_actor>(
        [kept](const event_batch& b) { kept->insert(kept->end(), b.events.begin(), b.events.end()); });
    tell(desk, who, subscribe{backlog_max, from});
    return {who, kept};
  }
  void happen(int times = 1) {
    for (int i = 0; i < times; ++i)
      tell(desk, event{});
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(subscribers_and_listeners_outside_hear_of_the_same_events, notifier_fixture) {
  const auto [who, kept] = subscriber();
  happen(3);
  BOOST_TEST(kept->size() == 3U);
  BOOST_REQUIRE(publisher->events.size() == 3U);
  BOOST_TEST(kept->back().number == 3U);
  BOOST_TEST(publisher->events.back().number == 3U);
}

BOOST_FIXTURE_TEST_CASE(without_a_publisher_subscribers_hear_all_the_same, notifier_fixture) {
  desk = open(nullptr);
  const auto [who, kept] = subscriber();
  happen();
  BOOST_TEST(kept->size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_subscriber_that_never_acknowledges_stops_nobody, notifier_fixture) {
  const auto [slow, slow_kept] = subscriber(2);
  const auto [quick, quick_kept] = subscriber(50);
  happen(20);
  BOOST_TEST(slow_kept->size() == 2U);
  BOOST_TEST(quick_kept->size() == 20U);
}

BOOST_FIXTURE_TEST_CASE(a_subscriber_that_goes_on_gets_what_it_missed, notifier_fixture) {
  const auto [who, kept] = subscriber(2);
  happen(5);
  tell(desk, who, acknowledge{2});
  tell(desk, who, acknowledge{4});
  BOOST_REQUIRE(kept->size() == 5U);
  BOOST_TEST(kept->back().number == 5U);
}

BOOST_FIXTURE_TEST_CASE(a_subscriber_that_was_away_too_long_learns_which_it_lost, notifier_fixture) {
  happen(50);
  const auto [who, kept] = subscriber(10, 5);
  BOOST_REQUIRE(!kept->empty());
  BOOST_TEST((kept->front().kind == event_kind::gap));
  BOOST_TEST(kept->front().from_seq == 5U);
  BOOST_TEST(kept->front().to_seq == 30U);
}

BOOST_FIXTURE_TEST_CASE(a_notifier_that_takes_the_place_of_another_gives_no_number_twice, notifier_fixture) {
  happen(3);
  stop(desk, caf::exit_reason::kill);
  desk = open(publisher);
  const auto [who, kept] = subscriber(10, 2);
  happen();
  BOOST_REQUIRE(kept->size() == 3U);
  BOOST_TEST(kept->front().number == 2U);
  BOOST_TEST(kept->back().number == 4U);
}

BOOST_FIXTURE_TEST_CASE(whoever_asks_for_the_past_gets_it, notifier_fixture) {
  happen(3);
  const auto past = ask<past_events>(desk, list_events{2, 10, {}});
  BOOST_REQUIRE(past->value.has_value());
  BOOST_TEST(past->value->events.size() == 2U);
  BOOST_TEST(past->value->next == 4U);
}

BOOST_FIXTURE_TEST_CASE(a_history_that_never_opens_keeps_no_event_back_for_long, notifier_fixture) {
  struct hung : event_history {
    void open(handler<history_opened>) override {}
    void reserve(std::uint64_t, handler<fault>) override {}
    void keep(const event&) override {}
    void read(history_query, handler<history_page>) override {}
  };
  history = std::make_shared<hung>();
  desk = open(publisher);
  const auto [who, kept] = subscriber();
  happen();
  BOOST_TEST(kept->empty());
  pass(std::chrono::seconds{5});
  BOOST_TEST(kept->size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_subscriber_that_dies_makes_room_for_another, notifier_fixture) {
  const auto [first, first_kept] = subscriber();
  const auto [second, second_kept] = subscriber();
  const auto [refused, refused_kept] = subscriber();
  stop(first, caf::exit_reason::kill);
  const auto [third, third_kept] = subscriber();
  happen();
  BOOST_TEST(first_kept->empty());
  BOOST_TEST(second_kept->size() == 1U);
  BOOST_TEST(refused_kept->empty());
  BOOST_TEST(third_kept->size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(one_that_subscribes_twice_hears_of_each_event_once, notifier_fixture) {
  const auto [who, kept] = subscriber();
  tell(desk, who, subscribe{10});
  happen();
  BOOST_TEST(kept->size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_stranger_that_acknowledges_is_ignored, notifier_fixture) {
  const auto stranger = stub<subscriber_actor>();
  tell(desk, stranger, acknowledge{7});
  const auto [who, kept] = subscriber();
  happen();
  BOOST_TEST(kept->size() == 1U);
}

} // namespace chasqui
