#include "actors/lsn_watcher.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/fake_ports.hpp"

namespace chasqui {

namespace {

using namespace std::chrono_literals;

sighting seen(std::uint64_t replay, seqno cursor, bool streaming = true) {
  sighting s;
  s.receive = {replay};
  s.replay = {replay};
  s.timeline = 1;
  s.streaming = streaming;
  s.last_message_at = instant{1s};
  s.cursors = {{"main", cursor}};
  return s;
}

struct watcher_fixture : actor_fixture {
  std::shared_ptr<fake_replica> replica = std::make_shared<fake_replica>();
  std::shared_ptr<std::vector<seqno>> arrived = std::make_shared<std::vector<seqno>>();
  std::shared_ptr<std::vector<std::string>> told = std::make_shared<std::vector<std::string>>();
  std::shared_ptr<int> signs = std::make_shared<int>(0);
  lsn_watcher_actor watcher;

  watcher_fixture() {
    const lsn_watcher_peers peers{
        stub<buffer_actor>([kept = arrived](const replicated& r) { kept->push_back(r.seq); }),
        stub<notifier_actor>([kept = told](const event& e) {
          if (e.kind == event_kind::replica)
            kept->push_back(e.detail);
        }),
        stub<supervisor_actor>([kept = signs](const sign_of_life&) { ++*kept; })};
    watcher = spawn(lsn_watcher, replica, peers, wall(), watch_limits{30ms, 1000ms, 1000ms, 100});
    settle();
  }
  void commit(seqno seq) { tell(watcher, committed{"main", seq, {seq * 100}, 1}); }
  void answer(const sighting& s) {
    BOOST_REQUIRE(replica->is_asked());
    replica->answer(s);
    settle();
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(an_idle_watcher_looks_once_a_second, watcher_fixture) {
  BOOST_TEST(replica->looks == 1);
  answer(seen(100, 0));
  pass(900ms);
  BOOST_TEST(replica->looks == 1);
  pass(100ms);
  BOOST_TEST(replica->looks == 2);
}

BOOST_FIXTURE_TEST_CASE(a_commit_makes_it_look_at_once_and_the_buffer_is_told_of_the_arrival,
                        watcher_fixture) {
  answer(seen(100, 0));
  commit(3);
  pass(30ms);
  answer(seen(299, 3));
  BOOST_TEST(arrived->empty());
  pass(30ms);
  answer(seen(300, 3));
  BOOST_TEST(*arrived == std::vector<seqno>{3});
  pass(900ms);
  BOOST_TEST(!replica->is_asked());
}

BOOST_FIXTURE_TEST_CASE(commits_that_keep_coming_do_not_put_the_look_off, watcher_fixture) {
  answer(seen(100, 0));
  commit(1);
  pass(30ms);
  answer(seen(50, 0));
  const auto looks = replica->looks;
  for (seqno seq = 2; seq <= 11; ++seq) { // Each one before the look is due.
    commit(seq);
    pass(10ms);
  }
  BOOST_TEST(replica->looks > looks);
}

BOOST_FIXTURE_TEST_CASE(there_is_one_look_at_a_time_however_slow_the_replica_is, watcher_fixture) {
  commit(1);
  commit(2);
  pass(10s);
  BOOST_TEST(replica->looks == 1);
  answer(seen(200, 2));
  BOOST_TEST(*arrived == std::vector<seqno>{2});
}

BOOST_FIXTURE_TEST_CASE(a_replica_that_is_away_is_asked_again_and_nothing_is_lost, watcher_fixture) {
  commit(3);
  sighting away;
  away.problem = {fault_code::unavailable, "refused", ""};
  answer(away);
  BOOST_TEST(told->size() == 1U);
  BOOST_TEST(ask<replica_status>(watcher, get_report{})->value->state == "unreachable: refused");
  pass(1s);
  answer(seen(300, 3));
  BOOST_TEST(*arrived == std::vector<seqno>{3});
}

BOOST_FIXTURE_TEST_CASE(wal_that_comes_again_is_told_to_the_supervisor, watcher_fixture) {
  answer(seen(100, 0, false));
  BOOST_TEST(*signs == 0);
  pass(1s);
  answer(seen(100, 0, true));
  BOOST_TEST(*signs == 1);
}

} // namespace chasqui
