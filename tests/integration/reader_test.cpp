// What an observer sees of what was only just written, whatever the network does.

#include "runtime/runtime.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/observatory.hpp"
#include "tests/support/sandbox.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

constexpr auto read_deadline = 60s;
const std::string observation = "0197a4e2-0000-7000-8000-000000000001";

std::string transaction_of(const std::string& step) {
  return R"({"id":")" + random_id() + R"(","steps":[)" + step + "]}";
}

/// A runtime with its door open, in this process.
class site {
public:
  explicit site(const sandbox& box) : box_{box} { start(); }
  void start() {
    runtime_.reset();
    auto reading = read_settings_file(box_.settings_file(), {}, {});
    BOOST_REQUIRE(reading.errors.empty());
    reading.value.replica.timeout_ms = 60s; // Of a whole read: machines are slow, and sanitizers slower.
    runtime_ = std::make_unique<runtime>(reading.value);
    BOOST_REQUIRE(std::holds_alternative<reached>(runtime_->wait({condition::ready, {}, {}, long_enough})));
  }
  runtime& api() { return *runtime_; }

  bool submit(const std::string& step) { return keep(transaction_of(step)); }
  /// Submits as a control process has to: again, with the same id, while nobody can say whether it was kept.
  bool keep(const std::string& transaction) {
    return wait_until([&] { return std::holds_alternative<receipt>(runtime_->submit(transaction).get()); });
  }
  /// A read may be refused, be it because Redis was too slow for an append and the log is in two stores for a
  /// while: an answer must come in the end, and must be right.
  found_rows read(const read_rows& what) {
    outcome<found_rows> answer;
    const bool answered = wait_until([&] {
      answer = runtime_->read(what).get();
      return std::holds_alternative<found_rows>(answer);
    });
    if (!answered)
      throw std::runtime_error(std::get<fault>(answer).message);
    return std::get<found_rows>(std::move(answer));
  }

private:
  const sandbox& box_;
  std::unique_ptr<runtime> runtime_;
};

std::string console(const sandbox& box, std::vector<std::string> words) {
  const temp_dir dir;
  words.insert(words.begin(), {program("chasqui"), "--config", box.settings_file(), "-o", "ndjson"});
  words.insert(words.end(), {"--timeout", "60s"}); // Time for the replica, too.
  child_process run{words, {dir.file("out"), ""}};
  BOOST_TEST((run.wait(in(long_enough)) == 0));
  std::ostringstream text;
  text << std::ifstream{dir.file("out")}.rdbuf();
  return text.str();
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void observe(site& here) {
  BOOST_TEST(
      here.submit(R"({"op":"insert","table":"executed_obs_unit","rows":[{"id":")" + observation +
                  R"(","obs_unit_id":4711,"status":"running","start_time":"2026-11-22T00:10:00Z"}]})"));
  for (const std::string number : {"1", "2", "3"})
    BOOST_TEST(here.submit(
        R"({"op":"insert","table":"raw_data_file","rows":[{"id":"0197a4e2-0000-7000-8000-0000000000a)" +
        number + R"(","executed_obs_unit_id":")" + observation + R"(","name":"file )" + number + R"("}]})"));
  BOOST_TEST(here.submit(R"({"op":"update","table":"executed_obs_unit","where":{"id":")" + observation +
                         R"("},"set":{"status":"completed","end_time":"2026-11-22T00:20:00Z"}})"));
}

void check_observation(site& here, const sandbox& box, row_origin origin) {
  const auto unit =
      here.read({"executed_obs_unit", R"({"id":")" + observation + R"("})", {}, 10, read_deadline});
  BOOST_REQUIRE_EQUAL(unit.found.size(), 1U);
  BOOST_TEST(has(unit.found[0].json, R"("status":"completed")"), unit.found[0].json);
  BOOST_TEST((unit.found[0].origin == origin));
  BOOST_TEST(unit.found[0].transactions.size() == (origin == row_origin::pending ? 2U : 0U));
  const auto files = here.read({"raw_data_file",
                                R"({"executed_obs_unit_id":")" + observation + R"("})",
                                {{"name", true}},
                                2,
                                read_deadline});
  BOOST_REQUIRE_EQUAL(files.found.size(), 2U);
  BOOST_TEST(files.more);
  BOOST_TEST(has(files.found[0].json, "file 3"));
  BOOST_TEST(has(files.found[1].json, "file 2"));
  const auto seen = console(box, {"read", "executed_obs_unit", "--where", "id=" + observation});
  BOOST_TEST(has(seen, R"("status":"completed")"), seen);
  const auto listed =
      console(box, {"read", "raw_data_file", "--where", "executed_obs_unit_id=" + observation});
  BOOST_TEST(std::count(listed.begin(), listed.end(), '\n') == 3, listed);
}

