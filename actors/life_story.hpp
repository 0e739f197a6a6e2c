#pragma once

#include "messages/event.hpp"
#include "messages/log.hpp"

#include <vector>

namespace chasqui {

/// Which events tell of the way of this transaction.
event_filter events_of(const life& known);

/// Adds the stages that only the history of events remembers, and puts all in the order of time.
void complete(life& known, const std::vector<event>& past);

} // namespace chasqui
