#pragma once

#include "actors/notifier_core.hpp"
#include "actors/shell.hpp"
#include "adapters/ports/event_history.hpp"
#include "adapters/ports/event_publisher.hpp"
#include "messages/interfaces.hpp"

#include <map>
#include <memory>
#include <optional>

namespace chasqui {

/// Where the notifier's events go.
struct event_outlets {
  std::shared_ptr<event_history> history;
  std::shared_ptr<event_publisher> publisher; ///< May be null.
};

struct notifier_state {
  static inline const char* name = "notifier";
  std::optional<notifier_core> core;
  event_outlets outlets;
  wall_clock wall;
  std::map<caf::actor_addr, std::uint64_t> numbers;
  std::map<std::uint64_t, subscriber_actor> subscribers;
  std::uint64_t next = 1;
  std::size_t lists = 0; ///< Questions about the past that are not answered yet.
};

using notifier_shell = with_shell<notifier_actor>;

/// Tells subscribers and listeners outside what happens, and what has happened.
notifier_shell::behavior_type notifier(notifier_shell::stateful_pointer<notifier_state> self,
                                       event_outlets outlets, wall_clock wall, notifier_limits limits);

} // namespace chasqui