unsigned long reads_wanted() {
  const char* text = std::getenv("READER_READS"); // NOLINT(concurrency-mt-unsafe): nobody sets it.
  return text == nullptr ? 1500 : std::stoul(text);
}

} // namespace

BOOST_AUTO_TEST_CASE(
    an_observation_made_in_an_outage_reads_as_completed_with_its_files_at_once_and_ever_after) {
  sandbox box{{"--rtt", "20"}};
  site here{box};
  box.cut();
  observe(here);
  check_observation(here, box, row_origin::pending);
  here.start(); // A restart in the middle.
  check_observation(here, box, row_origin::pending);
  box.kill("replica");
  const auto alone = here.read(
      {"raw_data_file", R"({"executed_obs_unit_id":")" + observation + R"("})", {}, 10, read_deadline});
  BOOST_TEST(alone.found.size() == 3U);
  BOOST_TEST(alone.replica != "");
  box.start("replica");
  box.heal();
  BOOST_REQUIRE(
      std::holds_alternative<reached>(here.api().wait({condition::replicated, {}, {}, long_enough})));
  check_observation(here, box, row_origin::replica);
}

namespace {

constexpr int devices = 150;

/// A table beside those of the night, on both servers.
void plant_devices(const sandbox& box) {
  sql(box.direct_dsn(),
      "CREATE TABLE device (id integer PRIMARY KEY, level integer, note text, twice integer "
      "GENERATED ALWAYS AS (2 * level) STORED); GRANT ALL ON device TO PUBLIC; "
      "INSERT INTO device SELECT id, 1, 'bad' FROM generate_series(1, 150) AS id");
  BOOST_REQUIRE(wait_until([&] {
    return sql(box.replica_dsn(), "SELECT to_regclass('device') IS NOT NULL") == "t" &&
           sql(box.replica_dsn(), "SELECT count(*) FROM device") == std::to_string(devices);
  }));
}

} // namespace

BOOST_AUTO_TEST_CASE(what_the_primary_generates_is_unknown_once_its_row_is_changed) {
  sandbox box{{"--rtt", "20"}};
  plant_devices(box);
  site here{box};
  box.cut();
  BOOST_TEST(here.submit(R"({"op":"update","table":"device","where":{"id":1},"set":{"level":5}})"));
  const auto changed = here.read({"device", R"({"id":1})", {}, 10, read_deadline});
  BOOST_REQUIRE_EQUAL(changed.found.size(), 1U);
  BOOST_TEST(changed.found[0].unknown == std::vector<std::string>{"twice"});
  BOOST_TEST(has(changed.found[0].json, R"("twice":null)"), changed.found[0].json);
  const auto other = here.read({"device", R"({"id":2})", {}, 10, read_deadline});
  BOOST_REQUIRE_EQUAL(other.found.size(), 1U);
  BOOST_TEST(has(other.found[0].json, R"("twice":2)"), other.found[0].json);
}

// PostgreSQL takes the JSON of an hstore for no hstore.
BOOST_AUTO_TEST_CASE(a_value_that_its_own_json_does_not_make_is_read_as_it_is) {
  sandbox box{{"--rtt", "20"}};
  plant_devices(box);
  sql(box.direct_dsn(), "CREATE EXTENSION hstore; ALTER TABLE device ADD place hstore DEFAULT 'dome=>2'");
  BOOST_REQUIRE(wait_until([&] {
    return sql(box.replica_dsn(), "SELECT count(*) FROM pg_attribute WHERE attrelid = "
                                  "'device'::regclass AND attname = 'place'") == "1";
  }));
  site here{box};
  box.cut();
  BOOST_TEST(here.submit(R"({"op":"update","table":"device","where":{"id":1},"set":{"level":5}})"));
  const auto changed = here.read({"device", R"({"id":1})", {}, 10, read_deadline});
  BOOST_REQUIRE_EQUAL(changed.found.size(), 1U);
  BOOST_TEST(has(changed.found[0].json, R"("level":5)"), changed.found[0].json);
  BOOST_TEST(has(changed.found[0].json, R"("place":{"dome": "2"})"), changed.found[0].json);
}

