#pragma once

#include "tests/simulation/checker.hpp"
#include "tests/simulation/plan.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace chasqui::simulation {

/// What one history was, and whether all promises were kept.
struct outcome {
  std::uint64_t seed = 0;
  std::optional<violation> broken;
  sim_time lasted{0};

  std::uint64_t acknowledged = 0;
  std::uint64_t named = 0;                     ///< Of these, lost by a store and named as missing.
  std::map<std::string, std::uint64_t> faults; ///< By kind.
};

/// Lives through the history of that seed. Every deed, and what the runtime says, goes to `log` if there is
/// one.
outcome run_history(std::uint64_t seed, const plan_options& options, std::ostream* log);

} // namespace chasqui::simulation
