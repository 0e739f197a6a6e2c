#include "actors/timeline.hpp"
#include "actors/waiting_room.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace chasqui {

namespace {

using namespace std::chrono_literals;
using mark = waiting_room::mark;

const time_point start{1h};

instant second(int n) { return instant{std::chrono::seconds{n}}; }

reached lane_wait() { return {condition::drained, stage::committed}; }
reached transaction_wait(stage s) { return {condition::transaction, s}; }

struct room_and_ends {
  waiting_room room;
  std::vector<wait_over> ended;

  void pass(const std::string& lane, mark which, seqno seq) { room.passed(lane, which, seq, ended); }
  void expire(time_point now) { room.expire(now, ended); }
  [[nodiscard]] std::vector<ticket> who() const {
    std::vector<ticket> out;
    for (const auto& w : ended)
      out.push_back(w.who);
    std::sort(out.begin(), out.end());
    return out;
  }
};

using tickets = std::vector<ticket>;

} // namespace

BOOST_FIXTURE_TEST_CASE(a_wait_ends_when_its_mark_passes_and_not_before, room_and_ends) {
  room.join(1, lane_wait(), {{"main", mark::committed, 5}}, start + 1s);
  pass("main", mark::committed, 4);
  pass("main", mark::replicated, 9);
  pass("other", mark::committed, 9);
  BOOST_TEST(ended.empty());
  pass("main", mark::committed, 5);
  BOOST_TEST(who() == tickets{1});
  BOOST_TEST(!ended.front().problem);
  BOOST_TEST(room.size() == 0U);
}

