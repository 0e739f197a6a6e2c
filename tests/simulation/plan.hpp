#pragma once

#include "config/settings.hpp"
#include "messages/log.hpp"
#include "tests/simulation/world.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace chasqui::simulation {

/// What is done to the world.
enum class deed_kind : std::uint8_t {
  burst, ///< `amount` submissions, `detail` at a time.
  // The link.
  latency, ///< One way, `amount` µs.
  black_hole,
  lose_outward,
  lose_homeward,
  heal_link,
  reset_link,
  forget_connections, ///< Silently: neither side is told.
  // The primary.
  primary_crash,
  primary_start,
  primary_trouble, ///< Passing errors.
  primary_calm,
  primary_slow, ///< `amount` µs for what arrives together.
  primary_ends_sessions,
  failover, ///< The standby was `amount` µs behind.
  // The replica.
  replica_lag, ///< `amount` µs.
  replica_pause,
  replica_stop,
  replica_start, ///< And replays again, without lag.
  replica_rebuild,
  // Redis.
  redis_hang,
  redis_crash, ///< After `amount` more calls.
  redis_start, ///< Or goes on, with room.
  redis_full,  ///< Not even dead letters if `detail` is 1.
  redis_slow,  ///< Answers take up to `amount` µs.
  redis_read_only,
  redis_emptied,  ///< In passing, or while it was down if `detail` is 1.
  redis_snapshot, ///< Somebody saves what it has,
  redis_older,    ///< and it comes back with that.
  // The journal of the machine where the runtime is.
  journal_full,
  journal_slow, ///< As Redis.
  journal_away, ///< Its disk is not to be had.
  journal_start,
  // The host.
  kill,      ///< SIGKILL of the runtime, after `amount` more messages.
  power_cut, ///< Of all at the observatory, after `amount` more messages.
  host_start,
  take_over, ///< Another machine takes the log: the lease of the first has run out.
  wall_step, ///< `amount` µs onwards, or backwards if `detail` is 1.
  pause,     ///< An operator pauses the link.
  resume,
};

/// The name as it stands in the report.
std::string_view to_string(deed_kind kind);

/// Whether it is a fault, not a repair or the daily work.
bool is_fault(deed_kind kind);

struct deed {
  sim_time at{0};
  deed_kind kind = deed_kind::burst;
  std::uint64_t amount = 0;
  std::uint64_t detail = 0;
};

/// What a history is made of besides its seed.
struct plan_options {
  bool light = false; ///< With a tenth of the work.
};

/// Where the log is kept.
enum class stores_there : std::uint8_t { redis, journal, both };

/// One history: the settings, and what happens when.
struct plan {
  settings how;
  stores_there stores = stores_there::both;
  durability promise = durability::fsynced; ///< Of Redis.
  /// Redis may lose what it has acknowledged. Then the primary does not fail over: what both lose together
  /// nobody can mend.
  bool redis_loses = false;
  std::uint64_t poison_percent = 0;
  std::uint64_t flaky_percent = 0;
  std::uint64_t padding_max = 40;
  sim_time latency{0};
  std::vector<deed> deeds; ///< In order of time.
  sim_time ends_at{0};     ///< Faults are over; what is owed must be delivered soon.
};

plan make_plan(std::uint64_t seed, const plan_options& options);

} // namespace chasqui::simulation
