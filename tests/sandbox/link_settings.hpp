#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chasqui::link {

using duration = std::chrono::steady_clock::duration;
using time_point = std::chrono::steady_clock::time_point;

/// Up is from the client (the observatory) to the server (Cologne).
enum class way { up, down };

/// What the link does to traffic.
enum class traffic {
  open,      // Everything passes, late by the latency.
  blackhole, // Nothing passes, nothing is told: a pulled fibre.
  oneway,    // Nothing passes up; what comes down still flows.
  reset,     // Connections are reset, new ones at once.
};

/// Which bytes `cut_after_bytes` counts.
enum class cut_side { up, down, both };

struct endpoint {
  std::string host;
  std::uint16_t port = 0;

  friend bool operator==(const endpoint& a, const endpoint& b) = default;
};

struct settings {
  traffic mode = traffic::open;
  double latency_ms = 0; // one way
  double jitter_ms = 0;
  std::uint64_t rate_kbps = 0; // kilobit per second each way, over all connections; 0 = no limit
  double loss = 0;
  std::optional<std::uint64_t> cut_after_bytes;
  cut_side cut_direction = cut_side::both;
  endpoint target;
};

/// "host:port", the host an IPv4 address or "localhost".
std::optional<endpoint> parse_endpoint(std::string_view text);

/// Amends by a line "key=value key=value" as a whole or not at all; answers what is wrong, naming what is
/// allowed.
std::optional<std::string> amend(settings& current, std::string_view line);

std::string to_string(traffic mode);
std::string to_string(cut_side side);
std::string to_string(const endpoint& e);

/// A JSON string literal of `text`, quotes included.
std::string json_string(std::string_view text);

/// A number as JSON, without trailing zeros.
std::string number(double value);

} // namespace chasqui::link
