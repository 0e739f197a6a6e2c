#include "actors/lsn_watcher_core.hpp"

#include <boost/test/unit_test.hpp>

namespace chasqui {

namespace {

using namespace std::chrono_literals;

moment at(std::chrono::milliseconds ms) { return {time_point{1h + ms}, instant{1h + ms}}; }

committed barrier(seqno seq, std::uint64_t flushed, std::uint32_t timeline = 1,
                  const std::string& lane = "main") {
  return {lane, seq, {flushed}, timeline};
}

sighting seen(std::uint64_t replay, seqno cursor, std::uint32_t timeline = 1) {
  sighting s;
  s.receive = {replay};
  s.replay = {replay};
  s.timeline = timeline;
  s.streaming = true;
  s.last_message_at = instant{1s};
  s.cursors = {{"main", cursor}};
  return s;
}

sighting spoke(instant last_message_at, bool streaming = true) {
  auto s = seen(100, 0);
  s.streaming = streaming;
  s.last_message_at = last_message_at;
  return s;
}

sighting unreachable(const std::string& why = "gone") {
  sighting s;
  s.problem = {fault_code::unavailable, why, ""};
  return s;
}

struct watched {
  lsn_watcher_core core{{10ms, 1000ms, 1000ms, 4}};
  int looks = 0;