BOOST_FIXTURE_TEST_CASE(one_move_of_a_mark_ends_every_wait_it_passes, room_and_ends) {
  for (ticket t = 1; t <= 5; ++t)
    room.join(t, lane_wait(), {{"main", mark::committed, t * 10}}, start + 1s);
  pass("main", mark::committed, 35);
  BOOST_TEST(who() == (tickets{1, 2, 3}));
  BOOST_TEST(room.size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_wait_for_several_lanes_ends_with_the_last_of_them, room_and_ends) {
  room.join(1, lane_wait(), {{"a", mark::committed, 3}, {"b", mark::committed, 7}}, start + 1s);
  pass("b", mark::committed, 7);
  pass("b", mark::committed, 8);
  BOOST_TEST(ended.empty());
  pass("a", mark::committed, 3);
  BOOST_TEST(who() == tickets{1});
}

BOOST_FIXTURE_TEST_CASE(a_wait_that_lasts_too_long_ends_once_with_a_fault, room_and_ends) {
  room.join(1, lane_wait(), {{"main", mark::committed, 5}}, start + 1s);
  expire(start + 999ms);
  BOOST_TEST(ended.empty());
  expire(start + 1s);
  expire(start + 2s);
  pass("main", mark::committed, 5);
  BOOST_TEST(who() == tickets{1});
  BOOST_TEST((ended.front().problem.code == fault_code::timed_out));
}

BOOST_FIXTURE_TEST_CASE(an_expired_wait_does_not_end_another_one_at_the_same_seq, room_and_ends) {
  room.join(1, lane_wait(), {{"main", mark::committed, 5}}, start + 1s);
  room.join(2, lane_wait(), {{"main", mark::committed, 5}}, start + 9s);
  expire(start + 1s);
  pass("main", mark::committed, 5);
  BOOST_TEST(who() == (tickets{1, 2}));
  BOOST_TEST(!ended.back().problem);
}

BOOST_FIXTURE_TEST_CASE(waits_that_expired_leave_nothing_behind_while_others_wait_on, room_and_ends) {
  // Clients that ask again every half minute through a week's outage must not fill the memory.
  room.join(1, lane_wait(), {{"main", mark::replicated, 5}}, start + 24h);
  for (ticket t = 2; t <= 1000; ++t) {
    room.join(t, lane_wait(), {{"main", mark::replicated, 6}, {"b", mark::replicated, 6}}, start + 1s);
    expire(start + 1s);
  }
  BOOST_TEST(room.size() == 1U);
  BOOST_TEST(room.places() == 1U);
}

BOOST_FIXTURE_TEST_CASE(ten_thousand_waits_cost_a_look_each_however_often_marks_move, room_and_ends) {
  constexpr ticket waits = 10'000;
  for (ticket t = 1; t <= waits; ++t)
    room.join(t, transaction_wait(stage::replicated), {{"main", mark::replicated, t, {0, t}}}, start + 24h);
  for (ticket t = 1; t <= waits; ++t) {
    pass("main", mark::committed, t);
    pass("main", mark::replicated, t);
    expire(start + 1s);
    BOOST_REQUIRE_EQUAL(ended.size(), t);
  }
  BOOST_TEST(room.looks() == waits);
  BOOST_TEST(room.places() == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_refused_transaction_ends_the_waits_for_just_this_one, room_and_ends) {
  room.join(1, transaction_wait(stage::replicated), {{"main", mark::replicated, 5}}, start + 1s);
  room.join(2, transaction_wait(stage::replicated), {{"main", mark::replicated, 6}}, start + 1s);
  room.join(3, lane_wait(), {{"main", mark::replicated, 5}}, start + 1s);
  room.join(4, transaction_wait(stage::replicated), {{"other", mark::replicated, 5}}, start + 1s);
  room.refused("main", 5, stage::parked, ended);
  BOOST_TEST(who() == tickets{1});
  BOOST_TEST((ended.front().what.stage == stage::parked));
  pass("main", mark::replicated, 6);
  BOOST_TEST(who() == (tickets{1, 2, 3}));
  BOOST_TEST((ended.back().what.stage != stage::parked));
}

BOOST_AUTO_TEST_CASE(a_timeline_knows_when_a_mark_passed_each_seq) {
  timeline t{10, timeline::forget::oldest};
  t.add(2, 3, second(1));
  t.add(3, 7, second(2));
  BOOST_TEST((t.passed(3) == second(1)));
  BOOST_TEST((t.passed(4) == second(2)));
  BOOST_TEST((t.passed(7) == second(2)));
  BOOST_TEST(!t.passed(8).has_value());
  BOOST_TEST(!t.passed(2).has_value()); // Before this runtime's time.
}

BOOST_AUTO_TEST_CASE(a_timeline_takes_no_step_back) {
  timeline t{10, timeline::forget::oldest};
  t.add(4, 7, second(1));
  t.add(4, 7, second(2));
  t.add(4, 5, second(3));
  BOOST_TEST((t.passed(7) == second(1)));
  t.add(6, 8, second(4));
  BOOST_TEST((t.passed(7) == second(1)));
  BOOST_TEST((t.passed(8) == second(4)));
}

BOOST_AUTO_TEST_CASE(a_timeline_that_forgets_the_oldest_keeps_the_newest_exactly) {
  timeline t{4, timeline::forget::oldest};
  for (int i = 1; i <= 10; ++i)
    t.add(static_cast<seqno>(i - 1), static_cast<seqno>(i), second(i));
  BOOST_TEST(!t.passed(6).has_value());
  for (int i = 7; i <= 10; ++i)
    BOOST_TEST((t.passed(static_cast<seqno>(i)) == second(i)));
}

BOOST_AUTO_TEST_CASE(a_timeline_that_forgets_detail_still_knows_every_seq_and_never_too_early) {
  for (const std::size_t samples_max : {3U, 4U, 5U}) {
    timeline t{samples_max, timeline::forget::detail};
    for (int i = 1; i <= 50; ++i)
      t.add(static_cast<seqno>(i - 1), static_cast<seqno>(i), second(i));
    auto before = second(0);
    for (int i = 1; i <= 50; ++i) {
      const auto at = t.passed(static_cast<seqno>(i));
      BOOST_REQUIRE(at.has_value());
      BOOST_TEST((*at >= second(i)));
      BOOST_TEST((*at >= before));
      before = *at;
    }
    BOOST_TEST((t.passed(50) == second(50)));
  }
}

} // namespace chasqui
