#include <boost/test/unit_test.hpp>

#include "adapters/redis.hpp"
#include "tests/support/log_client.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/wait_until.hpp"

#include <filesystem>
#include <fstream>

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 500ms; ///< With a Redis that hangs; one that works may be slow on a busy machine.
constexpr auto soon = patience * 60;

redis_settings at_socket(const std::string& path, std::chrono::milliseconds timeout = long_enough) {
  redis_settings settings;
  settings.socket = path;
  settings.timeout = timeout;
  return settings;
}

struct site {
  redis_server redis;
  io_thread io;
  log_client log;

  explicit site(redis_server::settings overrides = {}, std::chrono::milliseconds timeout = long_enough)
      : redis{std::move(overrides)}, log{make_redis_log(io, "atacama", at_socket(redis.socket(), timeout))} {}

  /// Takes as long as Redis needs to come back, and to answer what is asked behind the opening.
  log_opened reopen() {
    log_opened opened;
    BOOST_REQUIRE(wait_until([&] { return !(opened = log.open()).problem && !log.read(1).problem; }));
    return opened;
  }

  /// Keeps it, if need be under its id once more: a Redis that is slow for a moment is given up, too.
  append_result keep(const append_item& item) {
    append_result kept;
    wait_until([&] {
      kept = log.append({item});
      if (kept.problem)
        reopen();
      return !kept.problem;
    });
    return kept;
  }
};

template <class Call> std::chrono::milliseconds duration_of(Call call) {
  const auto begin = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
}

bool says(const fault& problem, const std::string& what) {
  return problem.message.find(what) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_flushed_always_is_promised_as_fsynced) {
  site s;
  const auto opened = s.log.open();
  BOOST_CHECK(opened.durability == durability::fsynced);
  BOOST_TEST(opened.drift.empty());
  BOOST_CHECK(opened.kind == store_kind::redis);
}

