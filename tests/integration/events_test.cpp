#include <boost/test/unit_test.hpp>

#include "messages/json.hpp"
#include "tests/support/observatory.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

/// What happens while the subscriber is stopped for the first time: more than may be under way to it. 60,000
/// is a minute at 1,000 a second.
std::uint64_t stopped_events() {
  const char* text = std::getenv("EVENTS_STOPPED"); // NOLINT(concurrency-mt-unsafe): nobody sets it.
  return text == nullptr ? 1500 : std::stoull(text);
}

/// `chasqui events` beside a daemon.
class listener {
public:
  listener(observatory& site, const std::string& name, const std::vector<std::string>& options)
      : file_{site.box().dir() + "/" + name}, process_{command(site, options), {file_, ""}} {}

  void stop() { process_.signal(SIGSTOP); }
  void go_on() { process_.signal(SIGCONT); }
  std::optional<int> wait() { return process_.wait(in(long_enough)); }

  /// What it has printed so far: whole lines.
  [[nodiscard]] std::vector<event> heard() const {
    std::vector<event> out;
    std::ifstream file{file_};
    for (std::string line; std::getline(file, line) && !file.eof();)
      if (line.starts_with('{'))
        out.push_back(nlohmann::json::parse(line).get<event>());
    return out;
  }
  [[nodiscard]] bool has_heard(std::uint64_t number) const {
    return wait_until([&] {
      const auto all = heard();
      return !all.empty() && all.back().number >= number;
    });
  }

private:
  static std::vector<std::string> command(observatory& site, const std::vector<std::string>& options) {
    std::vector<std::string> out{program("chasqui"), "--config", site.box().settings_file(), "-o",
                                 "ndjson",           "events"};
    out.insert(out.end(), options.begin(), options.end());
    return out;
  }

  std::string file_;
  child_process process_;
};

std::uint64_t last_number(observatory& site) {
  std::uint64_t last = 0;
  BOOST_REQUIRE(wait_until([&] { // The history opens by itself, and a slow disk keeps it from answering.
    const auto past = site.ask<past_events>(list_events{from_the_oldest, 1, {}});
    const auto* told = std::get_if<past_events>(&past);
    last = told == nullptr ? 0 : told->last;
    return told != nullptr;
  }));
  return last;
}

/// Submits as a control process has to: again, with the same id, while nobody can say whether it was kept.
/// How long each answer took is noted.
std::string submit_one(observatory& site, std::vector<double>& took_ms) {
  static int number = 0;
  const auto id = random_id();
  const auto transaction = probe_insert(id, 0, ++number);
  const bool kept = wait_until([&] {
    const auto start = std::chrono::steady_clock::now();
    const auto answer = site.submit(transaction);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    took_ms.push_back(took.count());
    return std::holds_alternative<receipt>(answer);
  });
  BOOST_REQUIRE_MESSAGE(kept, site.daemon_log());
  return id;
}

/// Submits until so many events have happened since `from`; how long each submit took.
std::vector<double> let_happen(observatory& site, std::uint64_t from, std::uint64_t events) {
  std::vector<double> took_ms;
  while (last_number(site) < from + events)
    for (int i = 0; i < 25; ++i)
      submit_one(site, took_ms);
  BOOST_REQUIRE(site.wait_until_replicated());
  return took_ms;
}

double quantile(std::vector<double> all, std::size_t percent) {
  std::sort(all.begin(), all.end());
  return all[all.size() * percent / 100];
}
double p99(const std::vector<double>& all) { return quantile(all, 99); }
double median(const std::vector<double>& all) { return quantile(all, 50); }

/// Where events and gaps together leave out a number, or tell one twice; "" if nowhere.
std::string hole_in(const std::vector<event>& heard, std::uint64_t from) {
  for (const auto& e : heard) {
    const auto first = e.kind == event_kind::gap ? e.from_seq : e.number;
    if (first != from)
      return "expected " + std::to_string(from) + ", heard " + std::to_string(first);
    from = e.number + 1;
  }
  return "";
}

std::vector<event> gaps_of(const std::vector<event>& heard) {
  std::vector<event> out;
  std::copy_if(heard.begin(), heard.end(), std::back_inserter(out),
               [](const event& e) { return e.kind == event_kind::gap; });
  return out;
}

bool has(const life& known, stage wanted) {
  return std::any_of(known.history.begin(), known.history.end(),
                     [&](const milestone& m) { return m.stage == wanted; });
}

} // namespace

