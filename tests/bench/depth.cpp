// What a deep backlog costs: rows 8, 9, 10 and 13.

#include "tests/bench/bare_stores.hpp"
#include "tests/bench/context.hpp"
#include "tests/bench/latencies.hpp"
#include "tests/bench/process.hpp"
#include "tests/bench/progress.hpp"
#include "tests/bench/remote_pump.hpp"
#include "tests/bench/workload.hpp"
#include "tests/support/observatory.hpp"
#include "tests/support/wait_until.hpp"

#include <csignal>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace chasqui::bench {

namespace {

using namespace std::chrono_literals;

constexpr const char* stream = "chasqui:{sandbox}:log:main";

/// A site with a backlog that only grows. First a daemon gets it, as control processes would give it; the
/// greatest depth is reached in this process, which is quicker.
class deep_site {
public:
  explicit deep_site(context& c) : c_{c}, million_{c.scaled(1'000'000, 5000)} {
    plant_parents(site_.box().direct_dsn());
    empty_first_ = restart();
    redis_ = std::make_unique<bare_redis>(site_.box().redis_socket());
    empty_bytes_ = redis_->info("used_memory");
  }

  /// Restarts with an empty log, or with what is there now: seconds until the first receipt and the first
  /// commit.
  struct restarted {
    double receipt_s = 0;
    double forward_s = 0;
  };

  void a_million() {
    pause();
    submit(shallow);
    shallow_mib_ = settled_memory();
    submit(million_ - shallow);
    deep_mib_ = settled_memory();
    redis_bytes_ = redis_->info("used_memory");
  }

  void report_memory() {
    const auto payload = static_cast<double>(redis_->first_payload(stream).size());
    const auto each = (redis_bytes_ - empty_bytes_) / static_cast<double>(million_) - payload;
    const auto many = std::to_string(million_);
    if (c_.wants("8"))
      c_.results.add({"8 memory in Redis per entry beyond its payload, of " + many, each, payload, "bytes",
                      goal_is::at_most, 0, 160, "the payload"});
    if (!c_.wants("9"))
      return;
    c_.results.add({"9 memory of the daemon, " + many + " pending against 1000", deep_mib_, shallow_mib_,
                    "MiB", goal_is::at_most, 1.1, 150, "the same daemon with 1000 pending"});
  }

  void report_restart() {
    site_.kill();
    const auto deep = restart();
    const auto many = std::to_string(million_);
    c_.results.add({"10 restart with " + many + " pending, first receipt", deep.receipt_s,
                    empty_first_.receipt_s, "s", goal_is::at_most, 0, 1, "the same with an empty log"});
    c_.results.add({"10 restart with " + many + " pending, first forward", deep.forward_s,
                    empty_first_.forward_s, "s", goal_is::at_most, 0, 2, "the same with an empty log"});
  }

  void end_daemon() {
    pause();
    site_.daemon().signal(SIGTERM);
    site_.daemon().wait(test::in(30s));
  }

  const test::sandbox& box() { return site_.box(); }

private:
  static constexpr std::uint64_t shallow = 1000;

  void pause() {
    if (!std::holds_alternative<link_status>(site_.ask<link_status>(steer{steering::pause, "bench"})))
      throw std::runtime_error("the link cannot be paused");
  }

  seqno committed() {
    const auto report = site_.status();
    return report ? report->log.lanes.at(0).committed : 0;
  }

  restarted restart() {
    const auto before = first_commit_;
    restarted out;
    const auto began = steady::now();
    site_.start();
    const auto json = real_sized(0);
    if (!test::wait_until([&] { return std::holds_alternative<receipt>(site_.submit(json)); }, test::in(60s)))
      throw std::runtime_error("no receipt after a restart:\n" + site_.daemon_log());
    out.receipt_s = s_since(began);
    if (!test::wait_until([&] { return committed() > before; }, test::in(60s)))
      throw std::runtime_error("nothing is forwarded after a restart:\n" + site_.daemon_log());
    out.forward_s = s_since(began);
    pause();
    test::wait_until(
        [&, last = seqno{0}]() mutable { return std::exchange(last, committed()) == committed(); },
        test::in(10s));
    first_commit_ = committed();
    return out;
  }

