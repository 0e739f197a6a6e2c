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

constexpr int flood = 1000; // About 26 s of the link.

const lane_status& of(const status_report& s, std::size_t lane) { return s.log.lanes.at(lane); }

bool is_quiet(const observatory& site) {
  const auto log = site.daemon_log();
  return log.find("backing_off") == std::string::npos && log.find("stalled") == std::string::npos;
}

/// One observatory with two lanes for both tests.
struct shared_site {
  shared_site() { current = &site; }
  shared_site(const shared_site&) = delete;
  shared_site& operator=(const shared_site&) = delete;
  ~shared_site() { current = nullptr; }

  // So that nothing but the flood can stall the link, however slow the machine is for a moment.
  observatory site{
      {"--rtt", "20"},
      {"lanes=main,bulk", "journal.path=", "redis.timeout_ms=20000", "forwarder.stall_timeout_ms=15000"}};
  static inline observatory* current = nullptr;
};

bool steer_to(steering what) {
  return std::holds_alternative<link_status>(
      shared_site::current->ask<link_status>(steer{what, "to gather"}));
}

std::string flood_insert(int number) {
  const auto id = random_id();
  return R"({"id":")" + id + R"(","lane":"bulk","steps":[{"op":"insert","table":"probe","rows":[{"id":")" +
         id + R"(","origin":1,"number":)" + std::to_string(number) + R"(,"note":")" + std::string(3000, 'x') +
         R"("}]}]})";
}

} // namespace

BOOST_TEST_GLOBAL_FIXTURE(shared_site);

BOOST_AUTO_TEST_CASE(a_flood_over_a_thin_link_neither_stalls_it_nor_delays_the_first_lane) {
  auto& site = *shared_site::current;
  sql(site.box().direct_dsn(), "ALTER TABLE probe ADD note text");
  site.box().link({"rate_kbps=1000", "latency_ms=500"});
  site.start();
  BOOST_REQUIRE(site.wait_for([](const auto& s) { return s.link.phase == link_phase::streaming; }));
  BOOST_REQUIRE(steer_to(steering::pause));
  for (int i = 0; i < flood; ++i)
    site.keep(flood_insert(i));
  BOOST_REQUIRE(steer_to(steering::resume));
  BOOST_REQUIRE(site.wait_for([](const auto& s) { return of(s, 1).committed > 0; }));
  site.keep(probe_insert(random_id(), 0, 0));
  BOOST_REQUIRE(site.wait_for([](const auto& s) { return of(s, 0).committed == 1; }));
  const auto after = site.status();
  BOOST_REQUIRE(after.has_value());
  BOOST_TEST_MESSAGE(of(*after, 1).committed << " of the flood were committed by then");
  BOOST_TEST(of(*after, 1).head - of(*after, 1).committed > 50U);
  BOOST_TEST(is_quiet(site), site.daemon_log());
  site.box().link({"rate_kbps=0", "latency_ms=10"});
  BOOST_TEST(site.wait_for([](const auto& s) { return of(s, 1).committed == flood; }));
  BOOST_TEST(is_quiet(site), site.daemon_log());
  BOOST_TEST(sql(site.box().direct_dsn(), "SELECT count(*) FROM probe") == std::to_string(flood + 1));
}

BOOST_AUTO_TEST_CASE(lanes_that_wait_for_each_other_are_freed) {
  auto& site = *shared_site::current;
  BOOST_REQUIRE(steer_to(steering::pause));
  const auto first = random_id();
  const auto second = random_id();
  const auto depends = [](const std::string& id, const std::string& on, const std::string& lane) {
    return R"({"lane":")" + lane + R"(","depends_on":[")" + on + R"("],)" + probe_insert(id, 0, 1).substr(1);
  };
  site.keep(depends(first, second, "main"));
  site.keep(depends(second, first, "bulk"));
  BOOST_REQUIRE(steer_to(steering::resume));
  // The one of bulk becomes a dead letter, and the one of main is parked behind it.
  BOOST_TEST(site.wait_for([](const auto& s) { return s.log.dead_letters == 2; }), site.daemon_log());
  BOOST_TEST(sql(site.box().direct_dsn(),
                 "SELECT lane || ' ' || sqlstate FROM chasqui.dead_letter WHERE state = 'rejected'") ==
             "bulk CQ007");
  BOOST_TEST(
      wait_until([&] { return site.daemon_log().find("lanes wait for each other") != std::string::npos; }));
}
