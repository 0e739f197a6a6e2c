#include <boost/test/unit_test.hpp>

#include "tests/support/observatory.hpp"

#include <chrono>

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

constexpr int origins = 4;

void check_all_arrived(observatory& site, load& work) {
  work.stop();
  BOOST_TEST(site.wait_until_replicated(), site.daemon_log());
  BOOST_TEST(work.receipts().size() > 0U);
  BOOST_TEST(account(site, site.box().direct_dsn(), work.receipts()) == "");
  BOOST_TEST(account(site, site.box().replica_dsn(), work.receipts()) == "");
}

} // namespace

BOOST_AUTO_TEST_CASE(a_daemon_killed_twenty_times_under_load_loses_doubles_and_reorders_nothing) {
  observatory site{{"--rtt", "40"}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  load work{site, origins};
  for (int kill = 0; kill < 20; ++kill) {
    BOOST_REQUIRE(work.wait_for(25));
    site.kill();
    site.start();
  }
  BOOST_REQUIRE(work.wait_for(25));
  check_all_arrived(site, work);
}

BOOST_AUTO_TEST_CASE(a_redis_killed_ten_times_under_load_loses_doubles_and_reorders_nothing) {
  observatory site{{"--rtt", "40"}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  load work{site, origins};
  for (int kill = 0; kill < 10; ++kill) {
    BOOST_REQUIRE(work.wait_for(25));
    site.box().kill("redis");
    site.box().start("redis");
  }
  BOOST_REQUIRE(work.wait_for(25));
  check_all_arrived(site, work);
}

BOOST_AUTO_TEST_CASE(a_primary_killed_under_load_loses_doubles_and_reorders_nothing) {
  observatory site{{"--rtt", "40"}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  load work{site, origins};
  for (int kill = 0; kill < 3; ++kill) {
    BOOST_REQUIRE(work.wait_for(50));
    site.box().kill("primary");
    BOOST_REQUIRE(work.wait_for(50)); // Nobody upstream notices.
    site.box().start("primary");
  }
  check_all_arrived(site, work);
}
