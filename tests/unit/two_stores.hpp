#pragma once

#include "actors/store_pair.hpp"
#include "tests/support/memory_stores.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>

namespace chasqui {

using namespace std::chrono_literals;

inline uuid id_of(std::uint64_t number) { return {7, number}; }

/// Two stores in memory, and a pair whose turn comes when the test says so.
struct two_stores {
  std::shared_ptr<memory_store> redis = std::make_shared<memory_store>(store_kind::redis);
  std::shared_ptr<memory_journal> journal = std::make_shared<memory_journal>();
  std::deque<std::function<void()>> turns;
  std::vector<store_change> changes;
  std::vector<append_slot> taken_in;
  std::chrono::milliseconds now{1h};
  std::optional<store_pair> pair;
  std::optional<log_opened> opened;
  std::optional<append_result> result;

  two_stores() { start(); }

  /// A new process over what the stores have.
  void start() {
    pair.emplace(
        log_stores{redis, journal}, store_pair_limits{}, [this] { return at(); },
        [this](std::function<void()> f) { turns.push_back(std::move(f)); },
        store_listener{[this](const store_change& c) { changes.push_back(c); },
                       [this](const std::vector<append_slot>& slots) {
                         taken_in.insert(taken_in.end(), slots.begin(), slots.end());
                       }});
    reopen();
  }

  void reopen() {
    opened.reset();
    pair->open({"main"}, [this](log_opened o) { opened = std::move(o); });
    settle();
  }

  [[nodiscard]] time_point at() const { return time_point{now}; }

  void settle() {
    while (!turns.empty()) {
      const auto next = std::move(turns.front());
      turns.pop_front();
      next();
    }
  }

  void pass(std::chrono::milliseconds time) {
    for (; time > 0ms; time -= 50ms) {
      now += 50ms;
      pair->tick();
      settle();
    }
  }

  void begin(std::vector<std::uint64_t> numbers) {
    result.reset();
    std::vector<append_item> items;
    for (const auto n : numbers)
      items.push_back({id_of(n), "main", "payload " + std::to_string(n), instant{now}});
    pair->append(std::move(items), [this](append_result r) { result = std::move(r); });
    settle();
  }

  /// The seq that one submission got, and where it is kept.
  std::pair<seqno, store_kind> keep(std::uint64_t number) {
    begin({number});
    BOOST_REQUIRE(result.has_value());
    BOOST_REQUIRE_MESSAGE(!result->problem, result->problem.message);
    return {result->slots.at(0).seq, result->store};
  }

  /// The same of several, in the journal.
  void keep_without_redis(std::uint64_t first, std::uint64_t last) {
    redis->broken = {fault_code::store_unavailable, "gone", ""};
    for (auto n = first; n <= last; ++n)
      keep(n);
    redis->broken = {};
  }

  log_slice read(seqno from, std::uint64_t entries_max = 1000) {
    std::optional<log_slice> out;
    pair->read({"main", from, entries_max, 1U << 20U}, [&](log_slice s) { out = std::move(s); });
    settle();
    BOOST_REQUIRE(out.has_value());
    return *out;
  }

  log_place find(std::uint64_t number) {
    std::optional<log_place> out;
    pair->find(id_of(number), [&](log_place place) { out = std::move(place); });
    settle();
    BOOST_REQUIRE(out.has_value());
    return *out;
  }

  roll_page call_roll(seqno from = 1, seqno to = 100) {
    std::optional<roll_page> out;
    pair->call_roll("main", from, to, 100, [&](roll_page p) { out = std::move(p); });
    settle();
    BOOST_REQUIRE(out.has_value());
    return *out;
  }

  /// The journal takes over behind entry 1 with 2 and 3, and another runtime keeps 50 as entry 2 in Redis;
  /// then both are one log again.
  void meet_another() {
    keep(1);
    redis->broken = {fault_code::store_unavailable, "gone", ""};
    keep(2);
    keep(3);
    redis->broken = {};
    redis->append({{id_of(50), "main", "theirs", instant{now}}}, [](const append_result&) {});
    pass(std::chrono::seconds{10});
    if (!pair->is_settled("main"))
      start();
    pass(std::chrono::seconds{10});
  }

  /// The numbers of the submissions in the log, from 1 on; it must be whole.
  std::vector<std::uint64_t> in_log() {
    std::vector<std::uint64_t> out;
    for (seqno from = 1;;) {
      const auto slice = read(from);
      BOOST_REQUIRE_MESSAGE(!slice.problem, slice.problem.message);
      if (slice.entries.empty())
        return out;
      for (const auto& e : slice.entries) {
        BOOST_TEST(e.seq == from++);
        out.push_back(e.id.low);
      }
    }
  }
};

using numbers = std::vector<std::uint64_t>;

} // namespace chasqui
