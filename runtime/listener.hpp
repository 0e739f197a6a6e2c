#pragma once

#include "messages/interfaces.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <functional>

namespace chasqui {

/// A call from a thread of the host into the world of actors.
struct outside_call {
  std::function<void(caf::event_based_actor*)> run;
};

/// Makes calls of the host's threads; it outlives every actor that could answer them.
caf::behavior outside_bridge(caf::event_based_actor* self);

/// Hands events to a callback, and asks for more when it returns.
subscriber_actor::behavior_type event_listener(subscriber_actor::pointer self, const notifier_actor& source,
                                               std::uint64_t backlog_max,
                                               std::function<void(const event&)> callback);

} // namespace chasqui

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chasqui::outside_call)
