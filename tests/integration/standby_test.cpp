#include <boost/test/unit_test.hpp>

#include "tests/support/observatory.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <csignal>
#include <fstream>
#include <sstream>

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

/// A site with two daemons on one log; the second has no door, and is known by what it logs.
struct two_runtimes {
  observatory site{{"--rtt", "20"}, {"redis.lease_ms=10000"}};
  std::string second_log = site.box().dir() + "/second.log";
  std::unique_ptr<child_process> second;

  two_runtimes() {
    site.start();
    // On a machine with a slow disk it may begin in its journal: then Redis is still to be had.
    BOOST_REQUIRE(site.wait_for_store(store_kind::redis));
    second = std::make_unique<child_process>(
        std::vector<std::string>{program("chasquid"), "--config", site.box().settings_file(), "--set",
                                 "remote.port=0", "--set", "redis.lease_ms=10000"},
        child_process::options{second_log, ""});
    // The forwarder's words, which come again: the buffer may have spoken before anybody listened.
    BOOST_REQUIRE(second_says("this one stands by"));
  }

  /// A slow machine may have seen the journal take over, and what that has gets another number.
  bool all_arrive(const load& work) {
    const auto receipts = work.receipts();
    const auto& dsn = site.box().direct_dsn();
    const auto wrong = [&] { return account(dsn, receipts, final_numbers::of_redis); };
    const bool right = wait_until([&] { return wrong().empty(); });
    BOOST_TEST(right, wrong() << "\nthe first:\n"
                              << site.daemon_log() << "\nthe second:\n"
                              << said_by_second());
    return right;
  }

  [[nodiscard]] std::string said_by_second() const {
    std::ostringstream said;
    said << std::ifstream{second_log}.rdbuf();
    return said.str();
  }

  bool second_says(const std::string& what) {
    return wait_until([&] { return said_by_second().find(what) != std::string::npos; });
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_second_runtime_stands_by_and_takes_over_from_one_that_was_killed) {
  two_runtimes two;
  load work{two.site, 2};
  BOOST_REQUIRE(work.wait_for(50));
  BOOST_TEST(two.second->running());
  work.stop();
  two.site.kill();
  BOOST_TEST(two.second_says("open: receipts say"));
  BOOST_TEST(two.all_arrive(work));
}

BOOST_AUTO_TEST_CASE(one_that_was_frozen_finds_itself_fenced_or_stands_by_and_does_no_harm) {
  two_runtimes two;
  load work{two.site, 2};
  BOOST_REQUIRE(work.wait_for(50));
  two.site.daemon().signal(SIGSTOP);
  BOOST_TEST(two.second_says("open: receipts say"));
  two.site.daemon().signal(SIGCONT);
  BOOST_TEST(wait_until([&] {
               const auto log = two.site.daemon_log();
               return log.find("another runtime") != std::string::npos;
             }),
             two.site.daemon_log());
  work.stop();
  BOOST_TEST(two.second->running());
  BOOST_TEST(two.all_arrive(work));
}

BOOST_AUTO_TEST_CASE(what_a_runtime_is_left_with_in_its_journal_goes_to_the_one_that_took_over) {
  two_runtimes two;
  load work{two.site, 2};
  BOOST_REQUIRE(work.wait_for(20));
  two.site.box().stop("redis");
  BOOST_REQUIRE(two.site.wait_for([](const auto& s) { return s.log.store.kind == store_kind::journal; }));
  BOOST_REQUIRE(work.wait_for(20));
  two.site.daemon().signal(SIGSTOP);
  two.site.box().cont("redis");
  BOOST_TEST(two.second_says("open: receipts say"));
  two.site.daemon().signal(SIGCONT);
  BOOST_TEST(two.second_says("took in"));
  work.stop();
  BOOST_TEST(two.all_arrive(work));
}
