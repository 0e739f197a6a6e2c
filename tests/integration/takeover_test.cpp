#include <boost/test/unit_test.hpp>

#include "tests/support/observatory.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <sstream>

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

void redis(observatory& site, const std::string& what) {
  const auto command = "redis-cli -s " + site.box().redis_socket() + " " + what + " >/dev/null";
  BOOST_REQUIRE(std::system(command.c_str()) == 0); // NOLINT(concurrency-mt-unsafe): one thread.
}

void start(observatory& site) {
  site.start();
  BOOST_REQUIRE(site.wait_for_store(store_kind::redis)); // Where that is slow, it begins in its journal.
}

// The transactions in the daemon's lines about `what`.
std::set<std::string> named_in_log(observatory& site, const std::string& what) {
  constexpr std::size_t uuid_length = 36;
  std::set<std::string> out;
  std::istringstream log{site.daemon_log()};
  for (std::string line; std::getline(log, line);) {
    std::istringstream words{line};
    bool is_about = false;
    for (std::string word; words >> word;) {
      is_about = is_about || word.starts_with(what);
      word = word.substr(0, uuid_length);
      if (is_about && word.size() == uuid_length && std::count(word.begin(), word.end(), '-') == 4)
        out.insert(word);
    }
  }
  return out;
}

std::string count(observatory& site, const std::string& table) {
  return sql(site.box().direct_dsn(), "SELECT count(*) FROM " + table);
}

// Everything has arrived, the link is cut, the daemon is killed, and Redis is emptied.
struct emptied_redis {
  observatory site{{"--rtt", "20"}};
  load before;
  std::unique_ptr<load> after;

  emptied_redis() : before{started(site), 2} {
    BOOST_REQUIRE(before.wait_for(50));
    before.stop();
    BOOST_REQUIRE(site.wait_until_replicated());
    site.box().cut();
    site.kill();
    redis(site, "flushall");
  }

  /// A new daemon takes submissions, the link is healed, and they arrive.
  void go_on() {
    site.start();
    after = std::make_unique<load>(site, 2);
    BOOST_REQUIRE(after->wait_for(100));
    after->stop();
    site.box().heal();
    BOOST_TEST(site.wait_until_replicated(), site.daemon_log());
  }

  static observatory& started(observatory& which) {
    start(which);
    return which;
  }
};

} // namespace

// Letters are kept in Redis: without it nobody can say how what stands there has ended.
BOOST_AUTO_TEST_CASE(a_dead_letter_is_none_that_has_arrived_while_redis_is_away) {
  observatory site{{"--rtt", "20"}};
  start(site);
  const auto bad = site.keep(R"({"id":")" + random_id() +
                             R"(","steps":[{"op":"insert","table":"no_such_table","rows":[{"id":1}]}]})");
  const await arrival{condition::transaction, bad.id, stage::replicated, long_enough};
  const auto end_of = [&] { return site.ask<reached>(arrival, long_enough * 2); };
  // Never anything else, and in the end an answer: where Redis is slow for a moment, it is away.
  const auto is_told = [&] {
    const auto end = end_of();
    const auto* there = std::get_if<reached>(&end);
    BOOST_TEST((there == nullptr || there->stage == stage::rejected));
    return there != nullptr;
  };
  BOOST_REQUIRE(wait_until(is_told));
  BOOST_TEST(wait_until([&] {
    const auto told = site.ask<life>(find{bad.id});
    const auto* known = std::get_if<life>(&told);
    BOOST_TEST((known == nullptr || known->error.code == fault_code::rejected));
    return known != nullptr;
  }));
  // Also: the letter is kept.
  BOOST_REQUIRE(site.wait_until_released());

  site.box().kill("redis");
  // While no store has the log yet, on a slow machine, that is what is said.
  BOOST_TEST(wait_until([&] {
    const auto without = end_of();
    BOOST_REQUIRE(std::holds_alternative<refusal>(without));
    const auto& why = std::get<refusal>(without).why;
    BOOST_TEST((why.code == fault_code::unavailable || why.code == fault_code::store_unavailable),
               why.message);
    return why.code == fault_code::unavailable;
  }));
  BOOST_TEST(std::holds_alternative<refusal>(site.ask<life>(find{bad.id})));
  BOOST_TEST((site.keep(probe_insert(random_id(), 100, 0)).store == store_kind::journal));

  site.box().start("redis");
  BOOST_REQUIRE(site.wait_for_store(store_kind::redis));
  BOOST_REQUIRE(wait_until(is_told));
}