BOOST_AUTO_TEST_CASE(settings_that_promise_less_are_reported_one_by_one) {
  site s{{{"appendfsync", "everysec"}, {"maxmemory-policy", "allkeys-lru"}}};
  const auto opened = s.log.open();
  BOOST_CHECK(opened.durability == durability::buffered);
  BOOST_REQUIRE_EQUAL(opened.drift.size(), 2U);
  BOOST_TEST(opened.drift[0] == "Redis at unix:" + s.redis.socket() +
                                    " has appendfsync=everysec: receipts will say 'buffered'. Set "
                                    "appendfsync=always for 'fsynced'.");
  BOOST_TEST(opened.drift[1].find("maxmemory-policy=allkeys-lru") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_redis_that_writes_no_file_or_pauses_its_flushes_is_not_believed) {
  site s;
  s.redis.command({"CONFIG", "SET", "no-appendfsync-on-rewrite", "yes"});
  BOOST_CHECK(s.log.open().durability == durability::buffered);
  s.redis.command({"CONFIG", "SET", "no-appendfsync-on-rewrite", "no", "appendonly", "no"});
  const auto opened = s.log.open();
  BOOST_CHECK(opened.durability == durability::buffered);
  BOOST_REQUIRE_EQUAL(opened.drift.size(), 1U);
  BOOST_TEST(opened.drift[0].find("appendonly=no") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_redis_that_hides_its_settings_gets_no_credit) {
  site s;
  s.redis.command({"ACL", "SETUSER", "default", "-config"});
  const auto opened = s.log.open();
  BOOST_TEST(opened.problem.message == "");
  BOOST_CHECK(opened.durability == durability::buffered);
  BOOST_REQUIRE_EQUAL(opened.drift.size(), 1U);
  BOOST_TEST(opened.drift[0].find("does not tell its settings") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_password_is_given_and_its_absence_explained) {
  site s;
  s.redis.command({"CONFIG", "SET", "requirepass", "quipu"});
  const auto refused = s.log.open().problem;
  BOOST_CHECK(refused.code == fault_code::store_unavailable);
  BOOST_TEST(says(refused, "wants a password"));
  auto settings = at_socket(s.redis.socket());
  settings.password = "wrong";
  BOOST_TEST(says(log_client{make_redis_log(s.io, "atacama", settings)}.open().problem, "does not take"));
  settings.password = "quipu";
  log_client log{make_redis_log(s.io, "atacama", settings)};
  BOOST_TEST(log.open().problem.message == "");
}

BOOST_AUTO_TEST_CASE(a_redis_is_reached_by_name_and_by_address_over_tcp) {
  site s;
  s.redis.command({"CONFIG", "SET", "bind", "127.0.0.1"});
  // Redis cannot say which port it was given, so one is tried after the other.
  std::uint16_t port = 20'000;
  while (s.redis.command({"CONFIG", "SET", "port", std::to_string(port)}) != "OK")
    ++port;
  for (const std::string host : {"127.0.0.1", "localhost"}) {
    redis_settings settings;
    settings.host = host;
    settings.port = port;
    log_client log{make_redis_log(s.io, "atacama", settings)};
    BOOST_TEST(log.open().problem.message == "");
    BOOST_TEST(log.append({test_item(1)}).slots.size() == 1U);
  }
  redis_settings nowhere;
  nowhere.host = "no-such-host.invalid";
  const auto refused = log_client{make_redis_log(s.io, "atacama", nowhere)}.open().problem;
  BOOST_CHECK(refused.code == fault_code::store_unavailable);
}

BOOST_AUTO_TEST_CASE(a_full_redis_refuses_a_batch_whole_and_still_reads_and_trims) {
  site s;
  s.log.open();
  s.log.append(test_items(1, 500, 700));
  s.redis.command({"CONFIG", "SET", "maxmemory", s.redis.info("used_memory")});
  const auto before = s.redis.info("aof_current_size");
  const auto refused = s.log.append(test_items(501, 1000, 700)).problem;
  BOOST_CHECK(refused.code == fault_code::store_full);
  BOOST_TEST(says(refused, "maxmemory"));
  BOOST_TEST(s.redis.info("aof_current_size") == before);
  BOOST_CHECK(s.log.find(test_id(501)).problem.code == fault_code::not_found);
  BOOST_TEST(s.log.read(1).entries.size() == 500U);
  BOOST_TEST(s.log.bury({"main", 3, test_id(3), "23505", "twice", test_time(9)}).message == "");
  BOOST_TEST(s.log.open().problem.message == "");
  BOOST_TEST(s.log.mark({"main", 1, 500, 500, 500, 500, {}}, 499).message == "");
  BOOST_TEST(s.log.append(test_items(501, 510, 700)).slots.size() == 10U);
}

BOOST_AUTO_TEST_CASE(a_batch_that_outgrows_the_memory_on_its_way_is_kept_whole_or_not_at_all) {
  site s;
  s.log.open();
  bool refused = false;
  for (std::uint64_t batch = 0; batch < 40 && !refused; ++batch) {
    const auto limit = std::stoull(s.redis.info("used_memory")) + 20'000 * (batch + 1);
    s.redis.command({"CONFIG", "SET", "maxmemory", std::to_string(limit)});
    const auto kept = s.log.append(test_items(batch * 100 + 1, batch * 100 + 100, 700));
    s.redis.command({"CONFIG", "SET", "maxmemory", "0"});
    refused = refused || kept.problem.code == fault_code::store_full;
    const auto in_log = s.log.read(1, 10'000).entries.size();
    BOOST_REQUIRE_EQUAL(in_log % 100, 0U);
    BOOST_REQUIRE_EQUAL(s.log.open().lanes.at(0).head, in_log);
    s.redis.command({"FLUSHALL"});
    s.log.open();
  }
}

BOOST_AUTO_TEST_CASE(all_that_was_acknowledged_is_there_after_a_kill) {
  site s;
  std::vector<append_slot> acknowledged;
  auto epoch = s.log.open().epoch;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::future<append_result>> answers;
    for (std::uint64_t i = 0; i < 300; ++i)
      answers.push_back(s.log.begin_append({test_item(static_cast<std::uint64_t>(round) * 1000 + i)}));
    BOOST_REQUIRE(!get(answers[100]).problem);
    answers.erase(answers.begin() + 100);
    s.redis.kill();
    std::size_t lost = 0;
    for (auto& answer : answers) {
      const auto result = get(answer);
      BOOST_TEST((!result.problem || result.problem.code == fault_code::outcome_unknown ||
                  result.problem.code == fault_code::store_unavailable));
      lost += result.problem ? 1 : 0;
      acknowledged.insert(acknowledged.end(), result.slots.begin(), result.slots.end());
    }
    BOOST_TEST_MESSAGE(lost << " appends were cut off");
    s.redis.start();
    const auto opened = s.reopen();
    BOOST_TEST(opened.epoch > epoch);
    epoch = opened.epoch;
    const auto slice = s.log.read(1, 10'000);
    BOOST_REQUIRE_EQUAL(slice.entries.size(), opened.lanes.at(0).head);
    for (const auto& slot : acknowledged)
      BOOST_REQUIRE(slice.entries.at(slot.seq - 1).at == slot.at);
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_outcome_is_settled_by_the_same_id) {
  site s{{}, patience};
  s.reopen();
  s.redis.stop();
  auto pending = s.log.begin_append({test_item(1)});
  const auto unknown = get(pending).problem;
  BOOST_CHECK(unknown.code == fault_code::outcome_unknown);
  BOOST_TEST(says(unknown, "no answer for 500 ms"));
  s.redis.cont();
  s.reopen();
  const auto settled = s.keep(test_item(1));
  BOOST_REQUIRE_EQUAL(settled.slots.size(), 1U);
  BOOST_TEST(settled.slots[0].seq == 1U);
  BOOST_TEST(s.reopen().lanes.at(0).head == 1U);
}

BOOST_AUTO_TEST_CASE(a_redis_that_hangs_is_given_up_in_time_and_taken_again_later) {
  site s{{}, patience};
  s.reopen();
  s.redis.stop();
  fault problem;
  BOOST_TEST((duration_of([&] { problem = s.log.append({test_item(1)}).problem; }) < soon));
  BOOST_CHECK(problem.code == fault_code::outcome_unknown);
  // It is not asked again.
  for (const auto& next : {s.log.append({test_item(2)}).problem, s.log.read(1).problem}) {
    BOOST_CHECK(next.code == fault_code::store_unavailable);
    BOOST_TEST(says(next, "is not open"));
  }
  // It still accepts connections, as the kernel does that.
  BOOST_TEST((duration_of([&] { problem = s.log.open().problem; }) < soon));
  BOOST_CHECK(problem.code == fault_code::store_unavailable);
  s.redis.cont();
  BOOST_TEST(s.reopen().problem.message == "");
  BOOST_TEST(s.keep(test_item(3)).slots.size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_idle_connection_outlives_the_timeout) {
  constexpr auto timeout = 4s;
  site s{{}, timeout};
  s.reopen();
  const auto end = in(timeout * 2);
  wait_until([&] { return std::chrono::steady_clock::now() >= end; }, end + 1s);
  BOOST_TEST(s.log.append({test_item(1)}).slots.size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_absent_redis_is_reported_at_once_and_taken_when_it_comes) {
  site s;
  s.redis.kill();
  log_opened opened;
  BOOST_TEST((duration_of([&] { opened = s.log.open(); }) < soon));
  BOOST_CHECK(opened.problem.code == fault_code::store_unavailable);
  BOOST_TEST(says(opened.problem, "unix:" + s.redis.socket()));
  BOOST_CHECK(s.log.append({test_item(1)}).problem.code == fault_code::store_unavailable);
  s.redis.start();
  BOOST_TEST(s.reopen().problem.message == "");
}

BOOST_AUTO_TEST_CASE(a_redis_that_dies_between_two_calls_was_not_asked) {
  site s;
  s.log.open();
  s.redis.kill();
  // The end of the connection is noticed without a call; from then on nothing is sent.
  BOOST_TEST(wait_until([&] { return s.log.read(1).problem.code == fault_code::store_unavailable; }));
  BOOST_CHECK(s.log.append({test_item(1)}).problem.code == fault_code::store_unavailable);
}

BOOST_AUTO_TEST_CASE(a_log_that_was_never_opened_says_so) {
  site s;
  const auto problem = s.log.read(1).problem;
  BOOST_CHECK(problem.code == fault_code::store_unavailable);
  BOOST_TEST(says(problem, "not opened yet"));
}

BOOST_AUTO_TEST_CASE(a_wiped_redis_gets_a_larger_epoch) {
  site s;
  const auto before = s.log.open().epoch;
  s.log.append({test_item(1)});
  s.redis.wipe();
  const auto after = s.reopen();
  BOOST_TEST(after.epoch > before);
  BOOST_TEST(after.lanes.at(0).head == 0U);
}

BOOST_AUTO_TEST_CASE(a_redis_wiped_under_us_is_not_written_to_before_it_is_claimed_again) {
  site s;
  s.log.open();
  s.log.append({test_item(1)});
  s.redis.command({"FLUSHALL"});
  const auto problem = s.log.append({test_item(2)}).problem;
  BOOST_CHECK(problem.code == fault_code::store_unavailable);
  BOOST_TEST(says(problem, "lost this runtime's claim"));
  BOOST_TEST(s.redis.command({"DBSIZE"}) == "0");
  BOOST_TEST(says(s.log.read(1).problem, "is not open"));
  BOOST_TEST(s.reopen().lanes.at(0).head == 0U);
}

BOOST_AUTO_TEST_CASE(forgotten_scripts_and_killed_clients_do_no_harm) {
  site s;
  s.log.open();
  s.redis.command({"SCRIPT", "FLUSH"});
  BOOST_TEST(s.log.append({test_item(1)}).slots.size() == 1U);
  s.redis.command({"CLIENT", "KILL", "TYPE", "normal"});
  BOOST_CHECK(wait_until([&] { return s.log.read(1).problem.code == fault_code::store_unavailable; }));
  BOOST_TEST(s.reopen().lanes.at(0).head == 1U);
}

BOOST_AUTO_TEST_CASE(a_replica_is_not_taken_for_a_store) {
  site s;
  s.log.open();
  s.redis.command({"REPLICAOF", "127.0.0.1", "1"});
  const auto problem = s.log.append({test_item(1)}).problem;
  BOOST_CHECK(problem.code == fault_code::store_unavailable);
  BOOST_TEST(says(problem, "is a replica"));
  BOOST_CHECK(s.log.open().problem.code == fault_code::store_unavailable);
}

BOOST_AUTO_TEST_CASE(a_redis_that_loads_its_data_is_tried_again_until_it_has_them) {
  site s{{{"enable-debug-command", "yes"}}};
  s.log.open();
  for (std::uint64_t batch = 0; batch < 6; ++batch)
    s.log.append(test_items(batch * 500 + 1, batch * 500 + 500));
  s.redis.command({"CONFIG", "SET", "key-load-delay", "3000"}); // Microseconds a key: it takes seconds.
  const child_process loading{{"redis-cli", "-s", s.redis.socket(), "DEBUG", "LOADAOF"}};
  fault problem;
  BOOST_TEST(wait_until([&] {
               problem = s.log.open().problem;
               return says(problem, "is still loading its data");
             }),
             problem.message);
  BOOST_CHECK(problem.code == fault_code::store_unavailable);
  s.redis.command({"CONFIG", "SET", "key-load-delay", "0"});
  BOOST_TEST(s.reopen().lanes.at(0).head == 3000U);
}

BOOST_AUTO_TEST_CASE(a_disk_that_takes_nothing_is_a_full_store) {
  site s{{{"appendonly", "no"}, {"save", "3600 1"}}};
  s.log.open();
  s.redis.command({"CONFIG", "SET", "dbfilename", "dump.rdb"});
  BOOST_TEST(s.log.append({test_item(1)}).slots.size() == 1U);
  // Redis runs as root in places where permissions stop nobody, but a directory is no file to anybody.
  const auto folder = s.redis.command({"CONFIG", "GET", "dir"}).substr(4);
  std::filesystem::create_directories(folder.substr(0, folder.find('\n')) + "/dump.rdb/in-the-way");
  s.redis.command({"BGSAVE"});
  BOOST_TEST(wait_until([&] { return s.redis.info("rdb_last_bgsave_status") == "err"; }));
  const auto problem = s.log.append({test_item(2)}).problem;
  BOOST_CHECK(problem.code == fault_code::store_full);
  BOOST_TEST(says(problem, "cannot write to its disk"));
  BOOST_TEST(s.log.read(1).entries.size() == 1U);
}

BOOST_AUTO_TEST_CASE(keys_of_somebody_else_under_our_names_are_a_fault_and_no_crash) {
  site s;
  s.redis.command({"SET", "chasqui:{atacama}:marks:main", "mine"});
  BOOST_CHECK(s.log.open().problem.code == fault_code::store_unavailable);
  s.redis.command({"DEL", "chasqui:{atacama}:marks:main"});
  s.redis.command({"XADD", "chasqui:{atacama}:log:main", "1-0", "foo", "bar"});
  BOOST_TEST(s.log.open().problem.message == "");
  BOOST_CHECK(s.log.read(1).problem.code == fault_code::store_unavailable);
  s.log.open();
  s.redis.command({"SET", "chasqui:{atacama}:log:bulk", "mine"});
  BOOST_CHECK(s.log.append({test_item(1, "bulk")}).problem.code == fault_code::outcome_unknown);
}

BOOST_AUTO_TEST_CASE(something_that_is_no_redis_is_refused) {
  temp_dir dir;
  io_thread io;
  { std::ofstream{dir.file("file")} << "no socket"; }
  log_client file{make_redis_log(io, "atacama", at_socket(dir.file("file")))};
  BOOST_CHECK(file.open().problem.code == fault_code::store_unavailable);
  log_client deep{make_redis_log(io, "atacama", at_socket(dir.file(std::string(200, 'x'))))};
  BOOST_TEST(says(deep.open().problem, "longer than a unix socket allows"));
}

BOOST_AUTO_TEST_CASE(opening_again_answers_what_was_under_way) {
  site s;
  s.log.open();
  s.redis.stop();
  auto read = s.log.begin_read({"main", 1, 10, 10});
  auto append = s.log.begin_append({test_item(1)});
  auto first = s.log.begin_open({"main"});
  auto second = s.log.begin_open({"main"});
  BOOST_CHECK(get(read).problem.code == fault_code::store_unavailable);
  BOOST_CHECK(get(append).problem.code == fault_code::outcome_unknown);
  BOOST_CHECK(get(first).problem.code == fault_code::store_unavailable);
  s.log.close();
  BOOST_CHECK(get(second).problem.code == fault_code::store_unavailable);
  BOOST_CHECK(s.log.read(1).problem.code == fault_code::store_unavailable);
  s.redis.cont();
  BOOST_TEST(s.reopen().problem.message == "");
}

BOOST_AUTO_TEST_CASE(a_log_may_be_destroyed_with_calls_under_way) {
  redis_server redis;
  std::future<append_result> append;
  {
    io_thread io;
    {
      log_client log{make_redis_log(io, "atacama", at_socket(redis.socket()))};
      log.open();
      redis.stop();
      append = log.begin_append({test_item(1)});
    }
    BOOST_CHECK(get(append).problem.code == fault_code::outcome_unknown);
    {
      log_client log{make_redis_log(io, "atacama", at_socket(redis.socket()))};
      auto opening = log.begin_open({"main"});
    }
    redis.cont();
    log_client abandoned{make_redis_log(io, "atacama", at_socket(redis.socket()))};
    abandoned.open();
    append = abandoned.begin_append({test_item(2)});
  }
}
