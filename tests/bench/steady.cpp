// What a submit costs while the link is in trouble, and how soon a commit is known as replicated: rows 6 and
// 7, and what an idle daemon costs.

#include "tests/bench/context.hpp"
#include "tests/bench/latencies.hpp"
#include "tests/bench/process.hpp"
#include "tests/bench/progress.hpp"
#include "tests/bench/workload.hpp"
#include "tests/support/observatory.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace chasqui::bench {

namespace {

using namespace std::chrono_literals;

constexpr int rtt_ms = 300;

/// A control process that submits at a steady pace, and notes how long each receipt takes.
class paced_caller {
public:
  explicit paced_caller(runtime& site) : site_{site} {}

  /// Until `over`, and `least` calls at least.
  void go_on(latencies& into, std::size_t least, const std::function<bool()>& over) {
    constexpr auto pace = 2ms;
    constexpr std::size_t look_every = 50;
    auto next = steady::now();
    for (std::size_t i = 0; i < least || i % look_every != 0 || !over(); ++i) {
      const auto json = real_sized(number_++);
      const auto began = steady::now();
      while (std::holds_alternative<fault>(site_.submit(json).get()))
        ; // The same id again, until there is a receipt: that counts as one submit.
      into.add(ms_since(began));
      next = std::max(next + pace, steady::now());
      std::this_thread::sleep_until(next);
    }
  }

private:
  runtime& site_;
  std::uint64_t number_ = 0;
};

bool has_caught_up(runtime& site) {
  const auto lane = lane_of(site);
  return lane.head - lane.committed < 2000;
}

/// At rest, cut off, healing, and draining, by turns.
class weather {
public:
  weather(context& c, test::sandbox& box, runtime& site) : c_{c}, box_{box}, site_{site} {}

