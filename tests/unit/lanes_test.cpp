#include "actors/supervisor_core.hpp"
#include "tests/unit/buffer_desk.hpp"

#include <cstddef>
#include <string>
#include <vector>

// Lanes in order of priority: who is kept first, who leaves the link to whom, and who gives up when lanes
// wait for each other.

namespace chasqui {

namespace {

using namespace std::chrono_literals;

struct lanes_desk : buffer_desk {
  lanes_desk() {
    open();
    appended_one();
  }
  /// So that what comes next has to wait.
  void appended_one() { submit(1000); }

  ticket main(int id, std::size_t bytes = 10) { return submit(id, bytes, "main"); }
  ticket bulk(int id, std::size_t bytes = 10) { return submit(id, bytes, "bulk"); }
  [[nodiscard]] bool refused(ticket who) const {
    return answered(who) && problem(who) == fault_code::overloaded;
  }
  /// Somebody takes up to entry `to` of what is there.
  bool take_goes_last(const std::string& lane, seqno to) {
    log_slice slice;
    slice.entries.push_back({to, {0, to}, {}, "x"});
    buffer_actions out;
    return std::get<batch>(core.on_slice({lane, to, 100, 100}, std::move(slice), out, at())).goes_last;
  }
};

constexpr std::size_t main_lane = 0;
constexpr std::size_t bulk_lane = 1;
constexpr std::size_t night_lane = 2;

/// Forwarders of three lanes, and what they wait for.
struct circle {
  supervisor_core core{{{"forwarder/main", child_kind::link, "main"},
                        {"forwarder/bulk", child_kind::link, "bulk"},
                        {"forwarder/night", child_kind::link, "night"}},
                       {}};
  std::vector<give_up_order> told;
  std::vector<event> events;

  circle() {
    core.start(now());
    for (const auto* lane : {"main", "bulk", "night"})
      core.on_link_up(lane, now());
  }
  [[nodiscard]] static moment now(std::chrono::seconds at = 0s) {
    return {time_point{1h + at}, instant{1h + at}};
  }

