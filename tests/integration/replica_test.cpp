#include "adapters/postgres.hpp"
#include "tests/support/sandbox.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <boost/test/unit_test.hpp>

#include <future>
#include <memory>
#include <string>

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

/// One sandbox for all tests; every test has a site of its own.
struct shared_sandbox {
  shared_sandbox() { current = &observatory; }
  shared_sandbox(const shared_sandbox&) = delete;
  shared_sandbox& operator=(const shared_sandbox&) = delete;
  ~shared_sandbox() { current = nullptr; }

  sandbox observatory{{"--store", "journal", "--rtt", "0"}};
  static sandbox* current;
};
sandbox* shared_sandbox::current = nullptr;

sandbox& observatory() { return *shared_sandbox::current; }
std::string on_primary(const std::string& query) { return sql(observatory().direct_dsn(), query); }
std::string on_replica(const std::string& query) { return sql(observatory().replica_dsn(), query); }

/// The replica as the forwarder's role sees it, which is no superuser.
std::string replica_dsn() {
  const auto& all = observatory().replica_dsn();
  const auto port = all.substr(all.find("port="));
  return "host=127.0.0.1 " + port.substr(0, port.find(' ')) + " dbname=ops user=chasqui_forwarder";
}

/// A probe whose looks are waited for.
class looker {
public:
  explicit looker(const std::string& site, std::string dsn = replica_dsn(),
                  std::chrono::milliseconds timeout = long_enough)
      : probe_{make_replica_probe(io_, site, {std::move(dsn), timeout})} {}

  std::future<sighting> begin() {
    auto promise = std::make_shared<std::promise<sighting>>();
    probe_->look([promise](sighting s) { promise->set_value(std::move(s)); });
    return promise->get_future();
  }

  sighting look() { return begin().get(); }

  void destroy() { probe_.reset(); }

private:
  io_thread io_;
  std::unique_ptr<replica_probe> probe_;
};

void move_cursor(const std::string& site, const std::string& seq) {
  on_primary("SELECT chasqui.begin_epoch('" + site + "', 'main', 1)");
  on_primary("SELECT chasqui.advance('" + site + "', 'main', 1, " + seq + ", ARRAY[gen_random_uuid()])");
}

lsn flushed_on_primary() { return parse_lsn(on_primary("SELECT pg_current_wal_flush_lsn()")).value(); }

} // namespace

BOOST_TEST_GLOBAL_FIXTURE(shared_sandbox);

BOOST_AUTO_TEST_CASE(a_look_tells_where_the_replica_stands) {
  looker l{"nobody"};
  const auto seen = l.look();
  BOOST_TEST(seen.problem.message == "");
  BOOST_TEST(seen.in_recovery);
  BOOST_TEST(seen.streaming);
  BOOST_TEST(seen.timeline == 1U);
  BOOST_TEST((seen.replay.known() && seen.receive >= seen.replay));
  BOOST_TEST(std::to_string(seen.system_id) ==
             on_primary("SELECT system_identifier FROM pg_control_system()"));
  BOOST_TEST((std::chrono::system_clock::now() - seen.last_message_at < 60s));
  BOOST_TEST(seen.cursors.empty());
}

BOOST_AUTO_TEST_CASE(a_cursor_is_seen_once_its_commit_is_replayed) {
  looker l{"alpha"};
  move_cursor("alpha", "1");
  on_primary("SELECT chasqui.begin_epoch('alpha', 'second', 1)");
  move_cursor("other", "1");
  const auto committed = flushed_on_primary();
  sighting seen;
  // However early it looks: a replica that has replayed the commit shows the cursor.
  BOOST_TEST_REQUIRE(wait_until([&] {
    seen = l.look();
    return seen.replay >= committed;
  }));
  BOOST_TEST_REQUIRE(seen.cursors.size() == 2U);
  const auto& first = seen.cursors[seen.cursors[0].lane == "main" ? 0 : 1];
  BOOST_TEST(first.lane == "main");
  BOOST_TEST(first.last_seq == 1U);
}

BOOST_AUTO_TEST_CASE(the_cursor_is_never_behind_the_replay_position) {
  looker l{"steady"};
  move_cursor("steady", "1");
  for (seqno seq = 2; seq <= 200; ++seq) {
    on_primary("SELECT chasqui.advance('steady', 'main', 1, " + std::to_string(seq) +
               ", ARRAY[gen_random_uuid()])");
    const auto committed = flushed_on_primary();
    BOOST_TEST_REQUIRE(wait_until([&] {
      const auto seen = l.look();
      BOOST_TEST_REQUIRE(seen.problem.message == "");
      BOOST_TEST((seen.replay < committed || (!seen.cursors.empty() && seen.cursors[0].last_seq >= seq)));
      return seen.replay >= committed;
    }));
  }
}

