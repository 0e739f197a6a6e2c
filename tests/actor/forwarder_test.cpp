#include "actors/buffer.hpp"
#include "actors/forwarder.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/fake_ports.hpp"
#include "tests/support/memory_stores.hpp"

namespace chasqui {

namespace {

using namespace std::chrono_literals;

// A real buffer and a real forwarder between a store and a primary in memory.
struct forwarder_fixture : actor_fixture {
  std::shared_ptr<memory_store> store = std::make_shared<memory_store>(store_kind::redis);
  std::shared_ptr<fake_primary> primary = std::make_shared<fake_primary>();
  std::shared_ptr<std::vector<committed>> done = std::make_shared<std::vector<committed>>();
  std::shared_ptr<int> links_up = std::make_shared<int>(0);
  std::shared_ptr<std::vector<missing>> lost = std::make_shared<std::vector<missing>>();
  buffer_actor log;
  forwarder_actor carrier;
  std::shared_ptr<std::optional<fault>> gone;

  forwarder_fixture() {
    log = spawn(buffer, log_stores{store, nullptr}, stub<notifier_actor>([](const event&) {}), wall(),
                std::vector<std::string>{"main"}, buffer_limits{});
    settle();
  }
  void start(const forwarder_limits& limits = {}) {
    const forwarder_peers peers{
        log, stub<lsn_watcher_actor>([done = done](const committed& c) { done->push_back(c); }),
        stub<supervisor_actor>([up = links_up](const link_up&) { ++*up; })};
    carrier = spawn(forwarder, primary, peers, wall(), std::string{"main"}, limits);
    gone = watch(carrier);
  }
  // Puts a buffer in the log's place that knows nothing but how to go on.
  template <class Answer> void align_with(Answer answer) {
    log = stub<buffer_actor>(
        [](const locate& l) {
          return position{l.lane, 1, 1, 0, 0};
        },
        answer, [lost = lost](const missing& m) { lost->push_back(m); });
  }
  void submit(std::uint64_t id) { ask<receipt>(log, append{{0, id}, "main", "{}"}); }
  [[nodiscard]] fault_code why() const {
    BOOST_REQUIRE_MESSAGE(gone->has_value(), "the forwarder still runs");
    return (*gone)->code;
  }
  [[nodiscard]] lane_status lane() { return ask<log_report>(log, get_report{})->value->lanes.front(); }
};

using seqs = std::vector<seqno>;

} // namespace

BOOST_FIXTURE_TEST_CASE(what_is_submitted_is_applied_in_order_and_committed, forwarder_fixture) {
  for (std::uint64_t id = 1; id <= 3; ++id)
    submit(id);
  start();
  BOOST_TEST(*links_up == 1);
  BOOST_TEST(primary->applied == (seqs{1, 2, 3}));
  BOOST_TEST(done->back().seq == 3U);
  BOOST_TEST(lane().committed == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_forwarder_that_found_the_log_empty_hears_of_the_first_entry, forwarder_fixture) {
  start();
  submit(1);
  submit(2);
  BOOST_TEST(primary->applied == (seqs{1, 2}));
}

BOOST_FIXTURE_TEST_CASE(a_forwarder_that_started_between_two_entries_hears_of_the_next_one,
                        forwarder_fixture) {
  submit(1);
  start();
  primary->cut();
  settle();
  start();
  submit(2);
  BOOST_TEST(primary->applied == (seqs{1, 2}));
}

BOOST_FIXTURE_TEST_CASE(a_cut_session_ends_the_forwarder_with_its_reason_and_closes_the_connection,
                        forwarder_fixture) {
  start();
  primary->cut({fault_code::link_lost, "reset by peer", ""});
  settle();
  BOOST_TEST((why() == fault_code::link_lost));
  BOOST_TEST((*gone)->message == "reset by peer");
  BOOST_TEST(primary->open_sessions == 0);
}

BOOST_FIXTURE_TEST_CASE(a_primary_that_falls_silent_is_given_up_as_stalled, forwarder_fixture) {
  start();
  primary->silent = true;
  submit(1);
  pass(4900ms);
  BOOST_TEST(!gone->has_value());
  pass(300ms);
  BOOST_TEST((why() == fault_code::stalled));
  BOOST_TEST(primary->open_sessions == 0);
}

BOOST_FIXTURE_TEST_CASE(an_idle_link_that_falls_silent_is_noticed_as_well, forwarder_fixture) {
  start();
  primary->silent = true;
  pass(8s);
  BOOST_TEST((why() == fault_code::stalled));
  BOOST_TEST((primary->heard.back() == segment_kind::heartbeat));
}

BOOST_FIXTURE_TEST_CASE(a_primary_that_refuses_the_session_ends_it_with_that_reason, forwarder_fixture) {
  primary->refuses = {fault_code::fenced, "newer", ""};
  start();
  BOOST_TEST((why() == fault_code::fenced));
  BOOST_TEST(*links_up == 0);
}

BOOST_FIXTURE_TEST_CASE(a_link_that_only_opens_to_find_a_divergence_is_not_called_up, forwarder_fixture) {
  align_with([](const align&) -> caf::result<alignment> {
    return to_error({fault_code::diverged, "the log ends at 3", ""});
  });
  primary->cursor = 7;
  start();
  BOOST_TEST((why() == fault_code::diverged));
  BOOST_TEST((*gone)->message == "the log ends at 3");
  BOOST_TEST(*links_up == 0);
}

BOOST_FIXTURE_TEST_CASE(what_the_log_has_lost_is_passed_over_and_told_by_name, forwarder_fixture) {
  primary->cursor = 1;
  primary->last_id = {0, 1};
  primary->applied_ids = {{0, 1}, {0, 2}};
  auto questions = std::make_shared<std::vector<align>>();
  align_with([questions](const align& a) -> caf::result<alignment> {
    questions->push_back(a);
    return alignment{a.lane, a.cursor, a.cursor == 1 ? seqno{4} : 0, {{0, 2}, {0, 3}}, 1, 0, 4};
  });
  start();
  BOOST_REQUIRE(questions->size() == 2U);
  BOOST_TEST((questions->front().id == uuid{0, 1}));
  BOOST_TEST(questions->back().cursor == 4U);
  BOOST_TEST(primary->cursor == 4U);
  BOOST_REQUIRE(lost->size() == 1U);
  BOOST_TEST((lost->front().ids == std::vector<uuid>{{0, 3}}));
  BOOST_TEST(lost->front().unnamed == 1U);
  BOOST_TEST(*links_up == 1);
}

BOOST_FIXTURE_TEST_CASE(a_buffer_that_does_not_say_how_to_go_on_does_not_hold_the_forwarder_forever,
                        forwarder_fixture) {
  align_with([](const align&) { return caf::result<alignment>{caf::delegated<alignment>{}}; });
  start();
  pass(9900ms);
  BOOST_TEST(!gone->has_value());
  pass(200ms);
  BOOST_TEST((why() == fault_code::store_unavailable));
}

BOOST_FIXTURE_TEST_CASE(a_poisoned_entry_becomes_a_dead_letter_and_the_others_pass, forwarder_fixture) {
  primary->poison[2] = "23505";
  for (std::uint64_t id = 1; id <= 3; ++id)
    submit(id);
  start();
  BOOST_TEST(primary->applied == (seqs{1, 3}));
  BOOST_REQUIRE(store->dead.size() == 1U);
  BOOST_TEST(store->dead.front().seq == 2U);
  BOOST_TEST(store->dead.front().sqlstate == "23505");
  BOOST_TEST(lane().committed == 3U);
}

BOOST_FIXTURE_TEST_CASE(without_a_log_there_is_no_session, forwarder_fixture) {
  store->broken = {fault_code::store_unavailable, "refused", ""};
  submit(1);
  start();
  BOOST_TEST((why() == fault_code::store_unavailable));
  BOOST_TEST(primary->opens == 0);
}

BOOST_FIXTURE_TEST_CASE(a_buffer_that_is_gone_ends_the_forwarder_as_a_lost_log, forwarder_fixture) {
  stop(log, caf::exit_reason::kill);
  start();
  BOOST_TEST((why() == fault_code::store_unavailable));
}

BOOST_FIXTURE_TEST_CASE(a_log_that_hangs_does_not_hold_the_forwarder_forever, forwarder_fixture) {
  submit(1);
  store->hangs = true;
  start();
  pass(9900ms);
  BOOST_TEST(!gone->has_value());
  pass(200ms);
  BOOST_TEST((why() == fault_code::store_unavailable));
}

BOOST_FIXTURE_TEST_CASE(a_drain_waits_for_what_is_under_way_and_ends_cleanly, forwarder_fixture) {
  start();
  stop(carrier, caf::exit_reason::user_shutdown);
  BOOST_TEST((why() == fault_code::unavailable));
  BOOST_TEST(primary->open_sessions == 0);
}

BOOST_FIXTURE_TEST_CASE(a_drain_over_a_dead_link_ends_with_the_stall, forwarder_fixture) {
  start();
  primary->silent = true;
  submit(1);
  stop(carrier, caf::exit_reason::user_shutdown);
  BOOST_TEST(!gone->has_value());
  pass(5200ms);
  BOOST_TEST((why() == fault_code::stalled));
}

BOOST_FIXTURE_TEST_CASE(a_kill_closes_the_connection_at_once, forwarder_fixture) {
  start();
  stop(carrier, caf::exit_reason::kill);
  BOOST_TEST(primary->open_sessions == 0);
}

} // namespace chasqui
