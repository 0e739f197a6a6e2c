#pragma once

#include "actors/forwarder_core.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace chasqui {

using namespace std::chrono_literals;

/// Forwarders that share a link which carries so many bytes a second, first come, first served, with an
/// answer to everything; all in a time of its own.
class thin_link {
public:
  using duration = time_point::duration;

  struct lane {
    lane(const std::string& name, const forwarder_limits& limits) : core{name, limits} {}
    forwarder_core core;
    seqno head = 0;
    seqno committed = 0;
    std::size_t bytes = 600; ///< Of each entry.
    bool had_more = false;
    bool dead = false; ///< It has quit,
    fault why;         ///< with this.
    int moves = 0;
  };

  std::uint64_t bytes_per_s;
  duration latency; ///< One way.
  bool black_hole = false;
  std::vector<std::unique_ptr<lane>> lanes; ///< In order of priority.

  thin_link(std::uint64_t kbps, duration one_way) : bytes_per_s{kbps * 1000 / 8}, latency{one_way} {}

  lane& add(const std::string& name, forwarder_limits limits = {}) {
    limits.window_start_bytes = lanes.empty() ? 512U << 10U : 64U << 10U;
    auto& l = *lanes.emplace_back(std::make_unique<lane>(name, limits));
    obey(l, l.core.on_opened({{}, 0, {}, {}, {}, 0}, now_));
    obey(l, l.core.on_alignment({name, 0, 0, {}, 0}, now_));
    return l;
  }
  void submit(lane& l, std::uint64_t entries) {
    l.head += entries;
    obey(l, l.core.on_available({"", l.head}));
  }
  /// Runs until it holds, or for so long; says whether it holds.
  bool run(
      duration time, const std::function<bool()>& until = [] { return false; }) {
    const auto end = now_ + time;
    while (!until()) {
      if (next_tick_ <= now_)
        next_tick_ = now_ + 100ms;
      const auto next = events_.empty() ? next_tick_ : std::min(next_tick_, events_.begin()->first);
      if (next > end) {
        now_ = end;
        return until();
      }
      now_ = next;
      if (next == next_tick_) {
        for (auto& l : lanes)
          obey(*l, l->core.on_tick(now_));
      } else {
        auto what = std::move(events_.begin()->second);
        events_.erase(events_.begin());
        what();
      }
    }
    return true;
  }
  [[nodiscard]] time_point now() const { return now_; }
  /// What is sent now leaves the queue so much later.
  [[nodiscard]] duration queue() const { return std::max(duration{0}, free_at_ - now_); }
  [[nodiscard]] std::uint64_t carried_bytes() const { return carried_bytes_; }

private:
  static constexpr std::uint64_t segment_bytes = 50; // Besides its entry.

  void after(duration wait, std::function<void()> what) { events_.emplace(now_ + wait, std::move(what)); }

  void obey(lane& l, forwarder_actions actions) {
    if (l.dead)
      return;
    for (auto& s : actions.send)
      send(l, s);
    if (actions.done)
      l.committed = actions.done->seq;
    l.moves += actions.moves ? 1 : 0;
    if (actions.pull)
      after(1ms, [this, &l, what = *actions.pull] { give(l, what); });
    if (actions.quit) {
      l.dead = true;
      l.why = *actions.quit;
    }
  }

  void send(lane& l, const segment& s) {
    const auto bytes = s.what.payload.size() + segment_bytes;
    const auto takes =
        std::chrono::duration<double>(static_cast<double>(bytes) / static_cast<double>(bytes_per_s));
    free_at_ = std::max(free_at_, now_) + std::chrono::duration_cast<duration>(takes);
    carried_bytes_ += bytes;
    after(free_at_ - now_ + 2 * latency, [this, &l, ticket = s.ticket] {
      segment_answer a;
      a.ticket = ticket;
      a.flushed = {1};
      if (!black_hole)
        obey(l, l.core.on_answers({a}, {now_, {}}));
    });
  }

  void give(lane& l, const take& what) {
    batch b{"", what.from_seq, {}, l.head};
    std::uint64_t bytes = 0;
    for (auto seq = what.from_seq; seq <= l.head && b.entries.size() < what.entries_max; ++seq) {
      if (!b.entries.empty() && bytes + l.bytes > what.bytes_max)
        break;
      bytes += l.bytes;
      b.entries.push_back({seq, {1, seq}, {}, std::string(l.bytes, 'x')});
    }
    l.had_more = what.from_seq + b.entries.size() <= l.head;
    for (auto& before : lanes) {
      if (before.get() == &l)
        break;
      b.goes_last = b.goes_last || before->had_more;
    }
    obey(l, l.core.on_batch(std::move(b), now_));
  }

  time_point now_{1h};
  time_point next_tick_{1h};
  time_point free_at_{1h};
  std::uint64_t carried_bytes_ = 0;
  std::multimap<time_point, std::function<void()>> events_;
};

} // namespace chasqui
