#include "actors/supervisor_core.hpp"

#include <boost/test/unit_test.hpp>

namespace chasqui {

namespace {

using namespace std::chrono_literals;
using list = std::vector<std::size_t>;

moment at(std::chrono::milliseconds ms) { return {time_point{1h + ms}, instant{1h + ms}}; }
const fault ours{fault_code::internal, "why", ""};

struct trio {
  supervisor_core core{{{"buffer", child_kind::ours, {}},
                        {"forwarder", child_kind::link, "main"},
                        {"ingest", child_kind::ours, {}}},
                       {0, 60s, 30s, {200ms, 15s, 30s}}};

  trio() { core.start(at(0ms)); }
  supervision_actions down(std::size_t who, const fault& why = {}) {
    return core.on_down(who, why, at(0ms), 1.0);
  }
};

list children(const std::vector<stop_order>& orders, bool at_once) {
  list out;
  for (const auto& order : orders) {
    BOOST_TEST(order.at_once == at_once);
    out.push_back(order.child);
  }
  return out;
}

} // namespace

BOOST_FIXTURE_TEST_CASE(children_stop_one_by_one_the_last_started_first, trio) {
  BOOST_TEST(children(core.shut_down(at(0ms), 10s).stop, false) == list{2});
  BOOST_TEST(core.on_tick(at(1s)).stop.empty());
  BOOST_TEST(children(down(2).stop, false) == list{1});
  BOOST_TEST(children(down(1).stop, false) == list{0});
  const auto last = down(0);
  BOOST_REQUIRE(last.finished.has_value());
  BOOST_TEST(!*last.finished);
}

BOOST_FIXTURE_TEST_CASE(what_has_not_stopped_within_the_grace_is_killed, trio) {
  core.shut_down(at(0ms), 10s);
  BOOST_TEST(core.on_tick(at(9'999ms)).stop.empty());
  BOOST_TEST(children(core.on_tick(at(10s)).stop, true) == (list{2, 1, 0}));
  down(2);
  down(0);
  BOOST_TEST(down(1).finished.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_fault_during_the_stop_restarts_nobody, trio) {
  core.shut_down(at(0ms), 10s);
  BOOST_TEST(down(0, ours).start.empty());
  BOOST_TEST(down(2, ours).start.empty());
  const auto last = down(1, {fault_code::link_lost, "cut", ""});
  BOOST_TEST(last.start.empty());
  BOOST_REQUIRE(last.finished.has_value());
  BOOST_TEST(!*last.finished);
}

BOOST_FIXTURE_TEST_CASE(neither_time_nor_signs_nor_operators_start_anything_during_the_stop, trio) {
  down(1, {fault_code::link_lost, "cut", ""});
  core.shut_down(at(0ms), 10s);
  BOOST_TEST(core.on_tick(at(9s)).start.empty());
  BOOST_TEST(core.on_sign_of_life(at(9s)).start.empty());
  BOOST_TEST(core.on_steer({steering::pause, ""}, at(9s)).start.empty());
  BOOST_TEST(core.on_steer({steering::resume, ""}, at(9s)).start.empty());
}

BOOST_FIXTURE_TEST_CASE(a_child_that_is_backing_off_is_not_waited_for, trio) {
  down(1, {fault_code::link_lost, "cut", ""});
  core.shut_down(at(0ms), 10s);
  BOOST_TEST(children(down(2).stop, false) == list{0});
  BOOST_TEST(down(0).finished.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_stop_in_the_middle_of_a_restart_still_stops_everything, trio) {
  supervisor_core patient{{{"buffer", child_kind::ours, {}}, {"ingest", child_kind::ours, {}}},
                          {5, 60s, 30s, {}}};
  patient.start(at(0ms));
  patient.on_down(0, ours, at(0ms), 1.0);
  BOOST_TEST(!patient.shut_down(at(0ms), 10s).finished.has_value());
  BOOST_TEST(patient.on_down(1, {}, at(0ms), 1.0).finished.has_value());
}

BOOST_FIXTURE_TEST_CASE(an_escalation_keeps_its_reason_when_a_stop_is_asked_for_as_well, trio) {
  down(2, ours); // No restart is allowed at all.
  core.shut_down(at(0ms), 10s);
  down(1);
  const auto last = down(0);
  BOOST_REQUIRE(last.finished.has_value());
  BOOST_TEST((last.finished->code == fault_code::internal));
}

BOOST_FIXTURE_TEST_CASE(an_escalation_does_not_wait_forever_for_a_child_that_hangs, trio) {
  down(2, ours);
  BOOST_TEST(core.on_tick(at(4s)).stop.empty());
  BOOST_TEST(children(core.on_tick(at(5s)).stop, true) == (list{1, 0}));
}

BOOST_FIXTURE_TEST_CASE(the_report_says_who_runs, trio) {
  core.shut_down(at(0ms), 10s);
  down(2);
  const auto report = core.report();
  BOOST_TEST(report.actors[0].state == "running");
  BOOST_TEST(report.actors[2].state == "stopped");
}

} // namespace chasqui
