#pragma once

#include "runtime/remote_client.hpp"
#include "tests/bench/latencies.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace chasqui::bench {

/// What many submissions through a session took.
struct pumped {
  latencies each;
  double per_s = 0;
};

/// Submits so many through a remote session, always with so many under way; `progressed` hears how many have
/// a receipt. What is refused is submitted again under its id.
pumped pump(remote_client& client, std::uint64_t entries, std::uint64_t in_flight,
            const std::function<std::string(std::uint64_t)>& make,
            const std::function<void(std::uint64_t)>& progressed = {});

} // namespace chasqui::bench
