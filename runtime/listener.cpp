#include "runtime/listener.hpp"

#include <caf/all.hpp>

#include <utility>

namespace chasqui {

caf::behavior outside_bridge(caf::event_based_actor* self) {
  return {[self](const outside_call& call) { call.run(self); }};
}

subscriber_actor::behavior_type event_listener(subscriber_actor::pointer self, const notifier_actor& source,
                                               std::uint64_t backlog_max,
                                               std::function<void(const event&)> callback) {
  self->send(source, subscriber_actor{self}, subscribe{backlog_max});
  return {[self, source, callback = std::move(callback)](const event_batch& batch) {
    for (const auto& e : batch.events)
      callback(e);
    if (!batch.events.empty())
      self->send(source, subscriber_actor{self}, acknowledge{batch.events.back().number});
  }};
}

} // namespace chasqui
