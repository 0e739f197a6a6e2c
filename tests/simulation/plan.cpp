#include "tests/simulation/plan.hpp"

#include <algorithm>
#include <array>

namespace chasqui::simulation {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array names{std::string_view{"burst"},           std::string_view{"latency"},
                           std::string_view{"black_hole"},      std::string_view{"lose_outward"},
                           std::string_view{"lose_homeward"},   std::string_view{"heal_link"},
                           std::string_view{"reset_link"},      std::string_view{"forget_connections"},
                           std::string_view{"primary_crash"},   std::string_view{"primary_start"},
                           std::string_view{"primary_trouble"}, std::string_view{"primary_calm"},
                           std::string_view{"primary_slow"},    std::string_view{"primary_ends_sessions"},
                           std::string_view{"failover"},        std::string_view{"replica_lag"},
                           std::string_view{"replica_pause"},   std::string_view{"replica_stop"},
                           std::string_view{"replica_start"},   std::string_view{"replica_rebuild"},
                           std::string_view{"redis_hang"},      std::string_view{"redis_crash"},
                           std::string_view{"redis_start"},     std::string_view{"redis_full"},
                           std::string_view{"redis_slow"},      std::string_view{"redis_read_only"},
                           std::string_view{"redis_emptied"},   std::string_view{"redis_snapshot"},
                           std::string_view{"redis_older"},     std::string_view{"journal_full"},
                           std::string_view{"journal_slow"},    std::string_view{"journal_away"},
                           std::string_view{"journal_start"},   std::string_view{"kill"},
                           std::string_view{"power_cut"},       std::string_view{"host_start"},
                           std::string_view{"take_over"},       std::string_view{"wall_step"},
                           std::string_view{"pause"},           std::string_view{"resume"}};

constexpr std::uint64_t second_us = 1'000'000;

// A fault, and what ends it.
struct trouble {
  deed_kind begins;
  deed_kind ends;
  std::uint64_t amount_max;   ///< Of `deed::amount`.
  std::uint64_t lasts_max_us; ///< 0: it is over at once.
};

constexpr std::array troubles{
    trouble{deed_kind::latency, deed_kind::latency, 900'000, 600 * second_us},
    trouble{deed_kind::black_hole, deed_kind::heal_link, 0, 86'400 * second_us},
    trouble{deed_kind::black_hole, deed_kind::heal_link, 0, 20 * second_us},
    trouble{deed_kind::lose_outward, deed_kind::heal_link, 0, 120 * second_us},
    trouble{deed_kind::lose_homeward, deed_kind::heal_link, 0, 120 * second_us},
    trouble{deed_kind::reset_link, deed_kind::heal_link, 0, 0},
    trouble{deed_kind::reset_link, deed_kind::heal_link, 0, 0},
    trouble{deed_kind::forget_connections, deed_kind::heal_link, 0, 0},
    trouble{deed_kind::primary_crash, deed_kind::primary_start, 0, 60 * second_us},
    trouble{deed_kind::primary_crash, deed_kind::primary_start, 0, second_us},
    trouble{deed_kind::primary_trouble, deed_kind::primary_calm, 4, 40 * second_us},
    trouble{deed_kind::primary_trouble, deed_kind::primary_calm, 4, 600 * second_us},
    trouble{deed_kind::primary_slow, deed_kind::primary_calm, 2 * second_us, 60 * second_us},
    trouble{deed_kind::primary_ends_sessions, deed_kind::primary_calm, 0, 0},
    trouble{deed_kind::failover, deed_kind::primary_start, 20 * second_us, 30 * second_us},
    trouble{deed_kind::replica_lag, deed_kind::replica_start, 600 * second_us, 3600 * second_us},
    trouble{deed_kind::replica_pause, deed_kind::replica_start, 0, 3600 * second_us},
    trouble{deed_kind::replica_stop, deed_kind::replica_start, 0, 3600 * second_us},
    trouble{deed_kind::replica_rebuild, deed_kind::replica_start, 0, 0},
    trouble{deed_kind::redis_hang, deed_kind::redis_start, 0, 5 * second_us},
    trouble{deed_kind::redis_hang, deed_kind::redis_start, 0, 60 * second_us},
    trouble{deed_kind::redis_crash, deed_kind::redis_start, 30, 0},
    trouble{deed_kind::redis_crash, deed_kind::redis_start, 3, 0},
    trouble{deed_kind::redis_full, deed_kind::redis_start, 0, 30 * second_us},
    trouble{deed_kind::redis_full, deed_kind::redis_start, 0, 600 * second_us},
    trouble{deed_kind::redis_slow, deed_kind::redis_start, second_us / 2, 30 * second_us},
    trouble{deed_kind::redis_read_only, deed_kind::redis_start, 0, 30 * second_us},
    trouble{deed_kind::redis_emptied, deed_kind::redis_start, 0, 0},
    trouble{deed_kind::redis_snapshot, deed_kind::redis_older, 0, 30 * second_us},
    trouble{deed_kind::journal_full, deed_kind::journal_start, 0, 60 * second_us},
    trouble{deed_kind::journal_slow, deed_kind::journal_start, second_us, 30 * second_us},
    trouble{deed_kind::journal_away, deed_kind::journal_start, 0, 60 * second_us},
    trouble{deed_kind::kill, deed_kind::host_start, 200, 10 * second_us},
    trouble{deed_kind::kill, deed_kind::host_start, 20, second_us},
    trouble{deed_kind::power_cut, deed_kind::host_start, 200, 600 * second_us},
    trouble{deed_kind::take_over, deed_kind::host_start, 0, 0},
    trouble{deed_kind::take_over, deed_kind::host_start, 0, 0},
    trouble{deed_kind::wall_step, deed_kind::host_start, 7200 * second_us, 0},
    trouble{deed_kind::pause, deed_kind::resume, 0, 60 * second_us},
};

class planner {
public:
  planner(std::uint64_t seed, const plan_options& options) : chance_{seed}, options_{options} {}

  plan make() {
    choose_settings();
    const auto episodes = chance_.between(2, 7);
    for (std::uint64_t i = 0; i < episodes; ++i)
      add_episode();
    std::stable_sort(out_.deeds.begin(), out_.deeds.end(),
                     [](const deed& a, const deed& b) { return a.at < b.at; });
    out_.ends_at = std::max(now_, out_.deeds.empty() ? now_ : out_.deeds.back().at) + seconds{5};
    return std::move(out_);
  }

private:
  sim_time within(std::uint64_t most_us) {
    return sim_time{static_cast<std::int64_t>(chance_.below(most_us + 1))};
  }

  // Mostly far below the most there may be: small bounds are met more often.
  std::uint64_t small_or_large(std::uint64_t low, std::uint64_t high) {
    return chance_.one_in(3) ? chance_.between(low, high) : chance_.between(low, std::max(low, high / 20));
  }

  void choose_settings() {
    auto& s = out_.how;
    s.site = "simulated";
    s.lanes.clear();
    const auto lanes = chance_.between(1, 3);
    for (std::uint64_t lane = 0; lane < lanes; ++lane)
      s.lanes.push_back(lane == 0 ? "main" : "lane" + std::to_string(lane));
    s.buffer.group_entries_max = small_or_large(1, 500);
    s.buffer.retain_entries = chance_.one_in(3) ? 0 : small_or_large(1, 2000);
    if (s.buffer.retain_entries % 5 == 4)
      s.buffer.retain_for_ms = milliseconds{0};
    s.buffer.waiting_entries_max = small_or_large(100, 10'000);
    if (chance_.one_in(6))
      s.buffer.pending_entries_max = chance_.between(50, 500);
    s.forwarder.window_entries_max = small_or_large(2, 16'384);
    s.forwarder.window_bytes_max = small_or_large(1000, 16U << 20U);
    s.forwarder.take_entries_max = small_or_large(1, 500);
    s.forwarder.take_bytes_max = small_or_large(200, 1U << 20U);
    s.forwarder.barrier_entries = small_or_large(1, 1000);
    out_.promise = chance_.one_in(3) ? durability::buffered : durability::fsynced;
    const auto die = chance_.below(10);
    out_.stores = die < 2 ? stores_there::redis : die < 4 ? stores_there::journal : stores_there::both;
    out_.redis_loses = out_.stores != stores_there::journal && chance_.one_in(2);
    out_.poison_percent = chance_.one_in(2) ? small_or_large(1, 30) : 0;
    out_.flaky_percent = chance_.one_in(2) ? chance_.below(4) : 0;
    out_.padding_max = chance_.one_in(10) ? 4000 : 40;
    out_.latency = milliseconds{chance_.between(1, 300)};
  }

  void add(sim_time at, deed_kind kind, std::uint64_t amount = 0, std::uint64_t detail = 0) {
    out_.deeds.push_back({at, kind, amount, detail});
  }

  // Some work and some trouble at about the same time, then a quiet while.
  void add_episode() {
    now_ += chance_.one_in(2) ? within(120 * second_us)
                              : within(chance_.one_in(2) ? 100 * 86'400 * second_us : 86'400 * second_us);
    const auto bursts = chance_.between(1, 3);
    std::vector<sim_time> busy;
    for (std::uint64_t i = 0; i < bursts; ++i) {
      busy.push_back(now_ + within(15 * second_us));
      add(busy.back(), deed_kind::burst, amount_of_burst(), chance_.between(1, 60));
    }
    const auto faults = chance_.below(5);
    for (std::uint64_t i = 0; i < faults; ++i)
      add_trouble(chance_.one_in(2) ? now_ + within(20 * second_us)
                                    : busy.at(chance_.below(bursts)) + within(second_us));
  }

  std::uint64_t amount_of_burst() {
    if (chance_.one_in(3))
      return 1;
    const auto amount = chance_.one_in(20) ? chance_.between(500, 4000) : chance_.between(2, 150);
    return options_.light ? amount / 10 + 1 : amount;
  }

  void add_trouble(sim_time at) {
    const auto& t = troubles.at(chance_.below(troubles.size()));
    if (!can_be(t.begins))
      return add_trouble(at);
    if (t.begins == deed_kind::black_hole && chance_.one_in(4))
      return add_flapping(at);
    if (t.begins == deed_kind::take_over && chance_.one_in(2))
      return add_contest(at);
    if (t.begins == deed_kind::redis_emptied && chance_.one_in(2))
      return add_loss(at);
    if (t.begins == deed_kind::power_cut && out_.stores == stores_there::both && chance_.one_in(4))
      return add_cold_start(at);
    add(at, t.begins, chance_.below(t.amount_max + 1), chance_.below(2));
    // Most are short, some last.
    const auto lasts = within(chance_.one_in(3) ? t.lasts_max_us : t.lasts_max_us / 20);
    add(at + lasts, t.ends,
        t.ends == deed_kind::latency ? static_cast<std::uint64_t>(out_.latency.count()) : 0);
    now_ = std::max(now_, at + lasts);
  }

  [[nodiscard]] bool can_be(deed_kind kind) const {
    switch (kind) {
    case deed_kind::redis_hang:
    case deed_kind::redis_crash:
    case deed_kind::redis_full:
    case deed_kind::redis_slow:
    case deed_kind::redis_read_only:
    case deed_kind::take_over:
      return out_.stores != stores_there::journal;
    case deed_kind::redis_emptied:
    case deed_kind::redis_snapshot:
      return out_.redis_loses;
    case deed_kind::journal_full:
    case deed_kind::journal_slow:
    case deed_kind::journal_away:
      return out_.stores != stores_there::redis;
    case deed_kind::failover:
      return !out_.redis_loses;
    default:
      return true;
    }
  }

  // Two runtimes owe the same entries, and both come back from an outage.
  void add_contest(sim_time at) {
    add(at, deed_kind::black_hole);
    add(at + seconds{1}, deed_kind::burst, 30, 30);
    add(at + seconds{5}, deed_kind::take_over);
    at += seconds{6} + within(20 * second_us);
    add(at, deed_kind::heal_link);
    now_ = std::max(now_, at);
  }

  // What is submitted and cannot be sent.
  void add_backlog(sim_time at) {
    add(at, deed_kind::black_hole);
    add(at + seconds{1}, deed_kind::burst, chance_.between(5, 30), 30);
  }

  // Started without Redis, which has what the journal has not noted, while the link is there.
  void add_cold_start(sim_time at) {
    add_backlog(at);
    add(at + seconds{3}, deed_kind::power_cut);
    add(at + seconds{4}, deed_kind::redis_hang);
    add(at + seconds{5}, deed_kind::host_start);
    add(at + seconds{7}, deed_kind::heal_link);
    add(at + seconds{8}, deed_kind::burst, chance_.between(5, 30), 30);
    at += seconds{10} + within(20 * second_us);
    add(at, deed_kind::redis_start);
    now_ = std::max(now_, at);
  }

  // What Redis loses has not been sent, and has been noted.
  void add_loss(sim_time at) {
    add_backlog(at);
    at += seconds{8} + within(10 * second_us);
    add(at, deed_kind::redis_emptied, 0, chance_.below(2));
    add(at, deed_kind::redis_start);
    at += within(20 * second_us);
    add(at, deed_kind::heal_link);
    now_ = std::max(now_, at);
  }

  void add_flapping(sim_time at) {
    for (auto times = chance_.between(2, 12); times > 0; --times) {
      add(at, chance_.one_in(2) ? deed_kind::black_hole : deed_kind::reset_link);
      at += within(3 * second_us);
      add(at, deed_kind::heal_link);
      at += within(3 * second_us);
    }
    now_ = std::max(now_, at);
  }

  dice chance_;
  plan_options options_;
  plan out_;
  sim_time now_{0};
};

} // namespace

std::string_view to_string(deed_kind kind) { return names.at(static_cast<std::size_t>(kind)); }

bool is_fault(deed_kind kind) {
  switch (kind) {
  case deed_kind::burst:
  case deed_kind::heal_link:
  case deed_kind::primary_start:
  case deed_kind::primary_calm:
  case deed_kind::replica_start:
  case deed_kind::redis_start:
  case deed_kind::redis_snapshot:
  case deed_kind::journal_start:
  case deed_kind::host_start:
  case deed_kind::resume:
    return false;
  default:
    return true;
  }
}

plan make_plan(std::uint64_t seed, const plan_options& options) { return planner{seed, options}.make(); }

} // namespace chasqui::simulation
