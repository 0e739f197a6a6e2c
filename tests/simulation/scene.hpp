#pragma once

#include "tests/simulation/checker.hpp"
#include "tests/simulation/link.hpp"
#include "tests/simulation/log_access.hpp"
#include "tests/simulation/plan.hpp"
#include "tests/simulation/primary_access.hpp"
#include "tests/simulation/replica_server.hpp"

#include <array>

namespace chasqui::simulation {

/// All that is not the runtime, nor who uses it: the link and what stands at both its ends.
struct scene {
  scene(const plan& p, std::uint64_t seed);
  scene(const scene&) = delete;
  scene& operator=(const scene&) = delete;

  /// Does what a plan may do to the link, the primary, the replica and the store; nothing for other deeds.
  void carry_out(const deed& d);
  /// Ends every fault.
  void heal();
  /// The observatory's power is cut, and with it that of the stores.
  void lose_power();
  /// The runtime is on the other machine from now on, and Redis is free.
  void change_machine();
  [[nodiscard]] log_access& journal() { return journals.at(machine); }
  /// Whether any store has this entry.
  [[nodiscard]] bool has(const uuid& id) const;
  /// Whether any store has given new numbers to its entries.
  [[nodiscard]] bool was_renumbered() const;

  world events;
  checker account;
  link path;
  primary_server primary;
  primary_access access;
  replica_server replica;
  log_access redis;
  std::array<log_access, 2> journals; ///< One a machine.
  std::size_t machine = 0;            ///< Where the runtime is.
  sim_time trouble_at{0};             ///< When the stores or the runtime were last disturbed.

private:
  void trouble_link(const deed& d);
  void trouble_primary(const deed& d);
  void trouble_replica(const deed& d);
  void trouble_redis(const deed& d);
  void trouble_journal(const deed& d);
  void lose(losses lost);
  /// Whether the journal must have this one's name, whatever it does have.
  [[nodiscard]] bool is_noted(const uuid& id) const;
  void leave_journal();
  void fail_over(sim_time standby_lag);

  const plan& plan_;
};

} // namespace chasqui::simulation
