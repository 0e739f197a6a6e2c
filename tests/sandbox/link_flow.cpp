#include "link_flow.hpp"

#include <algorithm>

namespace chasqui::link {
namespace {

using std::chrono::microseconds;

constexpr double packet_bytes = 1500;
constexpr double burst_s = 0.02;
constexpr double retransmission_ms_min = 200;
constexpr int retransmissions_max = 8;

// Neighbouring segments come out together: thousands of segments a second need no timer each.
constexpr microseconds tick{250};

std::size_t index(way w) { return w == way::up ? 0 : 1; }

double bytes_per_s(std::uint64_t rate_kbps) { return static_cast<double>(rate_kbps) * 1000 / 8; }

double worth_sending(std::size_t wanted) { return std::min(static_cast<double>(wanted), packet_bytes); }

} // namespace

std::size_t rate_limit::allowance(std::uint64_t rate_kbps, std::size_t wanted, time_point now) {
  if (rate_kbps == 0)
    return wanted;
  const double rate = bytes_per_s(rate_kbps);
  const double elapsed_s = std::chrono::duration<double>(now - at_).count();
  tokens_ = std::min(tokens_ + rate * elapsed_s, std::max(rate * burst_s, packet_bytes));
  at_ = now;
  if (tokens_ < worth_sending(wanted))
    return 0;
  return std::min(wanted, static_cast<std::size_t>(tokens_));
}

time_point rate_limit::ready_at(std::uint64_t rate_kbps, std::size_t wanted) const {
  const double missing_s =
      (worth_sending(wanted) - tokens_) / bytes_per_s(std::max<std::uint64_t>(rate_kbps, 1));
  const auto wait = std::chrono::duration_cast<duration>(std::chrono::duration<double>(missing_s));
  return at_ + std::max<duration>(wait, tick);
}

void rate_limit::spend(std::size_t bytes) { tokens_ = std::max(0.0, tokens_ - static_cast<double>(bytes)); }

bool flow::open(way w) const {
  if (cutting)
    return false;
  switch (conditions.mode) {
  case traffic::open:
    return true;
  case traffic::oneway:
    return w == way::down;
  case traffic::blackhole:
  case traffic::reset:
    return false;
  }
  return false;
}

bool flow::reachable() const { return open(way::up) && open(way::down); }

time_point flow::due(time_point now) {
  double ms = conditions.latency_ms;
  if (conditions.jitter_ms > 0) {
    ms += std::uniform_real_distribution<>{-conditions.jitter_ms, conditions.jitter_ms}(random_);
  }
  // A lost packet is not lost to those who speak TCP: it arrives a retransmission time later, and all behind
  // it too.
  double timeout_ms = 2 * conditions.latency_ms + retransmission_ms_min;
  std::bernoulli_distribution lost{conditions.loss};
  for (int i = 0; i < retransmissions_max && lost(random_); ++i) {
    ms += timeout_ms;
    timeout_ms *= 2;
  }
  if (ms <= 0)
    return now;
  const auto exact =
      now + std::chrono::duration_cast<duration>(std::chrono::duration<double, std::milli>(ms));
  const auto late = exact.time_since_epoch() % tick;
  return late == duration::zero() ? exact : exact + (tick - late);
}

std::size_t flow::allowance(way w, std::size_t wanted, time_point now) {
  if (conditions.cut_after_bytes && counts_for_cut(w)) {
    wanted = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, *conditions.cut_after_bytes));
  }
  return rates_.at(index(w)).allowance(conditions.rate_kbps, wanted, now);
}

time_point flow::ready_at(way w, std::size_t wanted) const {
  return rates_.at(index(w)).ready_at(conditions.rate_kbps, wanted);
}

void flow::passed(way w, std::size_t bytes) {
  bytes_.at(index(w)) += bytes;
  rates_.at(index(w)).spend(bytes);
  if (!conditions.cut_after_bytes || !counts_for_cut(w))
    return;
  *conditions.cut_after_bytes -= std::min<std::uint64_t>(bytes, *conditions.cut_after_bytes);
  cutting = *conditions.cut_after_bytes == 0;
}

std::uint64_t flow::bytes(way w) const { return bytes_.at(index(w)); }

bool flow::counts_for_cut(way w) const {
  switch (conditions.cut_direction) {
  case cut_side::both:
    return true;
  case cut_side::up:
    return w == way::up;
  case cut_side::down:
    return w == way::down;
  }
  return true;
}

} // namespace chasqui::link