BOOST_AUTO_TEST_CASE(a_redis_that_hangs_under_load_is_followed_by_the_journal_and_nothing_is_lost) {
  observatory site{{"--rtt", "20"}};
  start(site);
  load work{site, 4};
  BOOST_REQUIRE(work.wait_for(100));
  site.box().stop("redis");
  BOOST_REQUIRE(site.wait_for_store(store_kind::journal));
  const auto one = site.keep(probe_insert(random_id(), 100, 0));
  BOOST_TEST((one.store == store_kind::journal));
  BOOST_TEST((one.durability == durability::fsynced));
  BOOST_REQUIRE(work.wait_for(500));
  site.box().cont("redis");
  BOOST_TEST(site.wait_for_store(store_kind::redis), site.daemon_log());
  BOOST_REQUIRE(work.wait_for(100));
  work.stop();
  BOOST_TEST(site.wait_until_replicated(), site.daemon_log());
  auto receipts = work.receipts();
  receipts.emplace(to_string(one.id), one);
  BOOST_TEST(account(site, site.box().direct_dsn(), receipts) == "");
}

BOOST_AUTO_TEST_CASE(redis_and_the_daemon_are_killed_in_turn_and_nothing_is_lost) {
  observatory site{{"--rtt", "20"}};
  start(site);
  load work{site, 4};
  for (int round = 0; round < 4; ++round) {
    BOOST_REQUIRE(work.wait_for(100));
    site.box().kill("redis");
    BOOST_REQUIRE(work.wait_for(100)); // Into the journal.
    site.kill();
    if (round % 2 == 0)
      site.box().start("redis");
    site.start();
    BOOST_REQUIRE(work.wait_for(100));
    if (round % 2 == 1)
      site.box().start("redis");
  }
  work.stop();
  BOOST_TEST(site.wait_for_store(store_kind::redis), site.daemon_log());
  BOOST_TEST(site.wait_until_replicated(), site.daemon_log());
  BOOST_TEST(account(site.box().direct_dsn(), work.receipts(), final_numbers::none) == "");
}

BOOST_AUTO_TEST_CASE(a_full_redis_is_followed_by_the_journal_until_it_has_room) {
  observatory site{{"--rtt", "20"}};
  start(site);
  redis(site, "config set maxmemory 1");
  BOOST_TEST((site.keep(probe_insert(random_id(), 0, 0)).store == store_kind::journal));
  BOOST_TEST((site.keep(probe_insert(random_id(), 0, 1)).store == store_kind::journal));
  redis(site, "config set maxmemory 0");
  BOOST_TEST(site.wait_for_store(store_kind::redis), site.daemon_log());
  int kept = 2;
  BOOST_TEST(wait_until([&] { // The journal has the log again wherever the machine is slow for a moment.
    return site.keep(probe_insert(random_id(), 0, kept++)).store == store_kind::redis;
  }));
  BOOST_TEST(site.wait_until_replicated());
  BOOST_TEST(count(site, "probe") == std::to_string(kept));
}

