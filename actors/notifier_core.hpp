#pragma once

#include "messages/event.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace chasqui {

/// Bounds on what subscribers may cost.
struct notifier_limits {
  std::uint64_t backlog_max = 10'000;
  std::uint32_t subscribers_max = 100;
};

/// What one subscriber gets.
struct delivery {
  std::uint64_t subscriber = 0;
  event_batch what;
};

/// Numbers events and decides who gets them. A subscriber with too many events under way loses the next ones;
/// once it has caught up by half, a gap notice tells it exactly which.
class notifier_core {
public:
  explicit notifier_core(notifier_limits limits) : limits_{limits} {}

  /// False when there are too many subscribers already.
  bool subscribe(std::uint64_t subscriber, std::uint64_t backlog_max);
  void unsubscribe(std::uint64_t subscriber) { subscribers_.erase(subscriber); }
  /// Gives `e` its number and says who gets it.
  std::vector<delivery> deliver(event& e);
  /// What the subscriber gets now that it can take more.
  std::optional<delivery> acknowledge(std::uint64_t subscriber, std::uint64_t number, instant now);

private:
  struct subscription {
    std::uint64_t backlog_max;
    std::uint64_t sent;      ///< Last number given to it.
    std::uint64_t confirmed; ///< Last number it acknowledged.
    std::uint64_t lost_from; ///< First number it lost; 0 when it lost none.
  };
  notifier_limits limits_;
  std::map<std::uint64_t, subscription> subscribers_;
  std::uint64_t last_ = 0;
};

} // namespace chasqui
