#pragma once

#include "actors/moment.hpp"
#include "actors/notifier_core.hpp"
#include "adapters/ports/event_publisher.hpp"
#include "messages/interfaces.hpp"

#include <map>
#include <memory>
#include <optional>

namespace chasqui {

struct notifier_state {
  static inline const char* name = "notifier";
  std::optional<notifier_core> core;
  std::shared_ptr<event_publisher> publisher; ///< May be null.
  wall_clock wall;
  std::map<caf::actor_addr, std::uint64_t> numbers;
  std::map<std::uint64_t, subscriber_actor> subscribers;
  std::uint64_t next = 1;
};

/// Tells subscribers and listeners outside what happens.
notifier_actor::behavior_type notifier(notifier_actor::stateful_pointer<notifier_state> self,
                                       std::shared_ptr<event_publisher> publisher, wall_clock wall,
                                       notifier_limits limits);

} // namespace chasqui
