#pragma once

#include "messages/identity.hpp"
#include "tests/simulation/dice.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

namespace chasqui::simulation {

/// Time since the history began.
using sim_time = std::chrono::microseconds;

/// What happens outside the runtime, in one queue ordered by (time, number): two histories of one seed cannot
/// differ.
class world {
public:
  explicit world(std::uint64_t seed) : chance{seed} {}

  dice chance; ///< Latencies, losses and whatever else the outside world leaves open.

  [[nodiscard]] sim_time now() const noexcept { return now_; }
  [[nodiscard]] bool is_idle() const noexcept { return queue_.empty(); }

  /// When the next event is due; `latest` at the latest.
  [[nodiscard]] sim_time next(sim_time latest) const {
    return queue_.empty() ? latest : std::min(latest, queue_.top().when);
  }

  void at(sim_time when, std::function<void()> what) {
    queue_.push({std::max(when, now_), ++number_, std::move(what)});
  }
  void after(sim_time delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

  /// Moves the clock; events that are due by then wait for `run_one`.
  void pass_to(sim_time when) { now_ = std::max(now_, when); }

  /// Carries out the next event if it is due.
  bool run_one() {
    if (queue_.empty() || queue_.top().when > now_)
      return false;
    const auto what = std::move(queue_.top().what);
    queue_.pop();
    what();
    return true;
  }

private:
  struct happening {
    sim_time when;
    std::uint64_t number;
    mutable std::function<void()> what; // Moved out of the queue's top, which is const.
    bool operator<(const happening& other) const {
      return when != other.when ? when > other.when : number > other.number;
    }
  };
  std::priority_queue<happening> queue_;
  sim_time now_{0};
  std::uint64_t number_ = 0;
};

} // namespace chasqui::simulation
