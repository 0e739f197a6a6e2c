#include "actors/buffer.hpp"
#include "actors/forwarder.hpp"
#include "actors/supervisor.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/fake_ports.hpp"
#include "tests/support/memory_stores.hpp"

namespace chasqui {

namespace {

using namespace std::chrono_literals;

supervision_policy patient() { // A backoff that no test waits for.
  supervision_policy out;
  out.backoff = {1000h, 2000h, 30s};
  return out;
}

supervision_policy brisk() {
  supervision_policy out;
  out.backoff = {100ms, 100ms, 30s};
  return out;
}

// A supervisor over a real buffer and forwarder, and stubs for the others.
struct supervisor_fixture : actor_fixture {
  std::shared_ptr<memory_store> store = std::make_shared<memory_store>(store_kind::redis);
  std::shared_ptr<fake_primary> primary = std::make_shared<fake_primary>();
  struct running {
    notifier_actor notifier;
    buffer_actor log;
    caf::actor carrier;
    caf::actor ingest;
  };
  std::shared_ptr<running> now = std::make_shared<running>();
  std::shared_ptr<std::vector<std::string>> starts = std::make_shared<std::vector<std::string>>();
  std::shared_ptr<std::vector<std::string>> told = std::make_shared<std::vector<std::string>>();
  std::vector<fault> stops;
  supervisor_actor boss;

  child_row notifier_row() {
    return {{"notifier", child_kind::ours, {}}, [this](const auto&) {
              starts->emplace_back("notifier");
              now->notifier =
                  stub<notifier_actor>([kept = told](const event& e) { kept->push_back(e.detail); });
              return caf::actor_cast<caf::actor>(now->notifier);
            }};
  }
  child_row buffer_row() {
    return {{"buffer", child_kind::ours, {}}, [this](const auto&) {
              starts->emplace_back("buffer");
              now->log = spawn(buffer, log_stores{store, nullptr}, now->notifier, wall(),
                               std::vector<std::string>{"main"}, buffer_limits{});
              return caf::actor_cast<caf::actor>(now->log);
            }};
  }
  child_row forwarder_row() {
    return {{"forwarder/main", child_kind::link, "main"}, [this](const supervisor_actor& parent) {
              starts->emplace_back("forwarder");
              const forwarder_peers peers{now->log, stub<lsn_watcher_actor>([](const committed&) {}), parent};
              now->carrier = caf::actor_cast<caf::actor>(
                  spawn(forwarder, primary, peers, wall(), std::string{"main"}, forwarder_limits{}));
              return now->carrier;
            }};
  }
  child_row ingest_row() {
    return {{"ingest", child_kind::ours, {}}, [this](const auto&) {
              starts->emplace_back("ingest");
              now->ingest = stub<caf::actor>([](int) {});
              return now->ingest;
            }};
  }
  void start(const supervision_policy& policy) {
    supervisor_surroundings around;
    around.buffer = [now = now] { return now->log; };
    around.notifier = [now = now] { return now->notifier; };
    around.primary = primary;
    around.stopped = [this](const fault& why) { stops.push_back(why); };
    around.wall = wall();
    boss =
        spawn(supervisor, std::vector<child_row>{notifier_row(), buffer_row(), forwarder_row(), ingest_row()},
              policy, around);
    pass(200ms);
    if (report().link.phase == link_phase::backing_off) // The log was not open yet.
      tell(boss, sign_of_life{});
    starts->clear();
  }
  ~supervisor_fixture() {
    stop(boss, caf::exit_reason::kill);
    *now = {};
  }

