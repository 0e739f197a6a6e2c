#pragma once

#include "actors/shell.hpp"
#include "messages/interfaces.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <functional>

namespace chasqui {

/// Where a listener finds the notifier that runs now; a restart replaces it.
using notifier_finder = std::function<notifier_actor()>;

struct listener_state {
  static inline const char* name = "listener";
  notifier_finder find;
  notifier_actor source;
  subscribe how;
  std::function<void(const event&)> callback;
};

using listener_shell = subscriber_actor::extend<caf::reacts_to<tick>>;

/// Hands events to a callback, and asks for more when it returns. When the notifier is restarted, it goes on
/// behind the last event it had.
listener_shell::behavior_type event_listener(listener_shell::stateful_pointer<listener_state> self,
                                             notifier_finder find, subscribe how,
                                             std::function<void(const event&)> callback);

} // namespace chasqui
