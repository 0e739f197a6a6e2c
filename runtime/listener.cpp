#include "runtime/listener.hpp"

#include <caf/all.hpp>

#include <utility>

namespace chasqui {

namespace {

using self_pointer = listener_shell::stateful_pointer<listener_state>;
constexpr std::chrono::milliseconds retry_interval{100};

subscriber_actor name_of(self_pointer self) { return caf::actor_cast<subscriber_actor>(self->ctrl()); }

void join(self_pointer self) {
  auto& s = self->state;
  s.source = s.find();
  if (!s.source) {
    self->delayed_send(self, retry_interval, tick{});
    return;
  }
  self->monitor(s.source);
  self->send(s.source, name_of(self), s.how);
}

void hear(self_pointer self, const event_batch& batch) {
  auto& s = self->state;
  for (const auto& e : batch.events)
    s.callback(e);
  if (batch.events.empty())
    return;
  s.how.from = batch.events.back().number + 1;
  self->send(s.source, name_of(self), acknowledge{batch.events.back().number});
}

} // namespace

listener_shell::behavior_type event_listener(self_pointer self, notifier_finder find, subscribe how,
                                             std::function<void(const event&)> callback) {
  auto& s = self->state;
  s.find = std::move(find);
  s.how = how;
  s.callback = std::move(callback);
  self->set_down_handler([self](const caf::down_msg&) {
    self->state.source = nullptr;
    self->delayed_send(self, retry_interval, tick{});
  });
  join(self);
  return {
      [self](const event_batch& batch) { hear(self, batch); },
      [self](const tick&) {
        if (!self->state.source)
          join(self);
      },
  };
}

} // namespace chasqui
