// How fast a backlog drains over a long round trip, and what the daemon costs while it waits.
//
//     bench_drain [ENTRIES]

#include "tests/bench/report.hpp"
#include "tests/support/observatory.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

namespace {

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

constexpr auto goal_txn_per_s = 10'000.0;
constexpr int one_by_one = 30;
constexpr int fill_tries_max = 3;
constexpr int bad_every = 100; ///< Where there are bad entries.

/// A raw data file as an instrument registers it; about 700 bytes. A bad one is of a package that is not
/// there.
std::string real_sized(int number, bool bad) {
  const auto id = random_id();
  return R"({"id":")" + id +
         R"(","origin":"gmos-n","steps":[{"op":"insert","table":"raw_data_file","rows":[{"id":")" + id +
         R"(","executed_obs_unit_id":"0197a4e2-5a5a-7000-8000-00000000b001",)"
         R"("raw_data_package_id":"0197a4e2-5a5a-7000-8000-00000000)" +
         (bad ? "dead" : "b002") +
         R"(",)"
         R"("name":"mrgN20070221S)" +
         std::to_string(number) +
         R"(_add.fits.bz2","size":15847270,"checksum":"93349c5b14c3628341c823d820ae218b","object":"M101-pos1",)"
         R"("ra_deg":210.800833400112,"dec_deg":54.34877772501,"exposure_time_s":119.9986,"filter":"g",)"
         R"("instrument":"GMOS-N","observed_at":"2007-02-21T15:49:30Z"}]}]})";
}

void plant_parents(const std::string& dsn) {
  sql(dsn,
      "INSERT INTO obs_unit (id, program, observation, target) VALUES (990001, 'BENCH', 'BENCH-1', 'M101');"
      "INSERT INTO executed_obs_unit (id, obs_unit_id, status, start_time) VALUES "
      "('0197a4e2-5a5a-7000-8000-00000000b001', 990001, 'running', now());"
      "INSERT INTO raw_data_package (id, executed_obs_unit_id, name, state) VALUES "
      "('0197a4e2-5a5a-7000-8000-00000000b002', '0197a4e2-5a5a-7000-8000-00000000b001', 'bench', 'open')");
}

/// Fills the log while the link is paused; seconds that it took.
double fill(observatory& site, int entries, bool with_bad_ones = false) {
  const auto file = site.box().dir() + "/backlog.ndjson";
  {
    std::ofstream out{file};
    for (int i = 0; i < entries; ++i)
      out << real_sized(i, with_bad_ones && i % bad_every == 0) << '\n';
  }
  const auto began = std::chrono::steady_clock::now();
  const auto command =
      program("chasqui") + " --config " + site.box().settings_file() + " submit " + file + " >/dev/null";
  // On a busy disk some outcomes stay unknown in time; the same ids again settle them.
  for (int tries = 1; std::system(command.c_str()) != 0;
       ++tries) // NOLINT(concurrency-mt-unsafe): one thread.
    if (tries == fill_tries_max)
      throw std::runtime_error("chasqui submit failed " + std::to_string(tries) + " times");
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

void steer_link(observatory& site, steering what) {
  if (!std::holds_alternative<link_status>(site.ask<link_status>(steer{what, "bench"})))
    throw std::runtime_error("the link cannot be steered");
}

/// Lets the backlog go; transactions a second until all is committed, and until all is replicated.
std::pair<double, double> drain(observatory& site, int entries) {
  const auto began = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  };
  steer_link(site, steering::resume);
  if (!site.wait_for([](const auto& s) { return s.log.lanes[0].committed == s.log.lanes[0].head; }, 300s))
    throw std::runtime_error("the backlog did not drain:\n" + site.daemon_log());
  const double committed = elapsed();
  if (!site.wait_until_replicated(60s))
    throw std::runtime_error("the backlog did not replicate");
  return {entries / committed, entries / elapsed()};
}

/// One transaction per round trip, as a client does that waits for each commit.
double drain_one_by_one(const std::string& dsn) {
  database db{dsn};
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < one_by_one; ++i)
    db.rows("UPDATE raw_data_package SET size = size + 1 WHERE id = '0197a4e2-5a5a-7000-8000-00000000b002'");
  return one_by_one / std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

