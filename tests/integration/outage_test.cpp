#include <boost/test/unit_test.hpp>

#include "tests/support/observatory.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <chrono>

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(while_replay_is_paused_committed_moves_and_nothing_is_released) {
  observatory site{{"--rtt", "20"}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  load work{site, 2};
  BOOST_REQUIRE(site.wait_for([](const auto& s) { return s.log.lanes[0].replicated >= 20; }));
  sql(site.box().replica_dsn(), "SELECT pg_wal_replay_pause()");
  BOOST_REQUIRE(wait_until(
      [&] { return sql(site.box().replica_dsn(), "SELECT pg_get_wal_replay_pause_state()") == "paused"; }));
  // What had been replayed by then may still be on its way through the watcher.
  const auto cursor = std::stoull(sql(site.box().replica_dsn(), "SELECT last_seq FROM chasqui.cursor"));
  BOOST_REQUIRE(work.wait_for(100));
  work.stop();
  BOOST_REQUIRE(site.wait_for([](const auto& s) {
    return s.log.lanes[0].committed == s.log.lanes[0].head && s.replica.state == "streaming";
  }));
  const auto paused = site.status();
  BOOST_REQUIRE(paused.has_value());
  BOOST_TEST(paused->log.lanes[0].committed >= cursor + 90);
  BOOST_TEST(paused->log.lanes[0].replicated <= cursor);
  BOOST_TEST(paused->log.lanes[0].released <= cursor);
  BOOST_TEST(paused->replica.lag_bytes > 0U);
  sql(site.box().replica_dsn(), "SELECT pg_wal_replay_resume()");
  BOOST_TEST(site.wait_until_released());
  BOOST_TEST(account(site, site.box().replica_dsn(), work.receipts()) == "");
}

BOOST_AUTO_TEST_CASE(a_black_hole_is_noticed_named_and_left_soon_after_it_heals) {
  observatory site{{"--rtt", "300"}, {"forwarder.stall_timeout_ms=2000"}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  // So little that it takes long to fill what the machine and the link's near end can hold.
  load work{site, 2, 50ms};
  BOOST_REQUIRE(site.wait_for([](const auto& s) { return s.log.lanes[0].committed > 0; }));
  site.box().cut();
  const auto cut_at = std::chrono::steady_clock::now();
  BOOST_REQUIRE(site.wait_for([](const auto& s) { return s.link.phase == link_phase::backing_off; }));
  const auto noticed_after = std::chrono::steady_clock::now() - cut_at;
  BOOST_TEST_MESSAGE("noticed after " << noticed_after / 1ms << " ms");
  const auto report = site.status();
  BOOST_REQUIRE_MESSAGE(report.has_value(), site.why_no_status());
  BOOST_TEST(report->link.attempt >= 1U);
  BOOST_TEST(report->link.reason != "");
  BOOST_TEST((report->link.next_try_at >= report->link.since)); // The same while it tries.
  BOOST_REQUIRE(work.wait_for(50));                             // Nobody upstream notices.
  const auto committed_before = report->log.lanes[0].committed;
  site.box().heal();
  const auto healed_at = std::chrono::steady_clock::now();
  BOOST_REQUIRE(site.wait_for([&](const auto& s) { return s.log.lanes[0].committed > committed_before; }));
  BOOST_TEST_MESSAGE("first commit " << (std::chrono::steady_clock::now() - healed_at) / 1ms
                                     << " ms after the heal");
  work.stop();
  BOOST_TEST(site.wait_until_replicated(), site.daemon_log());
  BOOST_TEST(account(site, site.box().direct_dsn(), work.receipts()) == "");
}

BOOST_AUTO_TEST_CASE(a_paused_link_stays_paused_until_it_is_resumed) {
  observatory site{{"--rtt", "20"}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  const auto paused = site.ask<link_status>(steer{steering::pause, "the fibre is being spliced"});
  BOOST_REQUIRE(std::holds_alternative<link_status>(paused));
  BOOST_TEST((std::get<link_status>(paused).phase == link_phase::paused));
  load work{site, 1};
  BOOST_REQUIRE(work.wait_for(20));
  work.stop();
  const auto report = site.status();
  BOOST_REQUIRE_MESSAGE(report.has_value(), site.why_no_status());
  BOOST_TEST((report->link.phase == link_phase::paused));
  BOOST_TEST(report->link.reason == "the fibre is being spliced");
  BOOST_TEST(report->log.lanes[0].committed == 0U);
  BOOST_REQUIRE(std::holds_alternative<link_status>(site.ask<link_status>(steer{steering::resume, ""})));
  BOOST_TEST(site.wait_until_replicated());
}