BOOST_AUTO_TEST_CASE(a_replica_that_does_not_replay_still_tells_what_it_received) {
  looker l{"paused"};
  on_replica("SELECT pg_wal_replay_pause()");
  BOOST_TEST_REQUIRE(
      wait_until([] { return on_replica("SELECT pg_get_wal_replay_pause_state()") == "paused"; }));
  move_cursor("paused", "1");
  const auto committed = flushed_on_primary();
  sighting seen;
  BOOST_TEST(wait_until([&] {
    seen = l.look();
    return seen.receive >= committed;
  }));
  BOOST_TEST((seen.replay < committed));
  BOOST_TEST(seen.cursors.empty());
  on_replica("SELECT pg_wal_replay_resume()");
  BOOST_TEST(wait_until([&] { return l.look().cursors.size() == 1; }));
}

BOOST_AUTO_TEST_CASE(without_the_schema_there_are_no_cursors_until_it_arrives) {
  looker l{"early"};
  move_cursor("early", "1");
  const auto cursors_seen = [&](std::size_t count) {
    const auto seen = l.look();
    BOOST_TEST(seen.problem.message == "");
    return seen.cursors.size() == count;
  };
  BOOST_TEST(wait_until([&] { return cursors_seen(1); }));
  on_primary("ALTER SCHEMA chasqui RENAME TO elsewhere");
  BOOST_TEST(wait_until([&] { return cursors_seen(0); }));
  looker newcomer{"early"};
  BOOST_TEST(newcomer.look().problem.message == "");
  on_primary("ALTER SCHEMA elsewhere RENAME TO chasqui");
  BOOST_TEST(wait_until([&] { return cursors_seen(1); }));
  BOOST_TEST(wait_until([&] { return newcomer.look().cursors.size() == 1; }));
}

BOOST_AUTO_TEST_CASE(a_second_look_at_the_same_time_is_refused_and_does_not_disturb_the_first) {
  looker l{"nobody"};
  observatory().stop("replica");
  auto first = l.begin();
  auto second = l.begin();
  const auto refused = second.get().problem;
  observatory().cont("replica");
  BOOST_TEST((refused.code == fault_code::unavailable));
  BOOST_TEST(!first.get().problem);
}

BOOST_AUTO_TEST_CASE(a_replica_that_hangs_is_given_up_in_time_and_found_again) {
  looker l{"nobody", replica_dsn(), 300ms};
  BOOST_TEST(wait_until([&] { return !l.look().problem; }));
  observatory().stop("replica");
  const auto before = std::chrono::steady_clock::now();
  for (int look = 0; look < 2; ++look) {
    const auto problem = l.look().problem;
    BOOST_TEST((problem.code == fault_code::timed_out));
    BOOST_TEST(problem.message.find("300 ms") != std::string::npos, problem.message);
  }
  const auto took = std::chrono::steady_clock::now() - before;
  observatory().cont("replica");
  BOOST_TEST((took >= 600ms && took < long_enough));
  BOOST_TEST(wait_until([&] { return !l.look().problem; }));
}

BOOST_AUTO_TEST_CASE(a_replica_that_died_is_found_again_by_a_later_look) {
  looker l{"nobody"};
  BOOST_TEST(!l.look().problem);
  observatory().kill("replica");
  const auto gone = l.look();
  BOOST_TEST((gone.problem.code == fault_code::link_lost));
  BOOST_TEST(gone.problem.message != "");
  BOOST_TEST((l.look().problem.code == fault_code::link_lost));
  observatory().start("replica");
  BOOST_TEST(wait_until([&] { return !l.look().problem; }));
}

BOOST_AUTO_TEST_CASE(a_look_is_answered_even_if_the_probe_is_destroyed) {
  looker l{"nobody"};
  observatory().stop("replica");
  auto pending = l.begin();
  l.destroy();
  const bool answered = pending.wait_for(long_enough / 2) == std::future_status::ready;
  observatory().cont("replica");
  BOOST_TEST_REQUIRE(answered);
  BOOST_TEST((pending.get().problem.code == fault_code::unavailable));
}

BOOST_AUTO_TEST_CASE(a_replica_without_its_primary_is_not_streaming) {
  looker l{"nobody"};
  BOOST_TEST(wait_until([&] { return l.look().streaming; }));
  observatory().cut();
  BOOST_TEST(wait_until([&] {
    const auto seen = l.look();
    return !seen.problem && !seen.streaming;
  }));
  const auto seen = l.look();
  BOOST_TEST((seen.last_message_at == instant{}));
  BOOST_TEST(seen.timeline == 1U);
  observatory().heal();
  BOOST_TEST(wait_until([&] { return l.look().streaming; }));
}

// The last one: there is no way back.
BOOST_AUTO_TEST_CASE(a_promoted_replica_tells_its_new_timeline_on_the_same_connection) {
  looker l{"promoted"};
  move_cursor("promoted", "1");
  BOOST_TEST_REQUIRE(wait_until([&] { return l.look().cursors.size() == 1; }));
  const auto before = l.look();
  observatory().promote();
  const auto seen = l.look();
  BOOST_TEST(seen.problem.message == "");
  BOOST_TEST(!seen.in_recovery);
  BOOST_TEST(!seen.streaming);
  BOOST_TEST(seen.timeline == 2U);
  BOOST_TEST((seen.receive == seen.replay && seen.replay >= before.replay));
  BOOST_TEST(seen.system_id == before.system_id);
  BOOST_TEST(seen.cursors.size() == 1U);
}