BOOST_AUTO_TEST_CASE(a_time_without_a_zone_reads_the_same_before_and_after_it_has_arrived) {
  sandbox box{{"--rtt", "20"}};
  sql(box.direct_dsn(), "ALTER SYSTEM SET timezone = 'Europe/Berlin'");
  sql(box.direct_dsn(), "ALTER SYSTEM SET datestyle = 'German, DMY'");
  sql(box.direct_dsn(), "SELECT pg_reload_conf()");
  BOOST_REQUIRE(wait_until([&] { return sql(box.direct_dsn(), "SHOW timezone") == "Europe/Berlin"; }));
  BOOST_REQUIRE_EQUAL(sql(box.replica_dsn(), "SHOW timezone"), "UTC");
  site here{box};
  box.cut();
  observe(here);
  const auto at = [](const char* column, const char* time) {
    return std::string{R"({"op":"update","table":"executed_obs_unit","where":{"id":")"} + observation +
           R"("},"set":{")" + column + R"(":")" + time + R"("}})";
  };
  BOOST_TEST(here.submit(at("start_time", "2026-07-01 12:00:00")));
  const auto look = [&] {
    const auto unit =
        here.read({"executed_obs_unit", R"({"start_time":"2026-07-01T12:00:00Z"})", {}, 10, read_deadline});
    return unit.found.size() == 1 ? unit.found[0].json : "";
  };
  const auto before = look();
  BOOST_TEST(has(before, R"("start_time":"2026-07-01T12:00:00+00:00")"), before);
  box.heal();
  BOOST_REQUIRE(
      std::holds_alternative<reached>(here.api().wait({condition::replicated, {}, {}, long_enough})));
  BOOST_TEST(look() == before);
}

// More records than a read may have rows: the replica is asked for each row once.
BOOST_AUTO_TEST_CASE(many_upserts_of_the_same_rows_find_every_one_of_them) {
  sandbox box{{"--rtt", "20"}};
  plant_devices(box);
  site here{box};
  box.cut();
  constexpr int rounds = 80;
  for (int round = 0; round < rounds; ++round) {
    std::string rows;
    for (int id = 1; id <= devices; ++id)
      rows += (id == 1 ? "" : ",") + std::string{R"({"id":)"} + std::to_string(id) + R"(,"note":")" +
              (round + 1 == rounds ? "ok" : std::to_string(round)) + R"("})";
    BOOST_REQUIRE(here.submit(R"({"op":"upsert","table":"device","key":["id"],"rows":[)" + rows + "]}"));
  }
  const auto found = here.read({"device", R"({"note":"ok"})", {}, 1000, read_deadline});
  BOOST_TEST(found.found.size() == static_cast<std::size_t>(devices));
  for (const auto& row : found.found) {
    BOOST_TEST((row.origin == row_origin::merged));
    BOOST_TEST(has(row.json, R"("level":1)"), row.json);
  }
}

