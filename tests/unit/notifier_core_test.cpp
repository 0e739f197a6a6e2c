#include "actors/notifier_core.hpp"
#include "adapters/recent_events.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>

namespace chasqui {

namespace {

using list = std::vector<std::uint64_t>;

const moment long_ago{time_point{}, instant{}}; // Before numbers begin with the clock.

/// A core with a history; pages are read when the test says so.
struct desk {
  notifier_core core{{1000, 3, 4, 100}};
  recent_events history{10};
  std::vector<page_order> orders;
  std::map<std::uint64_t, std::vector<event>> heard;
  std::vector<std::uint64_t> reserved;
  std::uint64_t last = 0;

  desk() { open({}); }
  explicit desk(std::nullptr_t) {} // Not open.

  void act(const notifier_actions& actions) {
    for (const auto& e : actions.happened) {
      history.keep(e);
      last = e.number;
    }
    for (const auto& d : actions.deliveries)
      heard[d.subscriber].insert(heard[d.subscriber].end(), d.what.events.begin(), d.what.events.end());
    orders.insert(orders.end(), actions.reads.begin(), actions.reads.end());
    if (actions.reserve)
      reserved.push_back(*actions.reserve);
  }
  void open(const history_opened& how, moment now = long_ago) { act(core.on_opened(how, now)); }
  void tell(int times = 1) {
    for (int i = 0; i < times; ++i)
      act(core.tell({}));
  }
  void join(std::uint64_t who, std::uint64_t backlog_max, std::uint64_t from = from_now_on) {
    act(core.subscribe(who, {backlog_max, from}, instant{}));
  }
  void ack(std::uint64_t who, std::uint64_t number) { act(core.acknowledge(who, number)); }
  void serve_page() {
    BOOST_REQUIRE(!orders.empty());
    const auto order = orders.front();
    orders.erase(orders.begin());
    act(core.on_page(order, history.read(order.what), instant{}));
  }
  /// Pages and answers, until nobody has anything to say.
  void let_catch_up(std::uint64_t who) {
    while (!orders.empty()) {
      serve_page();
      if (!heard[who].empty())
        ack(who, heard[who].back().number);
    }
  }
  list numbers(std::uint64_t who) {
    list out;
    for (const auto& e : heard[who])
      out.push_back(e.number);
    return out;
  }
};

bool is_gap(const event& e, std::uint64_t from, std::uint64_t to) {
  return e.kind == event_kind::gap && e.from_seq == from && e.to_seq == to && e.number == to;
}

} // namespace

BOOST_FIXTURE_TEST_CASE(events_are_numbered_without_a_hole_behind_all_that_may_have_been_given, desk) {
  tell(3);
  BOOST_TEST(last == 3U);
  desk later{nullptr};
  later.open({{}, 4096});
  later.tell(2);
  BOOST_TEST(later.last == 4098U);
}

BOOST_AUTO_TEST_CASE(where_no_file_tells_of_earlier_numbers_the_clock_does) {
  desk first{nullptr};
  desk second{nullptr};
  const instant start{std::chrono::sys_days{std::chrono::year{2026} / 11 / 25}};
  first.open({}, {time_point{}, start});
  first.tell(500);
  second.open({}, {time_point{}, start + std::chrono::seconds{1}});
  second.tell();
  BOOST_TEST(second.last > first.last);
  BOOST_TEST(second.last < 1ULL << 53U); // JSON of others has no more digits.
}

BOOST_AUTO_TEST_CASE(a_clock_that_was_set_back_gives_no_number_twice_where_a_file_tells) {
  desk second{nullptr};
  second.open({{}, 90'000'000'000'000}, {time_point{}, instant{}});
  second.tell();
  BOOST_TEST(second.last == 90'000'000'000'001U);
}

BOOST_FIXTURE_TEST_CASE(numbers_are_reserved_long_before_they_are_given, desk) {
  BOOST_TEST(reserved == list{100});
  act(core.on_reserved(100, {}, instant{}));
  tell(50);
  BOOST_TEST(reserved.size() == 1U);
  tell(1);
  BOOST_TEST(reserved == (list{100, 151}));
  tell(50); // One at a time.
  BOOST_TEST(reserved.size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_disk_that_cannot_reserve_is_told_of_once_and_stops_nobody, desk) {
  join(7, 100);
  const fault full{fault_code::store_unavailable, "no room", ""};
  act(core.on_reserved(100, full, instant{}));
  tell(60);
  act(core.on_reserved(reserved.back(), full, instant{}));
  BOOST_TEST(heard[7].size() == 61U);
  BOOST_TEST((heard[7].front().kind == event_kind::store));
}

BOOST_AUTO_TEST_CASE(what_happens_before_the_history_is_open_waits_for_its_number) {
  desk d{nullptr};
  d.join(7, 100, from_this_run);
  d.tell(3);
  BOOST_TEST(d.heard[7].empty());
  d.open({{}, 10});
  BOOST_TEST(d.numbers(7) == (list{11, 12, 13}));
}

BOOST_AUTO_TEST_CASE(and_what_is_too_much_to_wait_is_named_as_a_gap) {
  desk d{nullptr};
  d.core = notifier_core{{2, 3, 4, 100}};
  d.tell(5);
  d.open({});
  d.join(7, 2, from_this_run);
  d.let_catch_up(7);
  BOOST_REQUIRE(d.heard[7].size() == 3U);
  BOOST_TEST(is_gap(d.heard[7].back(), 3, 5));
}

BOOST_AUTO_TEST_CASE(a_history_that_is_in_memory_alone_says_so) {
  desk d{nullptr};
  d.join(7, 10);
  d.open({{fault_code::store_unavailable, "no rights", ""}, 0});
  BOOST_REQUIRE(d.heard[7].size() == 1U);
  BOOST_TEST(d.heard[7].front().detail == "no rights");
}

BOOST_FIXTURE_TEST_CASE(a_subscriber_gets_what_happens_from_now_on, desk) {
  tell(2);
  join(7, 10);
  tell(3);
  BOOST_TEST(numbers(7) == (list{3, 4, 5}));
  BOOST_TEST(orders.empty());
}

BOOST_FIXTURE_TEST_CASE(one_that_says_what_it_saw_last_gets_what_it_missed_and_then_what_happens, desk) {
  tell(7);
  join(7, 10, 3);
  tell(1);
  let_catch_up(7);
  tell(2);
  BOOST_TEST(numbers(7) == (list{3, 4, 5, 6, 7, 8, 9, 10}));
  BOOST_TEST(orders.empty());
}

BOOST_FIXTURE_TEST_CASE(one_that_missed_nothing_is_live_at_once, desk) {
  tell(3);
  join(7, 10, 4);
  BOOST_TEST(orders.empty());
  tell();
  BOOST_TEST(numbers(7) == list{4});
}

BOOST_FIXTURE_TEST_CASE(a_page_waits_until_the_one_before_it_was_dealt_with, desk) {
  tell(9);
  join(7, 10, 1);
  serve_page();
  BOOST_TEST(orders.empty());
  ack(7, 3);
  BOOST_TEST(orders.empty());
  ack(7, 4);
  BOOST_TEST(orders.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(what_the_history_gave_up_is_named_exactly_once, desk) {
  tell(30); // It keeps ten.
  join(7, 10, 5);
  let_catch_up(7);
  BOOST_REQUIRE(heard[7].size() == 11U);
  BOOST_TEST(is_gap(heard[7].front(), 5, 20));
  BOOST_TEST(heard[7][1].number == 21U);
  join(8, 10, from_the_oldest);
  let_catch_up(8);
  BOOST_TEST(numbers(8).front() == 21U);
}

BOOST_FIXTURE_TEST_CASE(what_the_history_could_not_keep_is_named_too, desk) {
  tell(3);
  for (int i = 0; i < 2; ++i)
    core.tell({}); // Numbered, and lost on the way to the disk.
  join(7, 10, 2);
  let_catch_up(7);
  BOOST_REQUIRE(heard[7].size() == 3U);
  BOOST_TEST(is_gap(heard[7].back(), 4, 5));
  tell();
  BOOST_TEST(heard[7].back().number == 6U);
}

BOOST_FIXTURE_TEST_CASE(a_history_that_cannot_be_read_is_tried_again_later_and_then_one_gap, desk) {
  tell(6);
  join(7, 10, 2);
  history_page broken;
  broken.problem = {fault_code::store_unavailable, "torn", ""};
  std::chrono::milliseconds waited{0};
  for (int attempt = 1; attempt < 7; ++attempt) {
    const auto order = std::exchange(orders, {}).front();
    act(core.on_page(order, broken, instant{}));
    BOOST_TEST(heard[7].empty());
    BOOST_REQUIRE(orders.size() == 1U);
    BOOST_TEST(orders.front().what.from == 2U);
    BOOST_TEST((orders.front().after > order.after));
    waited += orders.front().after;
  }
  BOOST_TEST((waited > std::chrono::seconds{5}));
  act(core.on_page(std::exchange(orders, {}).front(), broken, instant{}));
  BOOST_REQUIRE(heard[7].size() == 1U);
  BOOST_TEST(is_gap(heard[7].front(), 2, 6));
}

BOOST_FIXTURE_TEST_CASE(a_history_that_is_read_at_a_later_attempt_leaves_no_gap, desk) {
  tell(6);
  join(7, 2, 2);
  history_page broken;
  broken.problem = {fault_code::overloaded, "too many", ""};
  while (!orders.empty()) {
    for (int attempt = 0; attempt < 4; ++attempt) {
      BOOST_REQUIRE(!orders.empty());
      act(core.on_page(std::exchange(orders, {}).front(), broken, instant{}));
    }
    serve_page();
    BOOST_REQUIRE(!heard[7].empty());
    ack(7, heard[7].back().number);
  }
  BOOST_TEST(numbers(7) == (list{2, 3, 4, 5, 6}), boost::test_tools::per_element());
  for (const auto& e : heard[7])
    BOOST_TEST((e.kind != event_kind::gap));
}

BOOST_FIXTURE_TEST_CASE(a_number_that_was_never_given_here_is_no_reason_to_wait_for_it, desk) {
  tell(3);
  join(7, 10, 1000);
  BOOST_REQUIRE(heard[7].size() == 1U);
  BOOST_TEST((heard[7].front().kind == event_kind::gap));
  BOOST_TEST(heard[7].front().to_seq == 0U);
  tell();
  BOOST_TEST(heard[7].back().number == 4U);
}

BOOST_FIXTURE_TEST_CASE(numbers_that_were_passed_over_between_two_runs_are_no_gap, desk) {
  tell(3);
  desk later{nullptr};
  later.history = history;
  later.open({{}, 50});
  later.join(7, 10, 2);
  later.let_catch_up(7);
  later.tell(2);
  BOOST_TEST(later.numbers(7) == (list{2, 3, 51, 52}));
}

BOOST_FIXTURE_TEST_CASE(one_who_leaves_gets_nothing_more, desk) {
  tell(3);
  join(7, 10, 1);
  core.unsubscribe(7);
  serve_page();
  tell();
  BOOST_TEST(heard[7].empty());
}

BOOST_FIXTURE_TEST_CASE(a_page_for_an_earlier_subscription_is_dropped, desk) {
  tell(3);
  join(7, 10, 1);
  join(7, 10, 3);
  let_catch_up(7);
  BOOST_TEST(numbers(7) == list{3});
}

BOOST_FIXTURE_TEST_CASE(there_are_no_more_subscribers_than_the_settings_allow_but_one_may_come_again, desk) {
  for (std::uint64_t who = 1; who <= 4; ++who)
    join(who, 10);
  BOOST_TEST(core.knows(3));
  BOOST_TEST(!core.knows(4));
  join(2, 10);
  core.unsubscribe(1);
  join(4, 10);
  BOOST_TEST(core.knows(4));
}

BOOST_FIXTURE_TEST_CASE(a_slow_subscriber_falls_behind_and_the_others_do_not, desk) {
  join(1, 2);
  join(2, 100);
  tell(5);
  BOOST_TEST(numbers(1) == (list{1, 2}));
  BOOST_TEST(numbers(2) == (list{1, 2, 3, 4, 5}));
  BOOST_TEST(orders.empty()); // Nobody reads for one that does not listen.
}

BOOST_FIXTURE_TEST_CASE(once_it_goes_on_it_gets_every_event_from_the_history, desk) {
  join(1, 2);
  tell(9);
  ack(1, 2);
  let_catch_up(1);
  BOOST_TEST(numbers(1) == (list{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  tell(2);
  BOOST_TEST(numbers(1).size() == 11U);
}

BOOST_FIXTURE_TEST_CASE(or_one_notice_that_tells_exactly_which_are_missing, desk) {
  join(1, 2);
  tell(50);
  ack(1, 2);
  let_catch_up(1);
  BOOST_REQUIRE(heard[1].size() == 13U);
  BOOST_TEST(is_gap(heard[1][2], 3, 40));
  BOOST_TEST(heard[1].back().number == 50U);
}

BOOST_FIXTURE_TEST_CASE(nobody_can_acknowledge_what_was_not_sent, desk) {
  join(1, 2);
  tell(2);
  ack(1, 1'000'000);
  tell(3);
  BOOST_TEST(numbers(1) == (list{1, 2, 3, 4}));
}

BOOST_FIXTURE_TEST_CASE(a_backlog_of_none_or_of_millions_is_brought_within_bounds, desk) {
  join(1, 0);
  join(2, 1'000'000);
  tell(2000);
  BOOST_TEST(numbers(1).size() == 1U);
  BOOST_TEST(numbers(2).size() == 1000U);
}

BOOST_FIXTURE_TEST_CASE(the_past_is_answered_in_pages_with_the_gaps_in_it, desk) {
  tell(12);
  const list_events all{1, 100, {}};
  const auto first = core.answer_to(all, history.read(core.query_of(all)), instant{});
  BOOST_TEST(first.events.size() == 4U); // As long as a page may be.
  BOOST_TEST(first.events.front().number == 3U);
  BOOST_TEST(first.next == 7U);
  BOOST_TEST(first.last == 12U);
  const list_events rest{2, 100, {}};
  const auto gapped = core.answer_to(rest, history.read(core.query_of(rest)), instant{});
  BOOST_TEST(is_gap(gapped.events.front(), 2, 2));
  const list_events end{11, 100, {}};
  BOOST_TEST(core.answer_to(end, history.read(core.query_of(end)), instant{}).next == 13U);
}

BOOST_AUTO_TEST_CASE(a_filter_takes_what_it_names) {
  event e{1, {}, event_kind::committed, "main", 3, 9, {}, ""};
  BOOST_TEST(matches(e, {}));
  BOOST_TEST(matches(e, {{event_kind::committed}, "main", 5, {0, 1}}));
  BOOST_TEST(!matches(e, {{event_kind::rejected}, {}, 0, {}}));
  BOOST_TEST(!matches(e, {{}, "bulk", 0, {}}));
  BOOST_TEST(!matches(e, {{}, "main", 10, {}}));
  BOOST_TEST(!matches(e, {{}, "", 0, {0, 1}}));
  e.id = {0, 2};
  BOOST_TEST(matches(e, {{}, "", 0, {0, 2}}));
  BOOST_TEST(!matches(e, {{}, "main", 5, {0, 1}})); // About another transaction of the same group.
  e.kind = event_kind::gap;
  BOOST_TEST(matches(e, {{event_kind::link}, "bulk", 0, {}}));
}

BOOST_AUTO_TEST_CASE(whatever_a_subscriber_acknowledges_events_and_gaps_together_miss_nothing) {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    std::mt19937 random{seed};
    const auto up_to = [&](std::uint64_t n) {
      return std::uniform_int_distribution<std::uint64_t>{0, n}(random);
    };
    desk d;
    d.tell(static_cast<int>(up_to(30)));
    const auto from = 2 + up_to(40);
    d.join(1, 1 + up_to(8), std::min(from, d.last + 1));
    auto seen = std::min(from, d.last + 1) - 1;
    const auto start = seen;
    const auto see = [&] {
      for (const auto& e : std::exchange(d.heard[1], {})) {
        BOOST_REQUIRE_EQUAL(e.kind == event_kind::gap ? e.from_seq : e.number, seen + 1);
        BOOST_REQUIRE_GE(e.number, seen + 1);
        seen = e.number;
      }
    };
    for (int i = 0; i < 200; ++i) {
      const auto what = up_to(3);
      if (what == 0 && !d.orders.empty())
        d.serve_page();
      else if (what == 1)
        d.ack(1, up_to(seen));
      else
        d.tell();
      see();
    }
    for (int i = 0; i < 100; ++i) {
      d.ack(1, seen);
      while (!d.orders.empty())
        d.serve_page();
      see();
    }
    BOOST_REQUIRE_EQUAL(seen, d.last);
    BOOST_REQUIRE_GT(seen, start);
  }
}

} // namespace chasqui
