#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string_view>
#include <vector>

namespace chasqui::soak {

/// What can be struck; one fault at a time has it.
enum class part : std::uint8_t { daemon, redis, journal, link, primary, replica };

/// A kind of fault.
struct fault_kind {
  std::string_view name;
  std::vector<part> strikes;
  std::chrono::milliseconds hold_max; ///< It is healed after so long at most.
  int weight;                         ///< So often in a deck.
};

/// What is to be done next: all of it follows from the seed.
struct planned_fault {
  std::size_t kind = 0;
  std::chrono::milliseconds pause; ///< Before it.
  std::chrono::milliseconds hold;
  std::uint64_t draw = 0; ///< Chooses its figures, such as a latency.
};

/// Deals faults without end. Kinds are dealt like cards, so that each of them comes as often as its weight
/// says; faults of different parts may overlap.
class plan {
public:
  plan(std::span<const fault_kind> kinds, std::uint64_t seed, std::chrono::milliseconds pause_max)
      : kinds_{kinds}, random_{seed}, pause_max_{pause_max} {}

  planned_fault next();

private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; } ///< The same on every machine.
  void shuffle();

  std::span<const fault_kind> kinds_;
  std::mt19937_64 random_;
  std::chrono::milliseconds pause_max_;
  std::vector<std::size_t> deck_;
};

} // namespace chasqui::soak
