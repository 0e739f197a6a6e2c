#include "tests/demo/team.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <stop_token>

namespace chasqui::night {

namespace {

constexpr std::array names{"tcs", "cam-a", "cam-b", "cam-c"};

std::chrono::nanoseconds interval_of(double pace) {
  const std::chrono::duration<double> interval{static_cast<double>(names.size() - 1) / pace};
  return std::chrono::duration_cast<std::chrono::nanoseconds>(interval);
}

} // namespace

team::team(std::span<const observation> night, ledger& records, const session_opener& open, double pace)
    : plan_{night} {
  for (std::size_t n = 0; n < names.size(); ++n)
    members_.push_back(std::make_unique<control_process>(n, names[n], records, open(), interval_of(pace)));
}

std::size_t team::size() { return names.size(); }

void team::plan() { members_.front()->plan_units(plan_, {}); }

void team::start_observing() {
  for (std::size_t n = 1; n < members_.size(); ++n)
    threads_.emplace_back([this, n](const std::stop_token& stop) { members_[n]->observe(plan_, stop); });
}

void team::finish() {
  plan_.no_more = true;
  for (auto& t : threads_) // Clearing them would ask them to break off.
    t.join();
  threads_.clear();
}

} // namespace chasqui::night
