#include "actors/supervisor_core.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <iterator>
#include <set>

namespace chasqui {

namespace {

using namespace std::chrono_literals;
using list = std::vector<std::size_t>;

enum child : std::size_t { notifier, buffer, watcher, forwarder, bulk_forwarder, ingest };

moment at(std::chrono::milliseconds ms) { return {time_point{1h + ms}, instant{1h + ms}}; }
fault because(fault_code code) { return {code, "why", ""}; }
const fault ours = because(fault_code::internal);

// The shell's part: what runs, and what has been ordered.
struct staff {
  supervisor_core core{{{"notifier", child_kind::ours, {}},
                        {"buffer", child_kind::ours, {}},
                        {"lsn_watcher", child_kind::ours, {}},
                        {"forwarder/main", child_kind::link, "main"},
                        {"forwarder/bulk", child_kind::link, "bulk"},
                        {"ingest", child_kind::ours, {}}},
                       {3, 60s, 30s, {200ms, 15s, 30s}}};
  std::chrono::milliseconds now{0};
  list started;
  std::vector<stop_order> stopped;
  std::set<std::size_t> alive;
  std::vector<std::string> told;
  std::optional<fault> finished;

  staff() { obey(core.start(at(0ms))); }

  void obey(const supervision_actions& actions) {
    started = actions.start;
    stopped = actions.stop;
    for (const auto i : actions.start)
      BOOST_TEST(alive.insert(i).second, "child " << i << " was started twice");
    for (const auto& order : actions.stop)
      BOOST_TEST(alive.contains(order.child), "child " << order.child << " does not run");
    for (const auto& e : actions.events)
      told.push_back(e.detail);
    if (actions.finished) {
      BOOST_TEST(alive.empty());
      finished = actions.finished;
    }
  }
  void down(std::size_t who, const fault& why = {}, double jitter = 1.0) {
    alive.erase(who);
    obey(core.on_down(who, why, at(now), jitter));
  }
  void up(const std::string& lane = "main") { obey(core.on_link_up(lane, at(now))); }
  void tick(std::chrono::milliseconds by) {
    now += by;
    obey(core.on_tick(at(now)));
  }
  void ping(bool answered) { obey(core.on_ping(answered, at(now))); }
  void steer(steering what) { obey(core.on_steer({what, "wind"}, at(now))); }
  void progress(seqno head, seqno done) {
    log_report log;
    log.lanes.push_back({"main", 1, head, done, done, 0, 0, 0});
    obey(core.on_progress(log, at(now), 1.0));
  }
  void log_is_in(store_kind kind, const std::string& state) {
    log_report log;
    log.store = {kind, durability::fsynced, state};
    obey(core.on_progress(log, at(now), 1.0));
  }
  [[nodiscard]] list stops() const {
    list out;
    for (const auto& order : stopped)
      out.push_back(order.child);
    return out;
  }
  [[nodiscard]] link_phase phase() const { return core.link().phase; }
  [[nodiscard]] std::string state(std::size_t who) const { return core.report().actors[who].state; }
  [[nodiscard]] std::uint64_t restarts(std::size_t who) const { return core.report().actors[who].restarts; }
  [[nodiscard]] bool was_told(const std::string& part) const {
    return std::any_of(told.begin(), told.end(), [&](const auto& t) { return t.find(part) != t.npos; });
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(children_start_in_the_order_of_the_table, staff) {
  BOOST_TEST(started == (list{0, 1, 2, 3, 4, 5}));
}

BOOST_FIXTURE_TEST_CASE(a_fault_of_ours_restarts_the_child_and_all_after_it_and_none_before, staff) {
  down(watcher, ours);
  BOOST_TEST(stops() == (list{5, 4, 3})); // Last started, first stopped.
  BOOST_TEST(started.empty());            // Not before the last of them has gone.
  down(forwarder);
  down(ingest);
  BOOST_TEST(started.empty());
  down(bulk_forwarder);
  BOOST_TEST(started == (list{2, 3, 4, 5}));
  BOOST_TEST(restarts(watcher) == 1U);
  BOOST_TEST(restarts(ingest) == 0U);
  BOOST_TEST(was_told("restarting lsn_watcher: why"));
}

BOOST_FIXTURE_TEST_CASE(a_child_of_ours_that_is_stopped_for_a_restart_may_answer_those_who_wait_for_it,
                        staff) {
  down(notifier, ours);
  for (const auto& order : stopped)
    BOOST_TEST(order.at_once == (order.child == forwarder || order.child == bulk_forwarder));
}

BOOST_FIXTURE_TEST_CASE(an_earlier_child_that_fails_during_a_restart_widens_it, staff) {
  down(watcher, ours);
  down(buffer, ours);
  down(ingest);
  down(bulk_forwarder);
  down(forwarder);
  BOOST_TEST(started == (list{1, 2, 3, 4, 5}));
}

BOOST_FIXTURE_TEST_CASE(a_later_child_that_fails_during_a_restart_does_not_narrow_it, staff) {
  down(buffer, ours);
  down(ingest, ours); // It was asked to stop: its reason is not held against it.
  down(watcher);
  down(bulk_forwarder);
  down(forwarder);
  BOOST_TEST(started == (list{1, 2, 3, 4, 5}));
  BOOST_TEST(restarts(ingest) == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_child_that_hangs_in_a_restart_is_killed, staff) {
  down(buffer, ours);
  down(ingest);
  down(bulk_forwarder);
  down(forwarder);
  tick(4s);
  BOOST_TEST(stopped.empty());
  tick(1s);
  BOOST_TEST(stops() == list{watcher});
  BOOST_TEST(stopped.front().at_once);
}

BOOST_FIXTURE_TEST_CASE(a_forwarder_that_was_restarted_connects_anew, staff) {
  up();
  down(buffer, ours);
  BOOST_TEST(state(forwarder) == "connecting");
}

BOOST_FIXTURE_TEST_CASE(a_link_fault_stops_nobody_and_is_answered_with_a_backoff, staff) {
  up();
  up("bulk");
  now = 1s;
  down(forwarder, because(fault_code::link_lost));
  BOOST_TEST(stopped.empty());
  BOOST_TEST(started.empty());
  BOOST_TEST((phase() == link_phase::backing_off));
  BOOST_TEST(core.link().reason == "why");
  BOOST_TEST(core.is_backing_off());
  tick(199ms);
  BOOST_TEST(started.empty());
  tick(1ms);
  BOOST_TEST(started == list{forwarder});
  BOOST_TEST(state(bulk_forwarder) == "streaming");
}

BOOST_FIXTURE_TEST_CASE(faults_of_the_link_are_never_counted_against_us, staff) {
  for (int i = 0; i < 1000; ++i) {
    down(forwarder, because(fault_code::stalled));
    tick(15s);
    BOOST_REQUIRE(started == list{forwarder});
  }
  down(ingest, ours);
  BOOST_TEST(started == list{ingest});
  BOOST_TEST(restarts(forwarder) == 1000U);
}

BOOST_FIXTURE_TEST_CASE(a_fault_of_ours_in_a_forwarder_counts_and_restarts_it_alone, staff) {
  for (int i = 0; i < 3; ++i) {
    down(forwarder, ours);
    BOOST_TEST(stopped.empty());
    tick(50ms);
    BOOST_TEST(started == list{forwarder});
  }
  down(forwarder, ours);
  BOOST_TEST(stops() == list{ingest}); // The budget is spent: a clean stop begins.
}

BOOST_FIXTURE_TEST_CASE(a_child_of_ours_gets_no_backoff_for_a_fault_that_only_the_link_may_have, staff) {
  down(ingest, because(fault_code::link_lost));
  BOOST_TEST(started == list{ingest});
  BOOST_TEST(!core.is_backing_off());
}

BOOST_FIXTURE_TEST_CASE(a_fault_again_and_again_escalates_to_a_clean_stop_with_the_reason, staff) {
  for (int i = 0; i < 3; ++i)
    down(ingest, ours);
  down(ingest, ours);
  BOOST_TEST(started.empty());
  BOOST_TEST(stops() == list{bulk_forwarder});
  for (const auto who : {bulk_forwarder, forwarder, watcher, buffer, notifier})
    down(who);
  BOOST_REQUIRE(finished.has_value());
  BOOST_TEST((finished->code == fault_code::internal));
  BOOST_TEST(finished->message.find("ingest") != std::string::npos);
  BOOST_TEST(finished->message.find("why") != std::string::npos);
  BOOST_TEST(was_told("stopping"));
}

BOOST_FIXTURE_TEST_CASE(faults_that_are_far_apart_do_not_escalate, staff) {
  for (int i = 0; i < 20; ++i) {
    down(ingest, ours);
    BOOST_REQUIRE(started == list{ingest});
    now += 20'001ms;
  }
}

BOOST_AUTO_TEST_CASE(a_budget_is_free_again_once_its_window_has_passed) {
  restart_budget budget{2, 10s};
  BOOST_TEST(budget.spend(at(0s).steady));
  BOOST_TEST(budget.spend(at(1s).steady));
  BOOST_TEST(!budget.spend(at(10s).steady));
  BOOST_TEST(budget.spend(at(10'001ms).steady));
  BOOST_TEST(!budget.spend(at(10'002ms).steady));
}

BOOST_FIXTURE_TEST_CASE(a_buffer_that_is_fenced_stops_everything_at_once_with_that_reason, staff) {
  down(buffer, because(fault_code::fenced));
  for (const auto who : {ingest, bulk_forwarder, forwarder, watcher, notifier})
    down(who);
  BOOST_REQUIRE(finished.has_value());
  BOOST_TEST((finished->code == fault_code::fenced));
}

BOOST_FIXTURE_TEST_CASE(a_fenced_or_diverged_forwarder_waits_for_an_operator_and_the_other_lane_goes_on,
                        staff) {
  up("bulk");
  for (const auto code : {fault_code::fenced, fault_code::diverged}) {
    down(forwarder, because(code));
    tick(1h);
    obey(core.on_sign_of_life(at(now)));
    BOOST_TEST(started.empty());
    BOOST_TEST(state(forwarder) == to_string(code));
    BOOST_TEST(core.link().reason == "why"); // The lane that is worst off speaks for the link.
    BOOST_TEST(state(bulk_forwarder) == "streaming");
    steer(steering::resume);
    BOOST_TEST(started == list{forwarder});
  }
}

BOOST_FIXTURE_TEST_CASE(a_pause_lets_the_forwarders_drain_and_a_resume_starts_them_again, staff) {
  up();
  steer(steering::pause);
  BOOST_TEST(stops() == (list{4, 3}));
  for (const auto& order : stopped)
    BOOST_TEST(!order.at_once);
  BOOST_TEST((phase() == link_phase::paused));
  BOOST_TEST(core.link().reason == "wind");
  down(forwarder);
  down(bulk_forwarder);
  tick(1h);
  BOOST_TEST(started.empty());
  BOOST_TEST(restarts(forwarder) == 0U);
  steer(steering::resume);
  BOOST_TEST(started == (list{3, 4}));
}

BOOST_FIXTURE_TEST_CASE(a_resume_while_a_forwarder_still_drains_starts_the_next_one_after_it, staff) {
  up();
  steer(steering::pause);
  steer(steering::resume);
  BOOST_TEST(started.empty());
  down(forwarder, because(fault_code::stalled)); // The drain ended badly: no matter.
  BOOST_TEST(started == list{forwarder});
  BOOST_TEST(restarts(forwarder) == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_pause_while_a_forwarder_still_drains_for_another_pause_stops_it_once, staff) {
  up();
  steer(steering::pause);
  steer(steering::resume);
  steer(steering::pause);
  BOOST_TEST(stopped.empty());
}

BOOST_FIXTURE_TEST_CASE(a_paused_link_stays_paused_through_a_restart, staff) {
  steer(steering::pause);
  down(forwarder);
  down(bulk_forwarder);
  down(buffer, ours);
  down(ingest);
  down(watcher);
  BOOST_TEST(started == (list{1, 2, 5}));
  BOOST_TEST((phase() == link_phase::paused));
}

BOOST_FIXTURE_TEST_CASE(a_lane_with_work_and_no_progress_gets_a_new_link, staff) {
  up();
  progress(10, 4);
  now = 29'999ms;
  progress(12, 4);
  BOOST_TEST(stopped.empty());
  now = 30s;
  progress(12, 4);
  BOOST_TEST(stops() == list{forwarder});
  BOOST_TEST(stopped.front().at_once);
  BOOST_TEST((phase() == link_phase::backing_off));
  BOOST_TEST(core.link().reason.starts_with("8 entries of lane main wait"));
  BOOST_TEST(restarts(forwarder) == 1U);
  down(forwarder);
  BOOST_TEST(restarts(forwarder) == 1U);
  tick(200ms);
  BOOST_TEST(started == list{forwarder});
}

BOOST_FIXTURE_TEST_CASE(any_progress_and_an_empty_lane_keep_the_watchdog_quiet, staff) {
  up();
  for (seqno done = 1; done < 50; ++done) {
    now += 29s;
    progress(100, done);
    BOOST_REQUIRE(stopped.empty());
  }
  now += 1h;
  progress(49, 49);
  now += 29s;
  progress(50, 49);
  BOOST_TEST(stopped.empty());
  now += 30s;
  progress(50, 49);
  BOOST_TEST(stops() == list{forwarder});
}

BOOST_FIXTURE_TEST_CASE(the_watchdog_gives_every_new_link_its_full_time, staff) {
  up();
  progress(10, 0);
  now = 25s;
  down(forwarder, because(fault_code::link_lost));
  progress(10, 0);
  tick(1h);
  up();
  progress(10, 0);
  BOOST_TEST(stopped.empty());
  now += 29'999ms;
  progress(10, 0);
  BOOST_TEST(stopped.empty());
}

BOOST_FIXTURE_TEST_CASE(a_sign_of_life_ends_every_backoff, staff) {
  down(forwarder, because(fault_code::link_lost));
  down(bulk_forwarder, because(fault_code::link_lost));
  obey(core.on_sign_of_life(at(now)));
  BOOST_TEST(started == (list{3, 4}));
}

BOOST_FIXTURE_TEST_CASE(only_the_first_answered_ping_after_a_silence_is_a_sign_of_life, staff) {
  down(forwarder, because(fault_code::link_lost));
  ping(true); // It was never silent: the primary refuses us for another reason.
  BOOST_TEST(started.empty());
  ping(false);
  ping(false);
  BOOST_TEST(started.empty());
  ping(true);
  BOOST_TEST(started == list{forwarder});
  down(forwarder, because(fault_code::link_lost));
  ping(true);
  BOOST_TEST(started.empty());
}

BOOST_FIXTURE_TEST_CASE(a_silence_from_before_the_link_stood_is_forgotten, staff) {
  down(forwarder, because(fault_code::link_lost));
  ping(false);
  tick(1s);
  up();
  down(forwarder, because(fault_code::link_lost));
  ping(true);
  BOOST_TEST(started.empty());
}

BOOST_FIXTURE_TEST_CASE(who_waits_because_of_the_log_goes_on_once_it_can_be_read, staff) {
  log_is_in(store_kind::redis, "open");
  up();
  down(forwarder, because(fault_code::store_unavailable));
  log_is_in(store_kind::journal, "open"); // It changed, which may be enough.
  BOOST_TEST(started == (list{forwarder}));
  down(forwarder, because(fault_code::store_unavailable));
  log_is_in(store_kind::journal, "open"); // It has not all of the log.
  BOOST_TEST(started.empty());
  log_is_in(store_kind::redis, "unavailable: gone");
  BOOST_TEST(started.empty());
  log_is_in(store_kind::redis, "open");
  BOOST_TEST(started == (list{forwarder}));
}

BOOST_FIXTURE_TEST_CASE(a_log_that_went_and_came_between_two_looks_holds_nobody_up, staff) {
  log_is_in(store_kind::redis, "open");
  up();
  down(forwarder, because(fault_code::store_unavailable));
  log_is_in(store_kind::redis, "open");
  BOOST_TEST(started == (list{forwarder}));
}

BOOST_FIXTURE_TEST_CASE(who_waits_because_of_the_link_is_not_hurried_by_the_log, staff) {
  log_is_in(store_kind::redis, "unavailable: gone");
  up();
  down(forwarder, because(fault_code::link_lost));
  log_is_in(store_kind::redis, "open");
  BOOST_TEST(started.empty());
}

} // namespace chasqui
