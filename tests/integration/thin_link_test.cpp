#include <boost/test/unit_test.hpp>

#include "tests/support/observatory.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <chrono>
#include <string>

// A wide window and a flooded lane over 1 Mbit/s and 500 ms, on real servers.

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

constexpr int flood = 600;

const lane_status& of(const status_report& s, std::size_t lane) { return s.log.lanes.at(lane); }

bool is_quiet(const observatory& site) {
  const auto log = site.daemon_log();
  return log.find("backing_off") == std::string::npos && log.find("stalled") == std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_flood_over_a_thin_link_neither_stalls_it_nor_delays_the_first_lane) {
  observatory site{{"--rtt", "20"}, {"lanes=main,bulk"}};
  sql(site.box().direct_dsn(), "ALTER TABLE probe ADD note text");
  site.box().link({"rate_kbps=1000", "latency_ms=500"});
  site.start();
  BOOST_REQUIRE(site.wait_for([](const auto& s) { return s.link.phase == link_phase::streaming; }, 60s));
  const auto note = std::string(3000, 'x');
  for (int i = 0; i < flood; ++i) {
    const auto id = random_id();
    const auto answer = site.submit(
        R"({"id":")" + id + R"(","lane":"bulk","steps":[{"op":"insert","table":"probe","rows":[{"id":")" +
        id + R"(","origin":1,"number":)" + std::to_string(i) + R"(,"note":")" + note + R"("}]}]})");
    BOOST_REQUIRE(std::holds_alternative<receipt>(answer));
  }
  BOOST_REQUIRE(site.wait_for([](const auto& s) { return of(s, 1).committed > 0; }, 60s));
  const auto before = of(*site.status(), 1).committed;
  const auto urgent = random_id();
  BOOST_REQUIRE(std::holds_alternative<receipt>(site.submit(probe_insert(urgent, 0, 0))));
  BOOST_REQUIRE(site.wait_for([](const auto& s) { return of(s, 0).committed == 1; }, 60s));
  const auto after = *site.status();
  BOOST_TEST_MESSAGE("beside it, " << of(after, 1).committed - before << " of the flood were committed");
  // Three seconds of the link are about 120 of these.
  BOOST_TEST(of(after, 1).committed - before < 200U);
  BOOST_TEST(of(after, 1).head - of(after, 1).committed > 100U);
  BOOST_TEST(is_quiet(site), site.daemon_log());
  site.box().link({"rate_kbps=0", "latency_ms=10"});
  BOOST_TEST(site.wait_for([](const auto& s) { return of(s, 1).committed == flood; }, 60s));
  BOOST_TEST(is_quiet(site), site.daemon_log());
  BOOST_TEST(sql(site.box().direct_dsn(), "SELECT count(*) FROM probe") == std::to_string(flood + 1));
}

BOOST_AUTO_TEST_CASE(lanes_that_wait_for_each_other_are_freed) {
  observatory site{{"--rtt", "20"}, {"lanes=main,bulk"}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  BOOST_REQUIRE(
      std::holds_alternative<link_status>(site.ask<link_status>(steer{steering::pause, "to gather"}, 5s)));
  const auto first = random_id();
  const auto second = random_id();
  const auto depends = [](const std::string& id, const std::string& on, const std::string& lane) {
    auto text = probe_insert(id, 0, 1);
    return R"({"lane":")" + lane + R"(","depends_on":[")" + on + R"("],)" + text.substr(1);
  };
  BOOST_REQUIRE(std::holds_alternative<receipt>(site.submit(depends(first, second, "main"))));
  BOOST_REQUIRE(std::holds_alternative<receipt>(site.submit(depends(second, first, "bulk"))));
  BOOST_REQUIRE(std::holds_alternative<link_status>(site.ask<link_status>(steer{steering::resume, ""}, 5s)));
  // The one of bulk becomes a dead letter, and the one of main is parked behind it.
  BOOST_TEST(site.wait_for([](const auto& s) { return s.log.dead_letters == 2; }, 30s), site.daemon_log());
  BOOST_TEST(sql(site.box().direct_dsn(),
                 "SELECT lane || ' ' || sqlstate FROM chasqui.dead_letter WHERE state = 'rejected'") ==
             "bulk CQ007");
  BOOST_TEST(site.daemon_log().find("lanes wait for each other") != std::string::npos);
}
