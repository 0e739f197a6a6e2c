#include <boost/test/unit_test.hpp>

#include "tests/support/observatory.hpp"

#include <chrono>

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

/// Submits a burst and waits for the receipts.
void submit_burst(observatory& site, receipt_map& receipts, int count) {
  for (int i = 0; i < count; ++i) {
    const auto id = random_id();
    receipts.emplace(id, site.keep(probe_insert(id, 0, i)));
  }
}

bool is_cut(const status_report& s) { return s.link.phase != link_phase::streaming; }
bool is_up(const status_report& s) { return s.link.phase == link_phase::streaming; }

} // namespace

// One transaction and its barrier take about 700 bytes up and 400 down, so these cuts fall before, inside and
// behind the commit, and before, inside and behind its answer.
BOOST_AUTO_TEST_CASE(fifty_cuts_inside_commits_and_their_answers_apply_nothing_twice) {
  observatory site{{"--rtt", "20"}, {"backoff.min_ms=20", "backoff.max_ms=100", "backoff.ping_ms=100"}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  receipt_map receipts;
  for (int cut = 0; cut < 50; ++cut) {
    BOOST_REQUIRE(site.wait_for(is_up));
    const bool up = cut % 2 == 0;
    const auto bytes = 1 + (cut / 2) * (up ? 64 : 32);
    site.box().link(
        {"cut_after_bytes=" + std::to_string(bytes), std::string{"cut_direction="} + (up ? "up" : "down")});
    submit_burst(site, receipts, 3);
    BOOST_REQUIRE(site.wait_for(is_cut));
    site.box().link({"mode=open"});
  }
  BOOST_TEST(site.wait_until_replicated(), site.daemon_log());
  BOOST_TEST(receipts.size() == 150U);
  BOOST_TEST(account(site, site.box().direct_dsn(), receipts) == "");
  BOOST_TEST(account(site, site.box().replica_dsn(), receipts) == "");
}
