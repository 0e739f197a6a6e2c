#include "actors/notifier.hpp"

#include <caf/all.hpp>

#include <utility>

namespace chasqui {

namespace {

using self_pointer = notifier_actor::stateful_pointer<notifier_state>;

void tell(self_pointer self, event e) {
  auto& s = self->state;
  for (auto& d : s.core->deliver(e))
    self->send(s.subscribers.at(d.subscriber), std::move(d.what));
  if (s.publisher)
    s.publisher->publish(e);
}

void add(self_pointer self, const subscriber_actor& who, const subscribe& how) {
  auto& s = self->state;
  const auto known = s.numbers.find(who.address());
  const auto number = known != s.numbers.end() ? known->second : s.next++;
  if (!s.core->subscribe(number, how.backlog_max))
    return;
  if (known == s.numbers.end())
    self->monitor(who);
  s.numbers.emplace(who.address(), number);
  s.subscribers.insert_or_assign(number, who);
}

void remove(self_pointer self, const caf::actor_addr& who) {
  auto& s = self->state;
  if (const auto known = s.numbers.extract(who)) {
    s.core->unsubscribe(known.mapped());
    s.subscribers.erase(known.mapped());
  }
}

void confirm(self_pointer self, const subscriber_actor& who, const acknowledge& what) {
  auto& s = self->state;
  const auto known = s.numbers.find(who.address());
  if (known == s.numbers.end())
    return;
  if (auto more = s.core->acknowledge(known->second, what.number, s.wall()))
    self->send(who, std::move(more->what));
}

} // namespace

notifier_actor::behavior_type notifier(self_pointer self, std::shared_ptr<event_publisher> publisher,
                                       wall_clock wall, notifier_limits limits) {
  auto& s = self->state;
  s.core.emplace(limits);
  s.publisher = std::move(publisher);
  s.wall = std::move(wall);
  self->set_down_handler([self](const caf::down_msg& m) { remove(self, m.source); });
  return {
      [self](event& e) { tell(self, std::move(e)); },
      [self](const subscriber_actor& who, const subscribe& how) { add(self, who, how); },
      [self](const subscriber_actor& who, const acknowledge& what) { confirm(self, who, what); },
  };
}

} // namespace chasqui
