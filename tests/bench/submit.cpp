// What a submit costs: rows 1, 2 and 12.

#include "tests/bench/bare_stores.hpp"
#include "tests/bench/context.hpp"
#include "tests/bench/latencies.hpp"
#include "tests/bench/progress.hpp"
#include "tests/bench/redis_benchmark.hpp"
#include "tests/bench/remote_pump.hpp"
#include "tests/bench/workload.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace chasqui::bench {

namespace {

constexpr std::uint64_t block = 50; ///< Ours and the reference take turns in blocks of so many.
constexpr std::uint64_t callers = 64;
constexpr std::uint64_t rounds = 3;

void submit_one(runtime& site, const std::string& json) {
  const auto answer = site.submit(json).get();
  if (const auto* why = std::get_if<fault>(&answer))
    throw std::runtime_error("a transaction is refused: " + why->message);
}

struct pair_of_latencies {
  latencies ours;
  latencies reference;
};

using call = std::function<void(const std::string&)>;

/// Times both by turns.
pair_of_latencies by_turns(const std::string& what, std::uint64_t calls, const call& ours,
                           const call& theirs) {
  pair_of_latencies out;
  progress bar{what, static_cast<double>(calls)};
  const auto time = [](latencies& into, const call& one, const std::string& json) {
    const auto began = steady::now();
    one(json);
    into.add(ms_since(began));
  };
  for (std::uint64_t done = 0; done < calls; done += block) {
    for (std::uint64_t i = 0; i < block; ++i)
      time(out.ours, ours, real_sized(done + i));
    for (std::uint64_t i = 0; i < block; ++i)
      time(out.reference, theirs, real_sized(done + i));
    bar.at(static_cast<double>(done));
  }
  return out;
}

void report_latencies(context& c, const std::string& name, const pair_of_latencies& times,
                      const std::string& reference_is) {
  const auto add = [&](const std::string& which, double share, double goal) {
    c.results.add({name + ", " + which, times.ours.percentile(share), times.reference.percentile(share), "ms",
                   goal_is::at_most, goal, 0, reference_is});
  };
  add("p50", 0.5, 1.5);
  add("p99", 0.99, 2);
}

void one_caller_on_redis(context& c, const test::sandbox& box, runtime& site) {
  bare_redis bare{box.redis_socket()};
  const auto times = by_turns(
      "row 1, Redis", c.scaled(10'000, 500), [&](const auto& json) { submit_one(site, json); },
      [&](const auto& json) { bare.keep(json); });
  bare.forget();
  report_latencies(c, "1 submit until fsynced, one caller, Redis", times,
                   "XADD of the same bytes by a bare hiredis client, appendfsync always");
  times.ours.write(c.curve("submit_redis_ours"));
  times.reference.write(c.curve("submit_redis_bare"));
}

void one_caller_on_journal(context& c) {
  const test::sandbox box{{"--store", "journal", "--rtt", "0"}};
  const auto site = start_runtime(settings_of(box));
  pause_link(*site);
  bare_sqlite bare{box.dir() + "/bare.sqlite"};
  const auto times = by_turns(
      "row 1, journal", c.scaled(10'000, 500), [&](const auto& json) { submit_one(*site, json); },
      [&](const auto& json) { bare.keep(json); });
  report_latencies(c, "1 submit until fsynced, one caller, journal", times,
                   "INSERT of the same bytes by a bare SQLite client, WAL, synchronous=FULL");
  times.ours.write(c.curve("submit_journal_ours"));
  times.reference.write(c.curve("submit_journal_bare"));
}

/// Transactions a second of callers that each wait for their receipt.
double many_callers(runtime& site, std::uint64_t entries) {
  std::atomic<std::uint64_t> next = 0;
  std::vector<std::thread> threads;
  const auto began = steady::now();
  for (std::uint64_t i = 0; i < callers; ++i)
    threads.emplace_back([&] {
      for (auto number = next++; number < entries; number = next++)
        while (std::holds_alternative<fault>(site.submit(real_sized(number)).get()))
          ; // Again until it is kept; another id does as well here.
    });
  for (auto& thread : threads)
    thread.join();
  return static_cast<double>(entries) / s_since(began);
}

void throughput(context& c, const test::sandbox& box, runtime& site) {
  const auto entries = c.scaled(60'000);
  const auto bytes = real_sized(10'000).size();
  double callers_per_s = 0;
  double async_per_s = 0;
  double piped = 0;
  double plain = 0;
  progress bar{"row 2", 4 * rounds};
  for (std::uint64_t round = 0; round < rounds; ++round) {
    piped += redis_benchmark(box.redis_socket(), entries, 50, 16, bytes) / rounds;
    bar.at(4. * static_cast<double>(round) + 1);
    async_per_s += fill(site, entries, fill_in_flight) / rounds;
    bar.at(4. * static_cast<double>(round) + 2);
    plain += redis_benchmark(box.redis_socket(), entries, 50, 1, bytes) / rounds;
    bar.at(4. * static_cast<double>(round) + 3);
    callers_per_s += many_callers(site, entries) / rounds;
    bar.at(4. * static_cast<double>(round) + 4);
  }
  const std::string is = "redis-benchmark, XADD of as many bytes, 50 connections, ";
  const auto add = [&](const std::string& who, double ours, double reference, double goal, const char* how) {
    c.results.add(
        {"2 submit throughput, " + who, ours, reference, "txn/s", goal_is::at_least, goal, 0, is + how});
  };
  add("64 callers, against 50 connections", callers_per_s, plain, 1, "no pipeline");
  add("1000 in flight, against 50 connections", async_per_s, plain, 1, "no pipeline");
  add("64 callers, against pipelines", callers_per_s, piped, 0.5, "pipeline of 16");
  add("1000 in flight, against pipelines", async_per_s, piped, 0.5, "pipeline of 16");
}

remote_target target_or_throw(const settings& s) {
  auto target = target_of(s);
  if (auto* why = std::get_if<fault>(&target))
    throw std::runtime_error(why->message);
  return std::get<remote_target>(target);
}

void one_remote_caller(context& c, const test::sandbox& box, runtime& site, remote_client& client) {
  bare_tls bare{box.dir() + "/tls"};
  latencies tls;
  latencies inside;
  latencies outside;
  const auto calls = c.scaled(5'000, 500);
  progress bar{"row 12", static_cast<double>(calls)};
  for (std::uint64_t done = 0; done < calls; done += block) {
    for (std::uint64_t i = 0; i < block; ++i) {
      const auto json = real_sized(i);
      const auto began = steady::now();
      bare.round_trip(json);
      tls.add(ms_since(began));
    }
    for (std::uint64_t i = 0; i < block; ++i) {
      const auto json = real_sized(i);
      const auto began = steady::now();
      submit_one(site, json);
      inside.add(ms_since(began));
    }
    const auto remote = pump(client, block, 1, [](auto n) { return real_sized(n); });
    for (const auto& ms : remote.each.all())
      outside.add(ms);
    bar.at(static_cast<double>(done));
  }
  c.results.add(
      {"12 remote submit, one in flight: what it adds, p50", outside.percentile(0.5) - inside.percentile(0.5),
       tls.percentile(0.5), "ms", goal_is::at_most, 1, 0,
       "a round trip of as many bytes over bare OpenSSL on loopback; the same submit in process took " +
           std::to_string(inside.percentile(0.5)) + " ms"});
}

void many_in_flight(context& c, runtime& site, remote_client& client) {
  constexpr std::uint64_t in_flight = 100;
  const auto entries = c.scaled(40'000);
  double outside = 0;
  double inside = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    inside += fill(site, entries, in_flight) / rounds;
    progress bar{"row 12, remote", static_cast<double>(entries)};
    outside += pump(
                   client, entries, in_flight, [](auto n) { return real_sized(n); },
                   [&](auto n) { bar.at(static_cast<double>(n)); })
                   .per_s /
               rounds;
  }
  c.results.add({"12 remote submit, 100 in flight", outside, inside, "txn/s", goal_is::at_least, 0.5, 0,
                 "the same in process"});
}

/// One caller for a while; transactions a second.
double one_caller(runtime& site, std::uint64_t entries) {
  const auto began = steady::now();
  for (std::uint64_t number = 0; number < entries; ++number)
    submit_one(site, real_sized(number));
  return static_cast<double>(entries) / s_since(began);
}

// By turns, each in a runtime of its own over stores of its own.
void preflight(context& c) {
  struct mode {
    std::string schema;
    std::string rows;
    double async_per_s = 0;
    double callers_per_s = 0;
    double single_per_s = 0;
  };
  std::vector<mode> modes{{"off", "off"}, {"enforce", "off"}, {"enforce", "enforce"}};
  progress bar{"preflight", static_cast<double>(rounds * modes.size())};
  double done = 0;
  for (std::uint64_t round = 0; round < rounds; ++round)
    for (auto& m : modes) {
      const test::sandbox box{{"--rtt", "0"}};
      plant_parents(box.direct_dsn());
      auto set = settings_of(box);
      set.preflight = m.schema;
      set.preflight_rows = m.rows;
      const auto site = start_runtime(set);
      pause_link(*site);
      m.single_per_s += one_caller(*site, c.scaled(3'000, 300)) / rounds;
      m.async_per_s += fill(*site, c.scaled(30'000), fill_in_flight) / rounds;
      m.callers_per_s += many_callers(*site, c.scaled(20'000)) / rounds;
      bar.at(++done);
    }
  const auto add = [&](const std::string& what, double mode::*per_s) {
    const auto report = [&](const std::string& how, const mode& ours) {
      c.results.add({"preflight, " + how + what, ours.*per_s, modes[0].*per_s, "txn/s", goal_is::at_least,
                     0.8, 0, "preflight = off"});
    };
    report("", modes[1]);
    report("and rows (a key and two parents each), ", modes[2]);
  };
  add("1000 in flight", &mode::async_per_s);
  add("64 callers", &mode::callers_per_s);
  add("one caller", &mode::single_per_s);
}

} // namespace

void bench_submit(context& c) {
  if (c.wants("preflight"))
    preflight(c);
  if (!c.wants_any({"1", "2", "12"}))
    return;
  {
    const test::sandbox box{{"--rtt", "0"}};
    const auto set = settings_of(box, true);
    const auto site = start_runtime(set);
    // What is measured is the submit: elsewhere the primary's work is done by another machine.
    pause_link(*site);
    if (c.wants("1"))
      one_caller_on_redis(c, box, *site);
    if (c.wants("2"))
      throughput(c, box, *site);
    if (c.wants("12")) {
      remote_client client{target_or_throw(set)};
      if (const auto why = client.connect(std::chrono::seconds{10}))
        throw std::runtime_error(why->message);
      one_remote_caller(c, box, *site, client);
      many_in_flight(c, *site, client);
    }
  }
  if (c.wants("1"))
    one_caller_on_journal(c);
}

} // namespace chasqui::bench
