#pragma once

#include <cstdint>
#include <random>

namespace chasqui::simulation {

/// Chance, from a seed. Integers only, and no distribution of the library: a seed means the same everywhere.
class dice {
public:
  explicit dice(std::uint64_t seed) : random_{seed} {}

  /// Uniform in 0..n-1; 0 for n = 0.
  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : random_() % n; }

  /// Uniform in low..high.
  std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }

  bool one_in(std::uint64_t n) { return below(n) == 0; }
  bool percent(std::uint64_t p) { return below(100) < p; }

private:
  std::mt19937_64 random_;
};

} // namespace chasqui::simulation