BOOST_AUTO_TEST_CASE(started_without_redis_the_journal_takes_what_comes_and_it_follows_what_redis_had) {
  observatory site{{"--rtt", "20"}};
  start(site);
  site.box().cut();
  load work{site, 2};
  BOOST_REQUIRE(work.wait_for(50));
  work.stop();
  site.box().kill("redis");
  site.kill();
  site.start();
  BOOST_REQUIRE(site.wait_for_store(store_kind::journal));
  const auto late = site.keep(probe_insert(random_id(), 7, 0));
  BOOST_TEST((late.store == store_kind::journal));
  site.box().heal();
  site.box().start("redis");
  BOOST_TEST(site.wait_for_store(store_kind::redis), site.daemon_log());
  BOOST_TEST(site.wait_until_replicated(), site.daemon_log());
  BOOST_TEST(account(site.box().direct_dsn(), work.receipts()) == "");
  BOOST_TEST(sql(site.box().direct_dsn(), "SELECT arrival FROM probe ORDER BY arrival DESC LIMIT 1") ==
             sql(site.box().direct_dsn(), "SELECT arrival FROM probe WHERE origin = 7"));
}

BOOST_AUTO_TEST_CASE(what_an_emptied_redis_lost_is_named_and_what_comes_after_it_arrives) {
  observatory site{{"--rtt", "20"}};
  start(site);
  site.keep(probe_insert(random_id(), 0, 0));
  BOOST_REQUIRE(site.wait_until_replicated());
  site.box().cut();
  BOOST_REQUIRE(site.wait_for([](const auto& s) { return s.link.phase == link_phase::backing_off; }));
  load before{site, 32};
  BOOST_REQUIRE(before.wait_for(10'000, 300s));
  before.stop();
  redis(site, "flushall");
  load after{site, 2};
  BOOST_REQUIRE(after.wait_for(50));
  after.stop();
  site.box().heal();
  BOOST_TEST(site.wait_until_replicated(), site.daemon_log());
  BOOST_TEST(account(site.box().direct_dsn(), after.receipts()) == "");
  // What the journal had taken meanwhile, on a machine with slow moments, was not lost.
  database primary{site.box().direct_dsn()};
  std::set<std::string> arrived;
  for (const auto& row : primary.rows("SELECT id FROM probe"))
    arrived.insert(row[0]);
  std::set<std::string> named;
  for (const auto& row : primary.rows("SELECT txn_id FROM chasqui.missing"))
    named.insert(row[0]);
  std::set<std::string> lost;
  for (const auto& [id, proof] : before.receipts())
    if (!arrived.contains(id))
      lost.insert(id);
  BOOST_TEST(!lost.empty());
  BOOST_TEST((named == lost));
  BOOST_TEST(wait_until([&] { return named_in_log(site, "missing") == lost; }));
  const auto status = site.status();
  BOOST_REQUIRE(status.has_value());
  BOOST_TEST(status->log.missing == lost.size());
}

BOOST_FIXTURE_TEST_CASE(an_emptied_redis_and_a_new_daemon_give_no_number_twice, emptied_redis) {
  go_on();
  auto receipts = before.receipts();
  receipts.merge(after->receipts());
  BOOST_TEST(account(site, site.box().direct_dsn(), receipts) == "");
  BOOST_TEST(count(site, "chasqui.missing") == "0");
}

BOOST_FIXTURE_TEST_CASE(a_log_that_was_lost_with_its_journal_is_numbered_anew, emptied_redis) {
  std::filesystem::remove_all(site.box().dir() + "/journal");
  go_on(); // Under numbers that the primary has applied.
  auto receipts = before.receipts();
  receipts.merge(after->receipts());
  const auto wrong = [&] { return account(site.box().direct_dsn(), receipts, final_numbers::none); };
  BOOST_TEST(wait_until([&] { return wrong().empty(); }), wrong());
}

BOOST_AUTO_TEST_CASE(without_any_redis_the_journal_is_the_store) {
  observatory site{{"--rtt", "20", "--store", "journal"}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  load work{site, 4};
  for (int round = 0; round < 3; ++round) {
    BOOST_REQUIRE(work.wait_for(100));
    site.kill();
    site.start();
  }
  BOOST_REQUIRE(work.wait_for(100));
  work.stop();
  BOOST_TEST(site.wait_until_replicated(), site.daemon_log());
  BOOST_TEST(account(site.box().direct_dsn(), work.receipts()) == "");
  BOOST_TEST(site.wait_until_released());
}