  void waits(const std::string& lane, seqno entry, const std::string& of, seqno at) {
    auto out = core.on_link_moves(lane, {entry, {0, at}, of, at}, now());
    told = out.give_up;
    events.insert(events.end(), out.events.begin(), out.events.end());
  }
  void gives_up(std::size_t child, seqno entry) const {
    BOOST_REQUIRE(told.size() == 1U);
    BOOST_TEST(told.front().child == child);
    BOOST_TEST(told.front().seq == entry);
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(the_next_group_takes_the_first_lane_first, lanes_desk) {
  bulk(1);
  bulk(2);
  main(3);
  bulk(4);
  main(5);
  kept();
  BOOST_TEST((appending == ids{3, 5, 1, 2, 4}));
}

BOOST_FIXTURE_TEST_CASE(a_flooded_lane_gives_way_to_the_first_youngest_first, lanes_desk) {
  std::vector<ticket> flood;
  for (int id = 1; id <= 8; ++id)
    flood.push_back(bulk(id));
  const auto too_many = bulk(9);
  BOOST_TEST(refused(too_many));
  const auto urgent = main(10);
  BOOST_TEST(!answered(urgent));
  BOOST_TEST(refused(flood.back()));
  BOOST_TEST(!answered(flood.front()));
  BOOST_TEST(!answered(flood[6]));
}

BOOST_FIXTURE_TEST_CASE(a_full_queue_of_the_first_lane_refuses_and_takes_nothing_from_itself, lanes_desk) {
  std::vector<ticket> flood;
  for (int id = 1; id <= 8; ++id)
    flood.push_back(main(id));
  BOOST_TEST(refused(main(9)));
  BOOST_TEST(refused(bulk(10)));
  for (const auto who : flood)
    BOOST_TEST(!answered(who));
}

BOOST_FIXTURE_TEST_CASE(bytes_give_way_as_well_and_only_where_that_helps, lanes_desk) {
  const auto small = bulk(1, 100);
  const auto large = bulk(2, 800);
  BOOST_TEST(!answered(main(3, 700)));
  BOOST_TEST(refused(large));
  BOOST_TEST(!answered(small));
  BOOST_TEST(refused(main(4, 400))); // Even without any bulk there is no room for it.
  BOOST_TEST(!answered(small));
}

BOOST_FIXTURE_TEST_CASE(who_waits_too_long_is_answered_in_every_lane, lanes_desk) {
  const auto first = main(1);
  const auto second = bulk(2);
  pass(250ms);
  BOOST_TEST((problem(first) == fault_code::store_unavailable));
  BOOST_TEST((problem(second) == fault_code::store_unavailable));
}

BOOST_FIXTURE_TEST_CASE(a_later_lane_goes_last_while_the_first_has_more_than_it_can_send, lanes_desk) {
  kept();
  for (int id = 1; id <= 4; ++id)
    main(id), kept();
  BOOST_TEST(!take_goes_last("bulk", 1)); // Nobody takes `main`: it may have no link.
  BOOST_TEST(!take_goes_last("main", 2));
  BOOST_TEST(take_goes_last("bulk", 1));
  BOOST_TEST(!take_goes_last("main", 3)); // Nobody is in front of it.
  take_goes_last("main", 5);              // All there is.
  BOOST_TEST(!take_goes_last("bulk", 1));
}

BOOST_FIXTURE_TEST_CASE(a_first_lane_that_takes_no_more_keeps_nobody_waiting, lanes_desk) {
  kept();
  for (int id = 1; id <= 4; ++id)
    main(id), kept();
  take_goes_last("main", 2);
  pass(9s);
  BOOST_TEST(take_goes_last("bulk", 1));
  pass(2s);
  BOOST_TEST(!take_goes_last("bulk", 1));
}

BOOST_FIXTURE_TEST_CASE(of_two_lanes_that_wait_for_each_other_the_last_gives_up_and_it_is_said_once, circle) {
  waits("bulk", 5, "main", 9);
  BOOST_TEST(told.empty());
  waits("main", 7, "bulk", 6);
  gives_up(bulk_lane, 5);
  waits("bulk", 5, "main", 9); // Asked again before it was told.
  gives_up(bulk_lane, 5);
  BOOST_TEST(events.size() == 1U);
  BOOST_TEST(events.front().detail.find("lanes wait for each other") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(what_stands_in_front_of_what_waits_is_on_its_way, circle) {
  waits("bulk", 5, "main", 6); // Entry 6 of main is sent already.
  waits("main", 7, "bulk", 9);
  BOOST_TEST(told.empty());
  waits("main", 8, "bulk", 4);
  BOOST_TEST(told.empty());
}

BOOST_FIXTURE_TEST_CASE(a_circle_may_have_many_lanes_and_who_only_waits_for_it_is_left_alone, circle) {
  waits("main", 1, "bulk", 3);
  waits("bulk", 2, "night", 3);
  BOOST_TEST(told.empty());
  waits("night", 2, "bulk", 2);
  gives_up(night_lane, 2);
  waits("main", 1, "bulk", 3);
  BOOST_TEST(told.empty());
  BOOST_TEST(main_lane == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_lane_that_waits_is_no_fault_and_says_for_what, circle) {
  log_report log;
  log.lanes.push_back({"main", 1, 9, 3, 2, 2, 2, 0});
  core.on_progress(log, now(), 0);
  for (auto at = 1s; at < 100s; at += 1s) {
    core.on_link_moves("main", {3, {0, 6}, "bulk", 6}, now(at));
    core.on_progress(log, now(at), 0);
  }
  const auto link = core.link();
  BOOST_TEST((link.phase == link_phase::streaming));
  BOOST_TEST(link.reason.find("entry 3 of lane main waits for") != std::string::npos);
  log.lanes.front().committed = 3;
  core.on_progress(log, now(100s), 0);
  BOOST_TEST(core.link().reason.empty());
}

} // namespace chasqui