  supervision_report report() { return *ask<supervision_report>(boss, get_report{})->value; }
  link_phase phase() { return report().link.phase; }
  auto submit(std::uint64_t id) { return ask<receipt>(now->log, append{{0, id}, "main", "{}"}); }
  void crash(const caf::actor& who) { stop(who, to_error({fault_code::internal, "a bug", ""})); }
};

using names = std::vector<std::string>;

} // namespace

BOOST_FIXTURE_TEST_CASE(the_link_comes_up_and_the_report_says_so, supervisor_fixture) {
  start(patient());
  BOOST_TEST((phase() == link_phase::streaming));
  BOOST_TEST(report().actors.size() == 4U);
  submit(1);
  BOOST_TEST(primary->applied.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_lost_link_is_backed_off_from_and_tried_again, supervisor_fixture) {
  start(brisk());
  primary->refuses = {fault_code::link_lost, "no route", ""};
  primary->cut();
  settle();
  BOOST_TEST((phase() == link_phase::backing_off));
  pass(1s);
  BOOST_TEST(starts->size() > 2U);
  BOOST_TEST(std::count(starts->begin(), starts->end(), "forwarder") == std::ssize(*starts)); // Nobody else.
  BOOST_TEST(submit(1)->value.has_value());                                                   // Nor notices.
  primary->refuses = {};
  pass(1s);
  BOOST_TEST((phase() == link_phase::streaming));
  BOOST_TEST(primary->applied.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_stalled_link_gets_another_forwarder, supervisor_fixture) {
  start(brisk());
  primary->silent = true;
  submit(1);
  pass(4s);
  primary->silent = false; // Too late: the answers are lost.
  pass(2s);
  BOOST_TEST((phase() == link_phase::streaming));
  BOOST_TEST(*starts == names{"forwarder"});
  BOOST_TEST(primary->applied.size() == 1U); // The cursor knew that it was there already.
  BOOST_TEST(ask<log_report>(now->log, get_report{})->value->lanes.front().committed == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_sign_of_life_ends_the_wait, supervisor_fixture) {
  start(patient());
  primary->cut();
  pass(2s);
  BOOST_TEST((phase() == link_phase::backing_off));
  tell(boss, sign_of_life{"WAL"});
  BOOST_TEST((phase() == link_phase::streaming));
}

BOOST_FIXTURE_TEST_CASE(the_first_answered_ping_after_a_silence_ends_the_wait, supervisor_fixture) {
  start(patient());
  primary->ping_answer = {fault_code::link_lost, "no answer", ""};
  primary->cut();
  pass(3s);
  BOOST_TEST((phase() == link_phase::backing_off));
  BOOST_TEST(primary->pings >= 2);
  BOOST_TEST(primary->pings <= 4);
  primary->ping_answer = {};
  pass(1100ms);
  BOOST_TEST((phase() == link_phase::streaming));
  const auto pings = primary->pings;
  pass(5s);
  BOOST_TEST(primary->pings == pings); // A link that works is not pinged.
}

BOOST_FIXTURE_TEST_CASE(a_crash_of_the_buffer_restarts_it_and_everything_after_it, supervisor_fixture) {
  start(patient());
  submit(1);
  crash(caf::actor_cast<caf::actor>(now->log));
  pass(100ms);
  BOOST_TEST(*starts == (names{"buffer", "forwarder", "ingest"}));
  BOOST_TEST(store->opens == 2);
  if (phase() == link_phase::backing_off)
    tell(boss, sign_of_life{});
  BOOST_TEST(submit(2)->value->seq == 2U);
  BOOST_TEST(primary->applied == (std::vector<seqno>{1, 2}));
  BOOST_TEST(stops.empty());
}

BOOST_FIXTURE_TEST_CASE(a_restart_of_the_notifier_leaves_no_submitter_without_an_answer, supervisor_fixture) {
  start(patient());
  store->hangs = true;
  const auto sent = submit(1);
  const auto behind = submit(2);
  crash(caf::actor_cast<caf::actor>(now->notifier));
  pass(250ms);
  BOOST_TEST(sent->answered());
  BOOST_TEST(behind->answered());
  pass(6s); // A buffer whose store hangs is not waited for longer than the grace.
  store->go_on();
  settle();
  BOOST_TEST(std::count(starts->begin(), starts->end(), "buffer") == 1);
}

BOOST_FIXTURE_TEST_CASE(a_fault_that_comes_back_stops_everything_and_says_why, supervisor_fixture) {
  auto policy = patient();
  policy.restarts_max = 2;
  start(policy);
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(stops.empty());
    crash(now->ingest);
  }
  pass(1s);
  BOOST_REQUIRE(stops.size() == 1U);
  BOOST_TEST((stops.front().code == fault_code::internal));
  BOOST_TEST(stops.front().message.find("a bug") != std::string::npos);
  BOOST_TEST(primary->open_sessions == 0);
}

BOOST_FIXTURE_TEST_CASE(a_pause_closes_the_session_and_a_resume_opens_another, supervisor_fixture) {
  start(patient());
  const auto paused = ask<link_status>(boss, steer{steering::pause, "wind"});
  BOOST_TEST((paused->value->phase == link_phase::paused));
  BOOST_TEST(primary->open_sessions == 0);
  submit(1);
  pass(60s); // The watchdog leaves a paused link alone.
  BOOST_TEST((phase() == link_phase::paused));
  BOOST_TEST(primary->applied.empty());
  tell(boss, steer{steering::resume, ""});
  BOOST_TEST(primary->applied.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_shutdown_stops_all_answers_who_waits_and_is_told_last, supervisor_fixture) {
  start(patient());
  primary->silent = true;
  submit(1);
  const auto waiting = ask<reached>(now->log, await{condition::replicated, {}, stage::replicated, 1h});
  const auto gone = watch(boss);
  tell(boss, shut_down{10s});
  BOOST_TEST(stops.empty()); // The forwarder waits for what is under way ...
  pass(6s);                  // ... until it finds the link stalled.
  BOOST_REQUIRE(stops.size() == 1U);
  BOOST_TEST(!stops.front());
  BOOST_TEST((waiting->problem.code == fault_code::unavailable));
  BOOST_TEST(gone->has_value());
  BOOST_TEST(primary->open_sessions == 0);
}

BOOST_FIXTURE_TEST_CASE(a_shutdown_kills_what_hangs_beyond_the_grace_and_still_answers, supervisor_fixture) {
  start(patient());
  store->hangs = true;
  const auto sent = submit(1);
  const auto waiting = ask<reached>(now->log, await{condition::replicated, {}, stage::replicated, 1h});
  tell(boss, shut_down{2s});
  pass(1900ms);
  BOOST_TEST(stops.empty());
  pass(300ms);
  BOOST_TEST(stops.size() == 1U);
  BOOST_TEST(sent->answered());
  BOOST_TEST(waiting->answered());
}

} // namespace chasqui
