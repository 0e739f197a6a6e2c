#include "actors/send_window.hpp"

#include <algorithm>

namespace chasqui {

namespace {

constexpr std::size_t rounds_max = 8;
constexpr std::uint64_t lowest_bytes = 16U << 10U;
constexpr std::uint64_t share_of_others = 8;

// Under a steady load of ours every round trip has our own queue in it, and would be believed in the end.
constexpr std::chrono::seconds round_trip_lasts{20};

double seconds_of(time_point::duration d) { return std::chrono::duration<double>(d).count(); }

} // namespace

send_window::mark send_window::on_sent(std::uint64_t bytes_in_flight, time_point now) const {
  return {now, answered_bytes_, bytes_in_flight <= drained_bytes()};
}

void send_window::on_answered(const mark& of, std::uint64_t bytes, time_point now) {
  answered_bytes_ += bytes;
  const auto took = now - of.sent_at;
  if (took <= round_trip_ || (old_ && of.low)) {
    round_trip_ = took;
    round_trip_at_ = now;
  }
  old_ = now - round_trip_at_ > round_trip_lasts;
  if (took > time_point::duration::zero())
    round_rate_ =
        std::max(round_rate_, static_cast<double>(answered_bytes_ - of.answered_bytes) / seconds_of(took));
  if (of.answered_bytes >= round_ends_at_)
    end_round();
}

// A round with little to send says nothing of the link, unless it carried more than ever.
void send_window::end_round() {
  round_ends_at_ = answered_bytes_;
  const auto best = rates_.empty() ? 0 : *std::max_element(rates_.begin(), rates_.end());
  if (full_ || round_rate_ > best)
    rates_.push_back(round_rate_);
  if (rates_.size() > rounds_max)
    rates_.pop_front();
  measured_ = measured_ || full_;
  round_rate_ = 0;
  full_ = false;
}

double send_window::rate() const {
  return rates_.empty() ? round_rate_
                        : std::max(round_rate_, *std::max_element(rates_.begin(), rates_.end()));
}

std::uint64_t send_window::bytes_min() const { return std::min(lowest_bytes, bounds_.bytes_max); }

std::uint64_t send_window::carried_in(time_point::duration time) const {
  const auto bytes = rate() * seconds_of(time);
  return bytes >= static_cast<double>(bounds_.bytes_max)
             ? bounds_.bytes_max
             : std::max(bytes_min(), static_cast<std::uint64_t>(bytes));
}

std::uint64_t send_window::drained_bytes() const {
  return round_trip_ == time_point::duration::max() ? bytes_min() : carried_in(round_trip_ * 3 / 4);
}

std::uint64_t send_window::bytes(bool goes_first) const {
  auto window = std::min(bounds_.start_bytes, bounds_.bytes_max);
  if (round_trip_ != time_point::duration::max()) {
    const auto carried = carried_in(round_trip_ + bounds_.queue);
    window = measured_ ? carried : std::max(window, carried);
    if (measured_ && old_)
      window = drained_bytes();
  }
  return goes_first ? std::max(bytes_min(), window / share_of_others) : window;
}

} // namespace chasqui
