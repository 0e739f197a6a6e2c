#pragma once

#include "messages/identity.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace chasqui::test {

/// How long a test waits for what has to come: machines are slow and shared, and only a fault takes longer.
constexpr std::chrono::seconds long_enough{240};

/// The point in time so far from now.
inline time_point in(std::chrono::milliseconds from_now) {
  return std::chrono::steady_clock::now() + from_now;
}

/// Asks until it is true or the deadline has passed: the only place where a test's thread sleeps.
template <class Predicate> bool wait_until(Predicate holds, time_point deadline = in(long_enough)) {
  constexpr std::chrono::milliseconds pause_max{50}; // Some ask by a new connection to PostgreSQL.
  std::chrono::milliseconds pause{1};
  while (!holds()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline)
      return holds();
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(pause, deadline - now));
    pause = std::min(pause * 2, pause_max);
  }
  return true;
}

} // namespace chasqui::test