  void submit(std::uint64_t entries) {
    auto target = target_of(settings_of(site_.box(), true));
    remote_client client{std::get<remote_target>(target)};
    if (const auto why = client.connect(10s))
      throw std::runtime_error(why->message);
    progress bar{"submitting " + std::to_string(entries) + " to the daemon", static_cast<double>(entries)};
    pump(
        client, entries, fill_in_flight, [](auto n) { return real_sized(n); },
        [&](auto n) { bar.at(static_cast<double>(n)); });
  }

  /// Of the daemon, once nothing is under way any more: the roll is written behind the receipts.
  double settled_memory() {
    double last = 0;
    test::wait_until(
        [&] {
          const auto before = std::exchange(last, cpu_seconds(site_.daemon().pid()));
          std::this_thread::sleep_for(500ms);
          return last - before < 0.02;
        },
        test::in(30s));
    return memory_mib(site_.daemon().pid());
  }

  context& c_;
  std::uint64_t million_;
  test::observatory site_{{"--rtt", "300"}};
  std::unique_ptr<bare_redis> redis_;
  restarted empty_first_;
  seqno first_commit_ = 0;
  double empty_bytes_ = 0;
  double redis_bytes_ = 0;
  double shallow_mib_ = 0;
  double deep_mib_ = 0;
};

struct rates {
  std::uint64_t depth = 0;
  double submit_per_s = 0;
  double drain_per_s = 0;
};

/// How fast it drains for a few seconds, from the first commit on; the rest stays.
double drain_for_a_while(runtime& site) {
  constexpr double seconds = 4;
  resume_link(site);
  const auto start = lane_of(site).committed;
  if (!test::wait_until([&] { return lane_of(site).committed > start; }, test::in(60s)))
    throw std::runtime_error("nothing drains");
  const auto first = lane_of(site).committed;
  const auto began = steady::now();
  auto last = first;
  test::wait_until(
      [&] {
        const auto lane = lane_of(site);
        last = lane.committed;
        return s_since(began) > seconds || lane.committed == lane.head;
      },
      test::in(60s));
  const double rate = static_cast<double>(last - first) / s_since(began);
  pause_link(site);
  return rate;
}

/// Submit and drain rate at these depths, the smallest first: a probe of submits on top, then of draining.
std::vector<rates> rates_at_depths(context& c, runtime& site, const std::vector<std::uint64_t>& depths) {
  const auto probe = c.scaled(40'000);
  std::vector<rates> out;
  for (const auto depth : depths) {
    const auto lane = lane_of(site);
    const auto pending = lane.head - lane.committed;
    if (pending < depth)
      fill(site, depth - pending, fill_in_flight);
    rates at{depth};
    at.submit_per_s = fill(site, probe, fill_in_flight);
    at.drain_per_s = drain_for_a_while(site);
    out.push_back(at);
  }
  return out;
}

void report_rates(context& c, const std::vector<rates>& all) {
  const auto& shallow = all.front();
  for (const auto& at : all) {
    const auto where = " at " + std::to_string(at.depth) + " pending";
    const auto way = at.depth == shallow.depth ? goal_is::none : goal_is::at_least;
    const auto is = "the same at " + std::to_string(shallow.depth) + " pending";
    c.results.add(
        {"13 submit rate" + where, at.submit_per_s, shallow.submit_per_s, "txn/s", way, 0.9, 0, is});
    c.results.add({"13 drain rate" + where, at.drain_per_s, shallow.drain_per_s, "txn/s", way, 0.9, 0, is});
  }
}

} // namespace

void bench_depth(context& c) {
  if (!c.wants_any({"8", "9", "10", "13"}))
    return;
  std::vector<rates> all;
  if (c.wants("13")) {
    const test::sandbox box{{"--rtt", "300"}};
    plant_parents(box.direct_dsn());
    const auto site = start_runtime(settings_of(box));
    pause_link(*site);
    all = rates_at_depths(c, *site, {1000, c.scaled(100'000, 2000)});
  }
  deep_site deep{c};
  if (c.wants_any({"8", "9", "10"})) {
    deep.a_million();
    deep.report_memory();
    if (c.wants("10"))
      deep.report_restart();
  }
  if (!c.wants("13"))
    return;
  deep.end_daemon();
  const auto site = start_runtime(settings_of(deep.box()));
  pause_link(*site);
  for (const auto& at : rates_at_depths(c, *site, {c.scaled(1'000'000, 5000), c.scaled(3'000'000, 15'000)}))
    all.push_back(at);
  report_rates(c, all);
}

} // namespace chasqui::bench
