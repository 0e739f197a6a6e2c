#pragma once

#include "tests/simulation/dice.hpp"
#include "tests/simulation/world.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <functional>

namespace chasqui::simulation {

/// An actor system in one thread and under virtual time. Which of the actors that could run runs next is
/// chance, one message at a time; nothing else in it is.
class actor_stage {
  struct configuration : caf::actor_system_config {
    configuration();
  };
  configuration config_;

public:
  caf::actor_system system{config_};

  explicit actor_stage(std::uint64_t seed);
  actor_stage(const actor_stage&) = delete;
  actor_stage& operator=(const actor_stage&) = delete;
  /// All actors must have been told to go.
  ~actor_stage();

  /// Delivers messages until there are none; `between` is called after each, and ends it by returning false.
  void settle(const std::function<bool()>& between);

  /// Lets virtual time pass: what was scheduled for it is sent, late rather than early.
  void advance(sim_time by);

  /// The time of the actors' clock.
  [[nodiscard]] time_point now();

private:
  caf::scheduler::test_coordinator& scheduler_;
  dice chance_;
};

} // namespace chasqui::simulation