  void play() {
    constexpr double phases = 4 * rounds;
    const auto calls = c_.scaled(2500, 200);
    const auto never_longer = [] { return true; };
    progress bar{"row 6", phases};
    for (int round = 0; round < rounds; ++round) {
      caller_.go_on(rest_, calls, never_longer);
      bar.at(4 * round + 1);
      box_.cut();
      caller_.go_on(cut_, calls, never_longer);
      bar.at(4 * round + 2);
      box_.heal();
      caller_.go_on(healing_, calls, [this] { return has_caught_up(site_); });
      bar.at(4 * round + 3);
      pause_link(site_);
      fill(site_, c_.scaled(100'000, 5000), fill_in_flight);
      resume_link(site_);
      caller_.go_on(draining_, 0, [this] { return has_caught_up(site_); });
      bar.at(4 * round + 4);
    }
  }

  void report() {
    const auto add = [&](const std::string& name, const latencies& ours) {
      c_.results.add({"6 p99 of submit, " + name, ours.percentile(0.99), rest_.percentile(0.99), "ms",
                      goal_is::at_most, 1.5, 0, "p99 of submit at rest, link up, round trip 300 ms"});
    };
    add("cut off", cut_);
    add("healing", healing_);
    add("draining", draining_);
    rest_.write(c_.curve("weather_rest"));
    cut_.write(c_.curve("weather_cut"));
    healing_.write(c_.curve("weather_healing"));
    draining_.write(c_.curve("weather_draining"));
  }

private:
  static constexpr int rounds = 3;

  context& c_;
  test::sandbox& box_;
  runtime& site_;
  paced_caller caller_{site_};
  latencies rest_;
  latencies cut_;
  latencies healing_;
  latencies draining_;
};

double wall_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

double wall_ms(instant at) {
  return std::chrono::duration<double, std::milli>(at.time_since_epoch()).count();
}

/// Asks a replica for its replay LSN again and again, as a bare loop does that has nothing else to do.
class replay_loop {
public:
  explicit replay_loop(const std::string& dsn)
      : thread_{[this, dsn] {
          test::database db{dsn};
          while (!stops_) {
            const auto at = std::stoull(db.value("SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint"));
            if (seen_.empty() || seen_.back().first != at)
              seen_.emplace_back(at, wall_ms());
            std::this_thread::sleep_for(1ms);
          }
        }} {}
  replay_loop(const replay_loop&) = delete;
  replay_loop& operator=(const replay_loop&) = delete;
  ~replay_loop() { stop(); }
  void stop() {
    stops_ = true;
    if (thread_.joinable())
      thread_.join();
  }
  /// When it saw that all before `lsn` is replayed, on the wall clock. Once it is stopped.
  [[nodiscard]] double time_of(std::uint64_t lsn) const {
    const auto found = std::lower_bound(seen_.begin(), seen_.end(), std::pair{lsn, 0.0});
    if (found == seen_.end())
      throw std::runtime_error("the bare loop did not see a commit replayed");
    return found->second;
  }

private:
  std::atomic<bool> stops_ = false;
  std::vector<std::pair<std::uint64_t, double>> seen_;
  std::thread thread_;
};

instant time_of(const life& one, stage which) {
  for (const auto& m : one.history)
    if (m.stage == which)
      return m.at;
  throw std::runtime_error("a transaction has no time of stage " + std::string{to_string(which)});
}

std::vector<life> single_transactions(context& c, runtime& site) {
  std::vector<life> lives;
  const auto transactions = c.scaled(200, 20);
  progress bar{"row 7", static_cast<double>(transactions)};
  for (std::uint64_t i = 0; i < transactions; ++i) {
    const auto answer = site.submit(real_sized(i)).get();
    if (const auto* why = std::get_if<fault>(&answer))
      throw std::runtime_error(why->message);
    const auto id = std::get<receipt>(answer).id;
    site.wait({condition::transaction, id, stage::replicated, 30s});
    const auto found = site.find(id);
    if (const auto* one = std::get_if<life>(&found))
      lives.push_back(*one);
    bar.at(static_cast<double>(i));
  }
  return lives;
}

/// How long after both are true, that it is committed and that the bare loop has seen its replay.
void until_known_as_replicated(context& c, const test::sandbox& box, runtime& site) {
  site.wait({condition::replicated, {}, {}, 60s});
  replay_loop bare{box.replica_dsn()};
  const auto lives = single_transactions(c, site);
  bare.stop();
  latencies behind;
  latencies whole;
  latencies theirs;
  for (const auto& one : lives) {
    const double kept = wall_ms(time_of(one, stage::buffered));
    const double known = wall_ms(time_of(one, stage::replicated));
    const double both = std::max(bare.time_of(one.flushed.value), wall_ms(time_of(one, stage::committed)));
    behind.add(known - both);
    whole.add(known - kept);
    theirs.add(both - kept);
  }
  for (const auto& [which, share] : {std::pair{"p50", 0.5}, std::pair{"p99", 0.99}})
    c.results.add({std::string{"7 known as replicated, behind a bare loop of 1 ms, "} + which,
                   behind.percentile(share), 0, "ms", goal_is::at_most, 0, 20,
                   "when a bare loop saw the replay of what was known as committed"});
  c.results.add({"7 submit until known as replicated, p50", whole.percentile(0.5), theirs.percentile(0.5),
                 "ms", goal_is::none, 0, 0, "until it was committed and a bare loop saw its replay"});
}

void idle(context& c) {
  test::observatory site{{"--rtt", std::to_string(rtt_ms)}};
  site.start();
  if (!site.wait_until_ready())
    throw std::runtime_error("the daemon does not come up");
  constexpr double seconds = 10;
  const auto before = cpu_seconds(site.daemon().pid());
  const auto began = steady::now();
  progress bar{"idle daemon", seconds};
  while (s_since(began) < seconds) {
    std::this_thread::sleep_for(100ms);
    bar.at(s_since(began));
  }
  const auto percent = (cpu_seconds(site.daemon().pid()) - before) / s_since(began) * 100;
  c.results.add({"idle: the daemon's share of a core", percent, 0, "%", goal_is::at_most, 0, 1, "none"});
}

} // namespace

void bench_steady(context& c) {
  if (c.wants_any({"6", "7"})) {
    test::sandbox box{{"--rtt", std::to_string(rtt_ms)}};
    plant_parents(box.direct_dsn());
    const auto site = start_runtime(settings_of(box));
    if (c.wants("7"))
      until_known_as_replicated(c, box, *site);
    if (c.wants("6")) {
      weather w{c, box, *site};
      w.play();
      w.report();
    }
  }
  if (c.wants("idle"))
    idle(c);
}

} // namespace chasqui::bench
