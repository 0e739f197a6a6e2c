#include "actors/lsn_watcher.hpp"

#include <caf/all.hpp>

#include <utility>

namespace chasqui {

namespace {

using self_pointer = lsn_watcher_shell::stateful_pointer<lsn_watcher_state>;

moment now(self_pointer self) { return now_of(self, self->state.wall); }

void schedule(self_pointer self) {
  auto& s = self->state;
  self->delayed_send(self, s.core->pause(), look_again{++s.round});
}

void act(self_pointer self, watch_actions actions) {
  auto& peers = self->state.peers;
  for (auto& r : actions.arrived)
    self->send(peers.buffer, std::move(r));
  for (auto& e : actions.events)
    self->send(peers.notifier, std::move(e));
  if (actions.sign)
    self->send(peers.supervisor, sign_of_life{std::move(*actions.sign)});
}

void look(self_pointer self) {
  auto& s = self->state;
  s.looking = true;
  s.replica->look(answer_to<sighting>(self, [self](const sighting& seen) {
    self->state.looking = false;
    act(self, self->state.core->on_sighting(seen, now(self)));
    schedule(self);
  }));
}

void expect(self_pointer self, const committed& c) {
  auto& s = self->state;
  const auto planned = s.core->pause();
  s.core->on_committed(c, now(self));
  if (!s.looking && s.core->pause() < planned)
    schedule(self); // Sooner than was planned while nothing waited; never later.
}

} // namespace

lsn_watcher_shell::behavior_type lsn_watcher(self_pointer self, std::shared_ptr<replica_probe> replica,
                                             lsn_watcher_peers peers, wall_clock wall, watch_limits limits) {
  auto& s = self->state;
  s.core.emplace(limits);
  s.replica = std::move(replica);
  s.peers = std::move(peers);
  s.wall = std::move(wall);
  look(self);
  return {
      [self](const committed& c) { expect(self, c); },
      [self](const get_report&) { return self->state.core->report(self->clock().now()); },
      [](const io_answer& a) { a.then(); },
      [](const tick&) {},
      [self](const look_again& due) {
        if (due.round == self->state.round && !self->state.looking)
          look(self);
      },
  };
}

} // namespace chasqui
