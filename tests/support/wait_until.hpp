#pragma once

#include "messages/identity.hpp"

#include <thread>

namespace chasqui::test {

/// Asks until it is true or the deadline has passed: the only place where a test's thread sleeps.
template <class Predicate> bool wait_until(Predicate holds, time_point deadline) {
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline)
      return holds();
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  return true;
}

/// The point in time so far from now.
inline time_point in(std::chrono::milliseconds from_now) {
  return std::chrono::steady_clock::now() + from_now;
}

} // namespace chasqui::test
