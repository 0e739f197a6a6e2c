#pragma once

#include "link_settings.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>

namespace chasqui::link {

/// Bytes that one way of the link may still let through under a rate limit: a token bucket.
class rate_limit {
public:
  /// How many of `wanted` bytes may pass now; 0 if it is not yet worth a packet.
  std::size_t allowance(std::uint64_t rate_kbps, std::size_t wanted, time_point now);

  /// When an allowance of 0 for `wanted` bytes is worth asking for again.
  [[nodiscard]] time_point ready_at(std::uint64_t rate_kbps, std::size_t wanted) const;

  void spend(std::size_t bytes);

private:
  double tokens_ = 0;
  time_point at_{};
};

/// What may pass the link, and when: conditions, counters and no I/O. Shared by all connections.
class flow {
public:
  settings conditions;

  /// Whether traffic that way passes at all.
  [[nodiscard]] bool open(way w) const;

  /// Whether a new connection can be made: its handshake needs both ways.
  [[nodiscard]] bool reachable() const;

  /// When something that enters the link now comes out, jitter and retransmissions included.
  time_point due(time_point now);

  /// How many of `wanted` ripe bytes may pass now, by rate and by the cut.
  std::size_t allowance(way w, std::size_t wanted, time_point now);

  [[nodiscard]] time_point ready_at(way w, std::size_t wanted) const;

  /// Counts bytes that have passed; the last one before a cut turns `cutting` on.
  void passed(way w, std::size_t bytes);

  /// From the last byte before a cut until the connections are reset, nothing passes.
  bool cutting = false;

  [[nodiscard]] std::uint64_t bytes(way w) const;

private:
  [[nodiscard]] bool counts_for_cut(way w) const;

  std::array<std::uint64_t, 2> bytes_{};
  std::array<rate_limit, 2> rates_{};
  std::mt19937_64 random_{std::random_device{}()};
};

} // namespace chasqui::link
