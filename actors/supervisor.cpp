#include "actors/supervisor.hpp"

#include <caf/all.hpp>

#include <utility>

namespace chasqui {

namespace {

using self_pointer = supervisor_shell::stateful_pointer<supervisor_state>;
constexpr std::chrono::milliseconds tick_interval{50};
constexpr std::chrono::milliseconds progress_interval{1000};

moment now(self_pointer self) { return now_of(self, self->state.around.wall); }

double jitter(self_pointer self) { return std::uniform_real_distribution{}(self->state.random); }

void start_child(self_pointer self, std::size_t index) {
  auto& s = self->state;
  s.running[index] = s.table[index].start(caf::actor_cast<supervisor_actor>(self->ctrl()));
  self->monitor(s.running[index]);
}

void act(self_pointer self, const supervision_actions& actions) {
  auto& s = self->state;
  for (const auto& order : actions.stop)
    self->send_exit(s.running[order.child],
                    order.at_once ? caf::exit_reason::kill : caf::exit_reason::user_shutdown);
  for (const auto& order : actions.give_up)
    if (const auto& forwarder = s.running[order.child])
      self->send(caf::actor_cast<forwarder_actor>(forwarder),
                 give_up{s.table[order.child].spec.lane, order.seq});
  for (const auto index : actions.start)
    start_child(self, index);
  if (const auto notifier = s.around.notifier())
    for (const auto& e : actions.events)
      self->send(notifier, e);
  if (actions.finished) {
    const auto stopped = s.around.stopped;
    const auto why = *actions.finished;
    self->quit();
    stopped(why);
  }
}

void on_down(self_pointer self, const caf::down_msg& m) {
  auto& running = self->state.running;
  for (std::size_t i = 0; i < running.size(); ++i) {
    if (running[i] == nullptr || running[i].address() != m.source)
      continue;
    running[i] = nullptr;
    act(self, self->state.core->on_down(i, to_fault(m.reason), now(self), jitter(self)));
    return;
  }
}

void look_for_life(self_pointer self) {
  auto& s = self->state;
  const auto at = self->clock().now();
  if (!s.around.primary || s.pinging || !s.core->is_backing_off() ||
      at - s.pinged_at < s.around.ping_interval)
    return;
  s.pinging = true;
  s.pinged_at = at;
  s.around.primary->ping(answer_to<fault>(self, [self](const fault& problem) {
    self->state.pinging = false;
    act(self, self->state.core->on_ping(!problem, now(self)));
  }));
}

void look_for_progress(self_pointer self) {
  auto& s = self->state;
  const auto at = self->clock().now();
  const auto buffer = s.around.buffer();
  if (!buffer || at - s.asked_at < progress_interval)
    return;
  s.asked_at = at;
  self->request(buffer, progress_interval, get_report{})
      .then(
          [self](const log_report& log) {
            act(self, self->state.core->on_progress(log, now(self), jitter(self)));
          },
          [](const caf::error&) {}); // Asked again in a second; a buffer that is gone shows as a DOWN.
}

void on_tick(self_pointer self) {
  self->delayed_send(self, tick_interval, tick{});
  act(self, self->state.core->on_tick(now(self)));
  look_for_life(self);
  look_for_progress(self);
}

} // namespace

supervisor_shell::behavior_type supervisor(self_pointer self, std::vector<child_row> table,
                                           supervision_policy policy, supervisor_surroundings around) {
  auto& s = self->state;
  std::vector<child_spec> specs;
  specs.reserve(table.size());
  for (const auto& row : table)
    specs.push_back(row.spec);
  s.core.emplace(std::move(specs), policy);
  s.running.resize(table.size());
  s.table = std::move(table);
  s.around = std::move(around);
  s.random.seed(s.around.jitter_seed);
  self->set_down_handler([self](const caf::down_msg& m) { on_down(self, m); });
  act(self, s.core->start(now(self)));
  self->delayed_send(self, tick_interval, tick{});
  return {
      [self](const link_up& up) { act(self, self->state.core->on_link_up(up.lane, now(self))); },
      [self](const link_moves& m) {
        act(self, self->state.core->on_link_moves(m.lane, {m.waits, m.wants, m.of, m.at}, now(self)));
      },
      [self](const sign_of_life&) { act(self, self->state.core->on_sign_of_life(now(self))); },
      [self](const steer& what) {
        act(self, self->state.core->on_steer(what, now(self)));
        return self->state.core->link();
      },
      [self](const get_report&) { return self->state.core->report(); },
      [self](const shut_down& how) { act(self, self->state.core->shut_down(now(self), how.grace)); },
      [](const io_answer& a) { a.then(); },
      [self](const tick&) { on_tick(self); },
  };
}

} // namespace chasqui