  watch_actions look(const sighting& s) {
    auto out = core.on_sighting(s, at(++looks * 100ms));
    std::erase_if(out.events, [](const event& e) { return e.kind == event_kind::lag; });
    return out;
  }
  /// What an event says about the lag after a look at this time; "" without one.
  std::string lag_after(std::chrono::milliseconds now, const sighting& s) {
    for (const auto& e : core.on_sighting(s, at(now)).events)
      if (e.kind == event_kind::lag)
        return e.detail.substr(0, e.detail.find(':'));
    return "";
  }
  seqno arrived(const sighting& s) {
    const auto actions = look(s);
    BOOST_REQUIRE_LE(actions.arrived.size(), 1U);
    return actions.arrived.empty() ? 0 : actions.arrived.front().seq;
  }
  void commit(const committed& c) { core.on_committed(c, at(0ms)); }
  [[nodiscard]] std::string state() const { return core.report(at(0ms).steady).state; }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(an_entry_has_arrived_when_replay_and_cursor_both_say_so, watched) {
  commit(barrier(5, 100));
  BOOST_TEST(arrived(seen(99, 5)) == 0U);
  BOOST_TEST(arrived(seen(100, 4)) == 0U);
  BOOST_TEST(arrived(seen(100, 5)) == 5U);
  BOOST_TEST(arrived(seen(100, 5)) == 0U); // Told once.
}

BOOST_FIXTURE_TEST_CASE(wal_that_is_received_and_not_replayed_makes_nothing_arrive, watched) {
  commit(barrier(5, 100));
  auto s = seen(50, 5);
  s.receive = {1000};
  BOOST_TEST(arrived(s) == 0U);
}

BOOST_FIXTURE_TEST_CASE(only_what_a_barrier_covers_arrives_however_far_the_cursor_is, watched) {
  commit(barrier(5, 100));
  commit(barrier(9, 200));
  BOOST_TEST(arrived(seen(150, 9)) == 5U);
  BOOST_TEST(arrived(seen(200, 9)) == 9U);
}

BOOST_FIXTURE_TEST_CASE(positions_are_compared_as_numbers, watched) {
  commit(barrier(5, 0x10'00000000));
  BOOST_TEST(arrived(seen(0x9'00000000, 5)) == 0U);
}

BOOST_FIXTURE_TEST_CASE(an_unknown_position_or_timeline_covers_nothing, watched) {
  commit(barrier(5, 100));
  BOOST_TEST(arrived(seen(0, 5)) == 0U);
  BOOST_TEST(arrived(seen(100, 5, 0)) == 0U);
  commit(barrier(6, 0));
  commit(barrier(7, 0));
  BOOST_TEST(arrived(seen(1000, 9)) == 5U);
}

BOOST_FIXTURE_TEST_CASE(a_lane_that_the_replica_does_not_know_has_not_arrived, watched) {
  commit(barrier(5, 100, 1, "bulk"));
  BOOST_TEST(arrived(seen(100, 5)) == 0U);
}

BOOST_FIXTURE_TEST_CASE(each_lane_arrives_by_its_own_cursor, watched) {
  commit(barrier(5, 100));
  commit(barrier(8, 100, 1, "bulk"));
  auto s = seen(100, 5);
  s.cursors.push_back({"bulk", 8});
  const auto actions = look(s);
  BOOST_TEST(actions.arrived.size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(another_timeline_says_nothing_about_this_one, watched) {
  commit(barrier(5, 100, 1));
  BOOST_TEST(arrived(seen(500, 5, 2)) == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_barrier_on_a_new_timeline_stands_for_all_on_the_old_one, watched) {
  commit(barrier(5, 1000, 1));
  commit(barrier(7, 1100, 1));
  commit(barrier(7, 900, 2));
  BOOST_TEST(arrived(seen(899, 7, 2)) == 0U);
  BOOST_TEST(arrived(seen(900, 7, 2)) == 7U);
}

BOOST_FIXTURE_TEST_CASE(lag_is_reckoned_on_the_new_timeline_after_a_failover, watched) {
  commit(barrier(5, 1000, 1));
  commit(barrier(5, 600, 2));
  look(seen(500, 5, 2));
  BOOST_TEST(core.report(at(0ms).steady).lag_bytes == 100U);
}

BOOST_FIXTURE_TEST_CASE(
    a_replica_whose_cursor_contradicts_its_replay_releases_nothing_and_raises_an_alarm_once, watched) {
  commit(barrier(5, 100));
  look(seen(50, 4));
  const auto alarm = look(seen(200, 4));
  BOOST_TEST(alarm.arrived.empty());
  BOOST_REQUIRE(alarm.events.size() == 1U);
  BOOST_TEST(alarm.events.front().detail.starts_with("disagrees"));
  BOOST_TEST(state().starts_with("disagrees"));
  BOOST_TEST(look(seen(201, 4)).events.empty()); // Replay goes on; the alarm does not sound at every look.
  const auto mended = look(seen(202, 5));
  BOOST_TEST(mended.arrived.size() == 1U);
  BOOST_TEST(mended.events.size() == 1U);
  BOOST_TEST(state() == "streaming");
}

BOOST_FIXTURE_TEST_CASE(an_unreachable_replica_is_told_once_and_loses_nothing, watched) {
  commit(barrier(5, 100));
  BOOST_TEST(look(unreachable("refused")).events.size() == 1U);
  BOOST_TEST(look(unreachable("timed out")).events.empty());
  BOOST_TEST(state() == "unreachable: timed out");
  BOOST_TEST(arrived(seen(100, 5)) == 5U);
}

BOOST_FIXTURE_TEST_CASE(a_replica_without_wal_waits_and_one_that_was_promoted_says_so, watched) {
  look(spoke(instant{1s}, false));
  BOOST_TEST(state() == "waiting");
  auto s = seen(100, 0);
  s.in_recovery = false;
  look(s);
  BOOST_TEST(state() == "promoted");
}

BOOST_FIXTURE_TEST_CASE(it_looks_often_only_while_something_waits_and_the_replica_answers, watched) {
  BOOST_TEST((core.pause() == 1000ms));
  look(seen(50, 0));
  commit(barrier(5, 100));
  BOOST_TEST((core.pause() == 10ms));
  look(unreachable());
  BOOST_TEST((core.pause() == 1000ms));
  look(seen(100, 5));
  BOOST_TEST((core.pause() == 1000ms));
}

BOOST_FIXTURE_TEST_CASE(barriers_beyond_the_bound_fold_into_the_newest, watched) {
  for (seqno n = 1; n <= 10; ++n)
    commit(barrier(n, n * 100));
  BOOST_TEST(arrived(seen(300, 10)) == 3U);
  BOOST_TEST(arrived(seen(999, 10)) == 0U);
  BOOST_TEST(arrived(seen(1000, 10)) == 10U);
}

BOOST_FIXTURE_TEST_CASE(a_wal_receiver_that_connects_is_a_sign_of_life, watched) {
  look(spoke({}, false));
  BOOST_TEST(look(spoke(instant{1s})).sign.has_value());
  BOOST_TEST(!look(spoke(instant{1s})).sign.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_wal_receiver_that_speaks_after_a_silence_is_a_sign_of_life_once, watched) {
  look(spoke(instant{1s}));
  for (int i = 0; i < 15; ++i)
    BOOST_TEST(!look(spoke(instant{1s})).sign.has_value());
  BOOST_TEST(look(spoke(instant{4s})).sign.has_value());
  BOOST_TEST(!look(spoke(instant{5s})).sign.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_wal_stream_that_never_was_silent_is_no_sign_however_seldom_it_is_looked_at,
                        watched) {
  // Else a primary that refuses us would be asked at every look, as long as it serves others.
  for (int i = 1; i <= 20; ++i)
    BOOST_TEST(!core.on_sighting(spoke(instant{std::chrono::seconds{i}}), at(i * 1000ms)).sign.has_value());
}

BOOST_FIXTURE_TEST_CASE(the_first_look_is_no_sign_of_life, watched) {
  BOOST_TEST(!look(spoke(instant{1s})).sign.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_lag_of_another_class_is_told_once_and_does_not_flutter_at_the_border, watched) {
  BOOST_TEST(lag_after(0ms, seen(900, 4)) == "current");
  commit(barrier(5, 1000));
  BOOST_TEST(lag_after(1999ms, seen(900, 4)) == "");
  BOOST_TEST(lag_after(2000ms, seen(900, 4)) == "behind");
  BOOST_TEST(lag_after(59s, seen(900, 4)) == "");
  BOOST_TEST(lag_after(60s, seen(900, 4)) == "far_behind");
  core.on_committed(barrier(6, 1500), at(31s));
  BOOST_TEST(lag_after(61s, seen(1000, 5)) == ""); // 30 s: half of what it takes to be far behind.
  BOOST_TEST(lag_after(62s, unreachable()) == "unknown");
  BOOST_TEST(lag_after(63s, seen(1000, 5)) == "behind");
  BOOST_TEST(lag_after(64s, seen(1500, 6)) == "current");
}

BOOST_FIXTURE_TEST_CASE(lag_is_told_in_bytes_and_seconds, watched) {
  core.on_committed(barrier(5, 1000), at(0ms));
  core.on_committed(barrier(6, 1500), at(2s));
  core.on_sighting(seen(900, 4), at(3s));
  const auto behind = core.report(at(4s).steady);
  BOOST_TEST(behind.lag_bytes == 600U);
  BOOST_TEST(behind.lag_s == 4.0);
  core.on_sighting(seen(1500, 6), at(5s));
  const auto there = core.report(at(6s).steady);
  BOOST_TEST(there.lag_bytes == 0U);
  BOOST_TEST(there.lag_s == 0.0);
}

} // namespace chasqui
