// A Redis that is there, and not as it should be: the journal goes on, receipts say what is true, and all
// arrives.

#include <boost/test/unit_test.hpp>

#include "tests/support/child_process.hpp"
#include "tests/support/observatory.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <iterator>
#include <mutex>
#include <thread>
#include <vector>

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

/// An observatory under load, and its Redis.
struct busy_site {
  // Who waited for Redis would wait for longer than any slow machine lets them; the journal takes over as
  // soon as ever.
  observatory site{{"--rtt", "20"}, {"redis.timeout_ms=60000", "buffer.submit_deadline_ms=5000"}};
  std::unique_ptr<load> work;

  busy_site() {
    site.start();
    BOOST_REQUIRE(site.wait_for_store(store_kind::redis));
    work = std::make_unique<load>(site, 4);
    BOOST_REQUIRE(work->wait_for(200));
  }

  [[nodiscard]] std::vector<std::string> command(const std::vector<std::string>& words) {
    std::vector<std::string> all{"redis-cli", "-s", site.box().redis_socket()};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }

  /// What Redis answers.
  std::string redis(const std::vector<std::string>& words) {
    const auto file = site.box().dir() + "/redis-cli.out";
    { std::ofstream{file}; }
    child_process client{command(words), {file, ""}};
    BOOST_REQUIRE(client.wait(in(long_enough)).has_value());
    std::ifstream said{file};
    return {std::istreambuf_iterator<char>{said}, {}};
  }

  receipt keep() {
    more.push_back(site.keep(probe_insert(random_id(), 100, 0)));
    return more.back();
  }

  /// The journal has taken over, for the reason that stands in the daemon's log, and goes on alone.
  void check_the_journal_goes_on(const std::string& because) {
    BOOST_REQUIRE_MESSAGE(site.wait_for_store(store_kind::journal), site.daemon_log());
    const auto one = keep();
    BOOST_TEST((one.store == store_kind::journal));
    BOOST_TEST((one.durability == durability::fsynced));
    BOOST_TEST(work->wait_for(200));
    BOOST_TEST(wait_until([&] { return site.daemon_log().find(because) != std::string::npos; }),
               site.daemon_log());
  }

  /// Redis was put right.
  void check_all_arrives() {
    BOOST_REQUIRE_MESSAGE(site.wait_for_store(store_kind::redis), site.daemon_log());
    BOOST_TEST(work->wait_for(100));
    work->stop();
    BOOST_TEST(site.wait_until_replicated(), site.daemon_log());
    auto receipts = work->receipts();
    for (const auto& r : more)
      receipts.emplace(to_string(r.id), r);
    BOOST_TEST(account(site, site.box().direct_dsn(), receipts) == "");
    BOOST_TEST(account(site, site.box().replica_dsn(), receipts) == "");
    BOOST_TEST(sql(site.box().direct_dsn(), "SELECT count(*) FROM chasqui.missing") == "0");
  }

  std::vector<receipt> more;
};

/// What control processes see that do nothing but submit: what they were answered, and how soon.
struct watched_answers {
  struct one {
    std::string id;
    time_point asked;
    time_point answered;
    std::variant<receipt, refusal> said;
  };
  std::mutex mutex;
  std::vector<one> all;
  std::atomic<std::size_t> count = 0;
  std::vector<std::jthread> threads;

  watched_answers(observatory& site, int callers) {
    for (int caller = 0; caller < callers; ++caller)
      threads.emplace_back([this, &site, caller](const std::stop_token& stop) {
        for (int number = 0; !stop.stop_requested(); ++number) {
          const auto id = random_id();
          const auto json = probe_insert(id, 50 + caller, number);
          const auto asked = std::chrono::steady_clock::now();
          auto said = site.submit(json);
          const auto answered = std::chrono::steady_clock::now();
          const std::lock_guard lock{mutex};
          all.push_back({id, asked, answered, std::move(said)});
          ++count;
        }
      });
  }
  bool wait_for(std::size_t more) {
    const auto wanted = count + more;
    return wait_until([&] { return count >= wanted; });
  }
  void stop() { threads.clear(); }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_redis_that_is_made_a_replica_under_load_is_followed_by_the_journal, busy_site) {
  redis({"REPLICAOF", "127.0.0.1", "1"});
  check_the_journal_goes_on("is a replica of another Redis");
  redis({"REPLICAOF", "NO", "ONE"});
  check_all_arrives();
}

BOOST_FIXTURE_TEST_CASE(a_redis_that_wants_a_password_we_lack_is_followed_by_the_journal, busy_site) {
  redis({"CONFIG", "SET", "requirepass", "another"});
  redis({"-a", "another", "CLIENT", "KILL", "TYPE", "normal"}); // Who is in stays in.
  check_the_journal_goes_on("wants a password");
  redis({"-a", "another", "CONFIG", "SET", "requirepass", ""});
  check_all_arrives();
}

BOOST_FIXTURE_TEST_CASE(a_redis_that_forbids_its_scripts_is_followed_by_the_journal, busy_site) {
  redis({"ACL", "SETUSER", "default", "-eval"});
  check_the_journal_goes_on("does not allow this user");
  redis({"ACL", "SETUSER", "default", "+eval"});
  check_all_arrives();
}

