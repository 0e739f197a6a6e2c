#pragma once

#include "tests/bench/report.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace chasqui::bench {

/// What every benchmark is given: which rows are wanted, how much of everything, and where figures go.
struct context {
  std::set<std::string> wanted; ///< Rows by number; empty: all.
  double scale = 1;             ///< Of the volumes.
  std::string curves;           ///< Directory of the data for the plots.
  report results{""};

  [[nodiscard]] bool wants(const std::string& number) const {
    return wanted.empty() || wanted.count(number) != 0;
  }
  [[nodiscard]] bool wants_any(const std::vector<std::string>& numbers) const {
    return std::any_of(numbers.begin(), numbers.end(), [this](const auto& n) { return wants(n); });
  }
  [[nodiscard]] std::uint64_t scaled(std::uint64_t full, std::uint64_t least = 1000) const {
    return std::max(least, static_cast<std::uint64_t>(static_cast<double>(full) * scale));
  }
  [[nodiscard]] std::string curve(const std::string& name) const { return curves + "/" + name + ".dat"; }
};

// One benchmark for all rows that share what is expensive to build.

void bench_submit(context& c); ///< 1, 2, 12, preflight
void bench_drain(context& c);  ///< 3, 3b, 4, 5, 11, bad
void bench_steady(context& c); ///< 6, 7, idle
void bench_depth(context& c);  ///< 8, 9, 10, 13

} // namespace chasqui::bench
