#pragma once

#include "actors/lsn_watcher_core.hpp"
#include "actors/shell.hpp"
#include "messages/interfaces.hpp"

#include <memory>
#include <optional>

namespace chasqui {

/// Whom the watcher talks to.
struct lsn_watcher_peers {
  buffer_actor buffer;
  notifier_actor notifier;
  supervisor_actor supervisor;
};

struct lsn_watcher_state {
  static inline const char* name = "lsn_watcher";
  std::optional<lsn_watcher_core> core;
  std::shared_ptr<replica_probe> replica;
  lsn_watcher_peers peers;
  wall_clock wall;
  bool looking = false;
  std::uint64_t round = 0; ///< Of ticks: a wake-up for an earlier round is stale.
};

/// A wake-up of the watcher.
struct look_again {
  std::uint64_t round = 0;
};

using lsn_watcher_shell = with_shell<lsn_watcher_actor>::extend<caf::reacts_to<look_again>>;

/// Looks at the replica until it has what was committed.
lsn_watcher_shell::behavior_type lsn_watcher(lsn_watcher_shell::stateful_pointer<lsn_watcher_state> self,
                                             std::shared_ptr<replica_probe> replica, lsn_watcher_peers peers,
                                             wall_clock wall, watch_limits limits);

} // namespace chasqui

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chasqui::look_again)
