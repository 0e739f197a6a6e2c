#include "actors/notifier.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/fake_ports.hpp"

namespace chasqui {

namespace {

struct notifier_fixture : actor_fixture {
  std::shared_ptr<fake_publisher> publisher = std::make_shared<fake_publisher>();
  notifier_actor desk = spawn(notifier, publisher, wall(), notifier_limits{100, 2});

  using seen = std::shared_ptr<std::vector<event>>;
  std::pair<subscriber_actor, seen> subscriber(std::uint64_t backlog_max = 10) {
    auto kept = std::make_shared<std::vector<event>>();
    auto who = stub<subscriber_actor>(
        [kept](const event_batch& b) { kept->insert(kept->end(), b.events.begin(), b.events.end()); });
    tell(desk, who, subscribe{backlog_max});
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
  desk = spawn(notifier, std::shared_ptr<event_publisher>{}, wall(), notifier_limits{});
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

BOOST_FIXTURE_TEST_CASE(a_subscriber_that_catches_up_learns_what_it_lost, notifier_fixture) {
  const auto [who, kept] = subscriber(2);
  happen(5);
  tell(desk, who, acknowledge{2});
  BOOST_REQUIRE(kept->size() == 3U);
  BOOST_TEST((kept->back().kind == event_kind::gap));
  BOOST_TEST(kept->back().from_seq == 3U);
  BOOST_TEST(kept->back().to_seq == 5U);
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
