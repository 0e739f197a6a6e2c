#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace chasqui::bench {

using steady = std::chrono::steady_clock;

inline double ms_since(steady::time_point began) {
  return std::chrono::duration<double, std::milli>(steady::now() - began).count();
}

inline double s_since(steady::time_point began) { return ms_since(began) / 1000; }

/// Times of many calls, in milliseconds.
class latencies {
public:
  void add(double ms) { all_.push_back(ms); }
  [[nodiscard]] std::size_t size() const { return all_.size(); }
  [[nodiscard]] const std::vector<double>& all() const { return all_; }

  /// `share` of 0.5 is the median. Throws if there is nothing.
  [[nodiscard]] double percentile(double share) const {
    if (all_.empty())
      throw std::runtime_error("nothing was measured");
    auto sorted = all_;
    std::sort(sorted.begin(), sorted.end());
    return sorted[std::min(sorted.size() - 1,
                           static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
  }

  /// What share took how long at most: the data of a curve.
  void write(const std::string& file) const {
    auto sorted = all_;
    std::sort(sorted.begin(), sorted.end());
    std::ofstream out{file};
    const auto step = std::max<std::size_t>(1, sorted.size() / 2000);
    for (std::size_t i = 0; i < sorted.size(); i += step)
      out << sorted[i] << ' ' << static_cast<double>(i + 1) / static_cast<double>(sorted.size()) << '\n';
  }

private:
  std::vector<double> all_;
};

} // namespace chasqui::bench