double cpu_seconds(pid_t pid) {
  std::ifstream stat{"/proc/" + std::to_string(pid) + "/stat"};
  std::string text{std::istreambuf_iterator<char>{stat}, {}};
  std::istringstream rest{text.substr(text.rfind(')') + 2)};
  std::string skip;
  for (int field = 3; field < 14; ++field)
    rest >> skip;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double memory_mib(pid_t pid) {
  std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
  for (std::string word; status >> word;)
    if (word == "VmRSS:") {
      double kib = 0;
      status >> kib;
      return kib / 1024;
    }
  return 0;
}

void measure_idle(observatory& site) {
  constexpr double seconds = 10;
  const auto before = cpu_seconds(site.daemon().pid());
  const auto until = in(10s);
  wait_until([] { return false; }, until);
  const auto percent = (cpu_seconds(site.daemon().pid()) - before) / seconds * 100;
  bench::print({"idle daemon, share of a core", percent, 100, "%", "< 1 %", percent < 1, "one core"});
}

/// Drains a backlog at this round trip; transactions a second until committed.
double run(int entries, int rtt_ms, double reference, const std::string& reference_is) {
  observatory site{{"--rtt", std::to_string(rtt_ms)}};
  plant_parents(site.box().direct_dsn());
  site.start();
  if (!site.wait_until_ready())
    throw std::runtime_error("the daemon does not come up:\n" + site.daemon_log());
  if (rtt_ms > 0)
    measure_idle(site);
  steer_link(site, steering::pause);
  fill(site, 1000);
  const auto memory_before = memory_mib(site.daemon().pid());
  const auto fill_s = fill(site, entries - 1000);
  const auto memory_after = memory_mib(site.daemon().pid());
  const auto [committed, replicated] = drain(site, entries);
  const auto at = std::to_string(rtt_ms) + " ms";
  if (rtt_ms > 0) {
    bench::print({"memory with the whole backlog pending, against 1000", memory_after, memory_before, "MiB",
                  "<= 1.1 x", memory_after <= 1.1 * memory_before, "the same daemon with 1000 pending"});
    bench::print({"submit through the console", (entries - 1000) / fill_s, 0, "txn/s", "-", true, "none"});
  }
  bench::print({"drain until committed, round trip " + at, committed, reference, "txn/s", ">= 10000 txn/s",
                committed >= goal_txn_per_s, reference_is});
  bench::print({"drain until replicated, round trip " + at, replicated, reference, "txn/s", ">= 10000 txn/s",
                replicated >= goal_txn_per_s, reference_is});
  if (rtt_ms > 0) {
    const auto single = drain_one_by_one(site.box().primary_dsn());
    bench::print({"drain, against one by one, round trip " + at, committed, single, "txn/s", ">= 3000 x",
                  committed >= 3000 * single, "one transaction per round trip on one connection"});
  }
  return committed;
}

/// What a bad entry costs in a backlog that has many, against a round trip for each.
void run_with_bad_entries(int entries, int rtt_ms, double clean) {
  observatory site{{"--rtt", std::to_string(rtt_ms)}};
  plant_parents(site.box().direct_dsn());
  site.start();
  if (!site.wait_until_ready())
    throw std::runtime_error("the daemon does not come up:\n" + site.daemon_log());
  steer_link(site, steering::pause);
  fill(site, entries, true);
  const auto committed = drain(site, entries).first;
  const auto bad = sql(site.box().direct_dsn(), "SELECT count(*) FROM chasqui.dead_letter");
  if (bad != std::to_string(entries / bad_every))
    throw std::runtime_error(bad + " dead letters, and there should be one in " + std::to_string(bad_every));
  const auto at = std::to_string(rtt_ms) + " ms";
  bench::print({"drain with one bad entry in 100, round trip " + at, committed, clean, "txn/s", "-", true,
                "the same drain without bad entries"});
  const double each_ms = 1000 * (entries / committed - entries / clean) / (entries / bad_every);
  bench::print({"what a bad entry costs, round trip " + at, each_ms, 1.0 * rtt_ms, "ms", "<= 0.1 round trips",
                each_ms <= 0.1 * rtt_ms, "a round trip"});
}

} // namespace

int main(int argc, char** argv) {
  const int entries = argc > 1 ? std::atoi(argv[1]) : 100'000;
  try {
    const auto near = run(entries, 0, 0, "none");
    const auto far = run(entries, 300, near, "the same drain at 0 ms");
    run_with_bad_entries(entries, 300, far);
  } catch (const std::exception& e) {
    std::cerr << "bench_drain: " << e.what() << '\n';
    return 1;
  }
  return 0;
}
