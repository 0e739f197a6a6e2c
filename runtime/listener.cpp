#include "runtime/listener.hpp"

#include <caf/all.hpp>

#include <utility>
#include <vector>

namespace chasqui {

std::uint64_t open_calls::add(time_point deadline, give_up then) {
  calls_.emplace(++next_, open_call{deadline, std::move(then)});
  return next_;
}

void open_calls::expire(time_point now) {
  std::vector<give_up> late;
  for (auto one = calls_.begin(); one != calls_.end();)
    if (one->second.deadline <= now) {
      late.push_back(std::move(one->second.then));
      one = calls_.erase(one);
    } else {
      ++one;
    }
  for (const auto& then : late)
    then();
}

void watch_calls(bridge_pointer self) {
  constexpr std::chrono::seconds interval{1};
  if (!std::exchange(self->state.ticking, true))
    self->delayed_send(self, interval, tick{});
}

caf::behavior outside_bridge(bridge_pointer self) {
  return {[self](const outside_call& call) { call.run(self); },
          [self](const tick&) {
            auto& s = self->state;
            s.ticking = false;
            s.open.expire(self->clock().now());
            if (!s.open.empty())
              watch_calls(self);
          }};
}

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