BOOST_AUTO_TEST_CASE(a_subscriber_that_is_stopped_and_goes_on_gets_every_event_or_one_exact_gap) {
  const auto history_max = 2 * stopped_events();
  observatory site{{"--rtt", "20"}, {"events.history_max=" + std::to_string(history_max)}};
  site.start();
  BOOST_REQUIRE_MESSAGE(site.wait_until_ready(), site.daemon_log());
  const auto start = last_number(site) + 1;
  listener console{site, "stopped", {"-f", "--from", std::to_string(start)}};
  const auto before = let_happen(site, start, 1200);
  BOOST_REQUIRE(console.has_heard(last_number(site)));

  console.stop();
  const auto stopped_at = last_number(site);
  const auto stopped_since = std::chrono::steady_clock::now();
  const auto meanwhile = let_happen(site, stopped_at, stopped_events());
  const std::chrono::duration<double> stopped_for = std::chrono::steady_clock::now() - stopped_since;
  const auto happened = last_number(site) - stopped_at;
  console.go_on();
  BOOST_REQUIRE(console.has_heard(last_number(site)));
  const auto heard = console.heard();
  BOOST_TEST(hole_in(heard, start) == "");
  BOOST_TEST(gaps_of(heard).empty());
  BOOST_TEST_MESSAGE("p99 of submit: " << p99(before) << " ms with a subscriber that listens, "
                                       << p99(meanwhile) << " ms with one that is stopped for "
                                       << stopped_for.count() << " s and " << happened << " events");

  console.stop();
  const auto stopped_again = last_number(site);
  const auto long_while = let_happen(site, stopped_again, 2 * history_max);
  console.go_on();
  BOOST_REQUIRE(console.has_heard(last_number(site)));
  const auto all = console.heard();
  const auto gaps = gaps_of(all);
  BOOST_TEST(hole_in(all, start) == "");
  BOOST_REQUIRE(gaps.size() == 1U);
  BOOST_TEST(gaps.front().from_seq > stopped_again);
  BOOST_TEST(gaps.front().to_seq <= last_number(site) - history_max);
  BOOST_TEST_MESSAGE("p99 of submit while it is stopped for long: " << p99(long_while) << " ms");
  // A subscriber that is stopped delays nobody until the deadline (some 190 ms). The machine may.
  for (const auto* slow : {&meanwhile, &long_while})
    BOOST_TEST(median(*slow) < 150 + 5 * median(before));
}

BOOST_AUTO_TEST_CASE(numbers_and_the_past_survive_restarts_and_the_life_of_a_transaction_with_them) {
  observatory site{{"--rtt", "20", "--store", "journal"}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  std::vector<double> took_ms;
  const auto id = submit_one(site, took_ms);
  const auto is_told_whole = [&] {
    const auto found = site.ask<life>(find{*parse_uuid(id)});
    const auto* known = std::get_if<life>(&found);
    return known != nullptr && has(*known, stage::buffered) && has(*known, stage::sent) &&
           has(*known, stage::committed) && has(*known, stage::replicated) && has(*known, stage::released);
  };
  BOOST_REQUIRE(wait_until(is_told_whole));
  const auto told = last_number(site);
  site.kill();
  site.start();
  BOOST_TEST(wait_until(is_told_whole));

  listener past{site, "past", {}};
  BOOST_REQUIRE((past.wait() == 0));
  const auto all = past.heard();
  BOOST_REQUIRE(!all.empty());
  BOOST_TEST(all.back().number > told);
  BOOST_TEST(std::is_sorted(all.begin(), all.end(),
                            [](const event& a, const event& b) { return a.number < b.number; }));
  BOOST_TEST(gaps_of(all).size() == 1U); // It was killed.

  listener one{site, "one", {"--txn", id, "--kind", "committed", "--kind", "released"}};
  BOOST_REQUIRE((one.wait() == 0));
  std::string kinds;
  for (const auto& e : one.heard())
    if (e.kind != event_kind::gap)
      kinds += std::string{to_string(e.kind)} + " ";
  BOOST_TEST(kinds.starts_with("committed released "), kinds); // Marks that a kill took are told again.

  // What happened before anybody could subscribe is in the log, too.
  BOOST_TEST(wait_until([&] { return site.daemon_log().find("store: open") != std::string::npos; }));
}
