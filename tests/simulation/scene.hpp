#pragma once

#include "tests/simulation/checker.hpp"
#include "tests/simulation/link.hpp"
#include "tests/simulation/log_access.hpp"
#include "tests/simulation/plan.hpp"
#include "tests/simulation/primary_access.hpp"
#include "tests/simulation/replica_server.hpp"

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
  /// The host's power is cut, and with it the store's.
  void lose_power();

  world events;
  checker account;
  link path;
  primary_server primary;
  primary_access access;
  replica_server replica;
  log_server store;
  log_access log;

private:
  void trouble_link(const deed& d);
  void trouble_primary(const deed& d);
  void trouble_replica(const deed& d);
  void trouble_store(const deed& d);
  void fail_over(sim_time standby_lag);

  const plan& plan_;
};

} // namespace chasqui::simulation