BOOST_FIXTURE_TEST_CASE(a_redis_busy_with_a_script_that_does_not_end_is_followed_by_the_journal, busy_site) {
  redis({"CONFIG", "SET", "busy-reply-threshold", "10"});
  const child_process endless{command({"EVAL", "while true do end", "0"})};
  BOOST_REQUIRE(wait_until([&] { return redis({"PING"}).starts_with("BUSY"); }));
  check_the_journal_goes_on("is busy with a script");
  BOOST_REQUIRE(wait_until([&] { return redis({"SCRIPT", "KILL"}).starts_with("OK"); }));
  check_all_arrives();
}

BOOST_FIXTURE_TEST_CASE(a_redis_that_loads_its_data_again_is_followed_by_the_journal, busy_site) {
  BOOST_REQUIRE(work->wait_for(2000));
  redis({"CONFIG", "SET", "key-load-delay", "3000"}); // Microseconds a key: it takes long.
  const child_process loading{command({"DEBUG", "LOADAOF"})};
  BOOST_REQUIRE(wait_until([&] { return redis({"PING"}).starts_with("LOADING"); }));
  // It is told so between two looks of Redis at its clients, or finds it silent before.
  BOOST_REQUIRE_MESSAGE(site.wait_for_store(store_kind::journal), site.daemon_log());
  BOOST_TEST((keep().store == store_kind::journal));
  redis({"CONFIG", "SET", "key-load-delay", "0"});
  check_all_arrives();
}

BOOST_FIXTURE_TEST_CASE(a_redis_that_forgets_its_scripts_under_load_is_not_noticed, busy_site) {
  for (int round = 0; round < 20; ++round) {
    redis({"SCRIPT", "FLUSH"});
    BOOST_REQUIRE(work->wait_for(20));
  }
  check_all_arrives();
}

BOOST_FIXTURE_TEST_CASE(no_receipt_says_fsynced_of_a_redis_whose_file_was_switched_off_under_load,
                        busy_site) {
  const auto check_honest = [this](const std::string& setting) {
    for (int i = 0; i < 50; ++i) {
      const auto one = keep();
      BOOST_REQUIRE_MESSAGE(one.store == store_kind::journal || one.durability == durability::buffered,
                            "says fsynced with " << setting);
    }
    BOOST_REQUIRE_MESSAGE(wait_until([&] { return site.daemon_log().find(setting) != std::string::npos; }),
                          setting << " is not in the log: " << site.daemon_log());
  };
  redis({"CONFIG", "SET", "appendfsync", "everysec"});
  check_honest("appendfsync=everysec");
  redis({"CONFIG", "SET", "appendonly", "no"});
  check_honest("appendonly=no");
  redis({"CONFIG", "SET", "appendonly", "yes"});
  redis({"CONFIG", "SET", "appendfsync", "always"});
  BOOST_TEST(wait_until([&] {
    const auto one = keep();
    return one.store == store_kind::redis && one.durability == durability::fsynced;
  }));
  check_all_arrives();
}

BOOST_FIXTURE_TEST_CASE(a_redis_that_is_told_to_evict_is_named, busy_site) {
  redis({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
  const std::string drift = "maxmemory-policy=allkeys-lru";
  BOOST_TEST(wait_until([&] { return site.daemon_log().find(drift) != std::string::npos; }),
             site.daemon_log());
  redis({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  check_all_arrives();
}

BOOST_FIXTURE_TEST_CASE(while_redis_is_frozen_every_submission_is_answered_in_time_by_the_journal,
                        busy_site) {
  // The deadline is the daemon's promise; the rest is the way there and back, on a machine that may be busy.
  constexpr auto promised = 5s;
  constexpr auto margin = 10s;
  watched_answers callers{site, 8};
  BOOST_REQUIRE(callers.wait_for(200));
  BOOST_REQUIRE(site.wait_for_store(store_kind::redis));
  const auto before = std::chrono::steady_clock::now(); // The takeover counts, too.
  site.box().stop("redis");
  const auto frozen = std::chrono::steady_clock::now();
  BOOST_REQUIRE(callers.wait_for(2000));
  const auto thawed = std::chrono::steady_clock::now();
  site.box().cont("redis");
  BOOST_REQUIRE(callers.wait_for(200));
  callers.stop();
  std::vector<std::chrono::duration<double, std::milli>> took;
  std::size_t delayed = 0; // If the daemon itself stood still, it hears Redis first.
  for (const auto& a : callers.all) {
    if (const auto* proof = std::get_if<receipt>(&a.said))
      more.push_back(*proof);
    if (a.asked < before || a.answered > thawed)
      continue;
    took.emplace_back(a.answered - a.asked);
    const auto* why = std::get_if<refusal>(&a.said);
    delayed += why == nullptr ? 0 : 1;
    BOOST_REQUIRE_MESSAGE(why == nullptr || why->why.code == fault_code::outcome_unknown ||
                              why->why.code == fault_code::store_unavailable,
                          why->why.message);
    if (why == nullptr && a.asked >= frozen)
      BOOST_REQUIRE((std::get<receipt>(a.said).store == store_kind::journal));
    BOOST_TEST((a.answered - a.asked <= promised + margin), a.id);
  }
  BOOST_REQUIRE(took.size() > 1000U);
  BOOST_TEST(delayed * 100 <= took.size());
  std::sort(took.begin(), took.end());
  BOOST_TEST_MESSAGE("Redis frozen: " << took.size() << " submissions, p50 " << took[took.size() / 2].count()
                                      << " ms, p99 " << took[took.size() * 99 / 100].count()
                                      << " ms, slowest " << took.back().count() << " ms");
  check_all_arrives();
}
