#include <boost/test/unit_test.hpp>

#include "tests/support/observatory.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(a_new_primary_that_lacks_a_thousand_commits_gets_them_again_once_and_in_order) {
  observatory site{{"--rtt", "20"}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  load work{site, 8};
  BOOST_REQUIRE(work.wait_for(50));
  BOOST_REQUIRE(site.wait_for([](const auto& s) { return s.log.lanes[0].replicated > 0; }));
  site.box().kill("replica"); // It becomes the primary later, and has nothing of what follows.
  BOOST_REQUIRE(work.wait_for(2000));
  const auto acknowledged = work.acknowledged();
  BOOST_REQUIRE(site.wait_for([&](const auto& s) { return s.log.lanes[0].committed >= acknowledged; }));
  site.box().kill("primary");
  site.box().start("replica");
  site.box().promote();
  database promoted{site.box().replica_dsn()};
  const auto had = std::stoull(promoted.value("SELECT count(*) FROM chasqui.applied"));
  BOOST_TEST(had + 1000 < acknowledged);
  BOOST_REQUIRE(work.wait_for(200));
  work.stop();
  const auto receipts = work.receipts();
  const auto wrong = [&] { return account(site, site.box().replica_dsn(), receipts); };
  BOOST_TEST(wait_until([&] { return wrong().empty(); }), wrong() << '\n' << site.daemon_log());
  BOOST_TEST(promoted.value("SELECT count(*) FROM chasqui.missing") == "0");
}