BOOST_AUTO_TEST_CASE(no_read_goes_back_in_time_while_the_replay_stops_and_goes_on) {
  constexpr int keys = 5;
  const sandbox box{{"--rtt", "5"}};
  sql(box.direct_dsn(),
      "CREATE TABLE counter (id int PRIMARY KEY, number int NOT NULL); GRANT ALL ON counter TO PUBLIC");
  site here{box};
  std::vector<std::atomic<int>> acknowledged(keys);
  std::atomic<unsigned long> reads = 0;
  std::atomic<bool> over = false;
  for (int key = 0; key < keys; ++key)
    BOOST_REQUIRE(here.submit(R"({"op":"insert","table":"counter","rows":[{"id":)" + std::to_string(key) +
                              R"(,"number":0}]})"));
  BOOST_REQUIRE(
      std::holds_alternative<reached>(here.api().wait({condition::replicated, {}, {}, long_enough})));
  std::thread writer{[&] {
    for (int n = 1; !over; ++n)
      for (int key = 0; key < keys && !over; ++key) {
        const auto allowed = [&] { return over || static_cast<unsigned long>(n) * keys < reads + 50; };
        if (wait_until(allowed) && !over &&
            here.submit(R"({"op":"update","table":"counter","where":{"id":)" + std::to_string(key) +
                        R"(},"set":{"number":)" + std::to_string(n) + "}}"))
          acknowledged[static_cast<std::size_t>(key)] = n;
      }
  }};
  const struct ender {
    std::atomic<bool>& over;
    std::thread& writer;
    ~ender() {
      over = true;
      if (writer.joinable())
        writer.join();
    }
  } ends_with_this{over, writer};
  database replica{box.replica_dsn()};
  std::mt19937 random{4711};
  std::vector<int> last(keys);
  int wrong = 0;
  unsigned long pending = 0;
  bool paused = false;
  for (; reads < reads_wanted() && wrong == 0; ++reads) {
    if (random() % 25 == 0)
      replica.rows(std::exchange(paused, !paused) ? "SELECT pg_wal_replay_resume()"
                                                  : "SELECT pg_wal_replay_pause()");
    const auto key = random() % keys;
    const int at_least = acknowledged[key];
    const auto answer =
        here.read({"counter", R"({"id":)" + std::to_string(key) + "}", {}, 10, read_deadline});
    const auto& json = answer.found.empty() ? "" : answer.found[0].json;
    const auto at = json.find(R"("number":)");
    const int number = at == std::string::npos ? -1 : std::stoi(json.substr(at + 9));
    pending += answer.found.empty() || answer.found[0].origin == row_origin::replica ? 0 : 1;
    if (answer.found.size() != 1 || number < at_least || number < last[key] || !answer.replica.empty())
      ++wrong;
    BOOST_TEST(wrong == 0, "read " << reads << " of key " << key << ": " << json << ", rows "
                                   << answer.found.size() << ", acknowledged " << at_least << ", read before "
                                   << last[key] << ", replica '" << answer.replica << "'");
    last[key] = number;
  }
  over = true;
  writer.join();
  BOOST_TEST(pending > 0U);
  replica.rows("SELECT pg_wal_replay_resume()");
}

// Measures, and asserts no speed. READER_PENDING=100000 is what the goal of 5 ms is about.
BOOST_AUTO_TEST_CASE(a_read_of_one_key_looks_at_its_own_entries_however_many_are_pending) {
  const char* text = std::getenv("READER_PENDING"); // NOLINT(concurrency-mt-unsafe): nobody sets it.
  const int pending = text == nullptr ? 500 : std::stoi(text);
  sandbox box{{"--rtt", "20"}};
  site here{box};
  box.cut();
  const auto started = std::chrono::steady_clock::now();
  constexpr int at_once = 100;
  const auto id_of = [](int number) {
    auto digits = std::to_string(number);
    return "0197a4e2-0000-7000-8000-" + std::string(12 - digits.size(), '0') + digits;
  };
  for (int first = 0; first < pending; first += at_once) {
    std::map<std::string, std::future<outcome<receipt>>> under_way;
    for (int i = first; i < first + at_once; ++i) {
      const auto file = transaction_of(R"({"op":"insert","table":"raw_data_file","rows":[{"id":")" +
                                       id_of(i) + R"(","executed_obs_unit_id":")" + id_of(i / 10) +
                                       R"(","name":"a file of the night","size":123456789}]})");
      under_way[file] = here.api().submit(file);
    }
    for (auto& [file, kept] : under_way)
      BOOST_REQUIRE(std::holds_alternative<receipt>(kept.get()) || here.keep(file));
  }
  const std::chrono::duration<double> submitting = std::chrono::steady_clock::now() - started;
  std::mt19937 random{4711};
  for (const std::string column : {"id", "executed_obs_unit_id"}) {
    std::vector<double> took;
    for (int i = 0; i < 200; ++i) {
      const auto key =
          static_cast<int>(random() % static_cast<unsigned>(pending)) / (column == "id" ? 1 : 10);
      const auto begun = std::chrono::steady_clock::now();
      const auto answer = here.read(
          {"raw_data_file", R"({")" + column + R"(":")" + id_of(key) + R"("})", {}, 100, read_deadline});
      took.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count());
      BOOST_REQUIRE_EQUAL(answer.found.size(), column == "id" ? 1U : 10U);
    }
    std::sort(took.begin(), took.end());
    BOOST_TEST_MESSAGE(pending << " pending, submitted at " << pending / submitting.count() << "/s; read by "
                               << column << ": median " << took[took.size() / 2] << " ms, p99 "
                               << took[took.size() * 99 / 100] << " ms");
  }
}
