#pragma once

#include "actors/forwarder_core.hpp"
#include "actors/shell.hpp"
#include "adapters/ports/primary.hpp"
#include "messages/interfaces.hpp"

#include <memory>
#include <optional>
#include <string>

namespace chasqui {

/// Whom a forwarder talks to.
struct forwarder_peers {
  buffer_actor buffer;
  lsn_watcher_actor watcher;
  supervisor_actor supervisor;
};

struct forwarder_state {
  static inline const char* name = "forwarder";
  std::optional<forwarder_core> core;
  std::string lane;
  std::shared_ptr<primary_port> primary;
  std::unique_ptr<primary_session> session;
  forwarder_peers peers;
  wall_clock wall;
};

using forwarder_shell = with_shell<forwarder_actor>;

/// Carries one lane to the primary over one session; quits with a fault on any trouble.
forwarder_shell::behavior_type forwarder(forwarder_shell::stateful_pointer<forwarder_state> self,
                                         std::shared_ptr<primary_port> primary, forwarder_peers peers,
                                         wall_clock wall, std::string lane, forwarder_limits limits);

} // namespace chasqui
