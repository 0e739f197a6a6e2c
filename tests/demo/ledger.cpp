#include "tests/demo/ledger.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace chasqui::night {

namespace {

/// Threads that answered earlier may have been recorded later, by so much at most.
constexpr std::chrono::seconds disorder_max{1};

/// The smallest of the values that at least `share` of them do not exceed (nearest rank).
double percentile(std::vector<double>& values, double share) {
  if (values.empty())
    return 0;
  const auto rank = std::ceil(share * static_cast<double>(values.size()));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank) - 1;
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

} // namespace

void ledger::submitted() {
  const std::lock_guard lock{mutex_};
  ++records_.submitted;
}

void ledger::refused(const fault& why) {
  const std::lock_guard lock{mutex_};
  if (records_.refused++ == 0)
    records_.first_refusal = std::string{to_string(why.code)} + ": " + why.message;
}

void ledger::acknowledged(std::size_t origin, const draft& what, const receipt& proof, time_point asked,
                          time_point answered) {
  const std::lock_guard lock{mutex_};
  records_.receipts[origin].push_back({what.id, proof.lane, proof.seq});
  for (const auto& row : what.rows)
    rows_of(records_.rows, row.in)[row.id] = row.contents;
  times_.push_back({asked, answered});
}

latency ledger::latency_of(time_point from, time_point to) const {
  std::vector<double> took_ms;
  {
    const std::lock_guard lock{mutex_};
    for (auto t = times_.rbegin(); t != times_.rend() && t->answered + disorder_max >= from; ++t)
      if (t->asked >= from && t->answered < to)
        took_ms.push_back(std::chrono::duration<double, std::milli>(t->answered - t->asked).count());
  }
  return {took_ms.size(), percentile(took_ms, 0.50), percentile(took_ms, 0.99)};
}

night_records ledger::records() const {
  const std::lock_guard lock{mutex_};
  return records_;
}

} // namespace chasqui::night
