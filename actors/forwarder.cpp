#include "actors/forwarder.hpp"

#include <caf/all.hpp>

#include <utility>

namespace chasqui {

namespace {

using self_pointer = forwarder_shell::stateful_pointer<forwarder_state>;
constexpr std::chrono::milliseconds tick_interval{100};
constexpr std::chrono::seconds local_timeout{10};

void act(self_pointer self, forwarder_actions actions);

moment now(self_pointer self) { return now_of(self, self->state.wall); }

void leave(self_pointer self, const fault& why) {
  self->state.session.reset();
  self->quit(why ? to_error(why) : caf::error{caf::exit_reason::user_shutdown});
}

// Without the log there is nothing to forward, whatever the reason; only the buffer's own verdicts mean more.
void on_log_error(self_pointer self, const caf::error& e) {
  auto why = to_fault(e);
  if (!is_link_fault(why.code) && why.code != fault_code::diverged)
    why.code = fault_code::store_unavailable;
  leave(self, why);
}

void pull(self_pointer self, const take& what) {
  self->request(self->state.peers.buffer, local_timeout, what)
      .then([self](batch& b) { act(self, self->state.core->on_batch(std::move(b), now(self).steady)); },
            [self](const caf::error& e) {
              if (auto why = to_fault(e); why.code == fault_code::diverged)
                act(self, self->state.core->on_hole(std::move(why), now(self).steady));
              else
                on_log_error(self, e);
            });
}

void ask_way(self_pointer self, const align& what) {
  self->request(self->state.peers.buffer, local_timeout, what)
      .then(
          [self](alignment& a) { act(self, self->state.core->on_alignment(std::move(a), now(self).steady)); },
          [self](const caf::error& e) { on_log_error(self, e); });
}

// Without an answer it is asked again: the entry still waits.
void ask_about(self_pointer self, const find& what) {
  self->request(self->state.peers.buffer, local_timeout, what)
      .then(
          [self](const life& found) { act(self, self->state.core->on_dependency(found, now(self).steady)); },
          [self](const caf::error& e) {
            if (to_fault(e).code == fault_code::not_found)
              act(self, self->state.core->on_dependency(std::nullopt, now(self).steady));
            else
              on_log_error(self, e);
          });
}

void act(self_pointer self, forwarder_actions actions) {
  auto& s = self->state;
  if (!actions.send.empty() && s.session)
    s.session->send(std::move(actions.send));
  for (auto& letter : actions.refused)
    self->send(s.peers.buffer, std::move(letter));
  for (auto& outcome : actions.decided)
    self->send(s.peers.buffer, std::move(outcome));
  if (actions.done) {
    self->send(s.peers.buffer, *actions.done);
    self->send(s.peers.watcher, *actions.done);
  }
  if (actions.lost)
    self->send(s.peers.buffer, std::move(*actions.lost));
  if (actions.ask)
    ask_way(self, *actions.ask);
  if (actions.ask_about)
    ask_about(self, *actions.ask_about);
  if (actions.look && s.session)
    s.session->look();
  if (actions.moves)
    self->send(s.peers.supervisor, link_moves{s.lane, actions.moves->waits, actions.moves->wants,
                                              actions.moves->of, actions.moves->at});
  if (actions.in_step)
    self->send(s.peers.supervisor, link_up{s.lane});
  if (actions.pull)
    pull(self, *actions.pull);
  if (actions.quit)
    leave(self, *actions.quit);
}

void open_session(self_pointer self, const position& log) {
  auto& s = self->state;
  primary_listener listener;
  listener.opened = answer_to<primary_opened>(self, [self](primary_opened o) {
    act(self, self->state.core->on_opened(std::move(o), now(self).steady));
  });
  listener.answered =
      answer_to<std::vector<segment_answer>>(self, [self](const std::vector<segment_answer>& answers) {
        act(self, self->state.core->on_answers(answers, now(self)));
      });
  listener.moved = answer_to<transmission>(
      self, [self](const transmission& t) { self->state.core->on_transmission(t, now(self).steady); });
  listener.lost = answer_to<fault>(self, [self](const fault& why) { leave(self, why); });
  s.session = s.primary->open({s.lane, log.epoch, log.released, passing_sqlstates()}, std::move(listener));
}

} // namespace

forwarder_shell::behavior_type forwarder(self_pointer self, std::shared_ptr<primary_port> primary,
                                         forwarder_peers peers, wall_clock wall, std::string lane,
                                         forwarder_limits limits) {
  auto& s = self->state;
  s.core.emplace(lane, limits);
  s.lane = std::move(lane);
  s.primary = std::move(primary);
  s.peers = std::move(peers);
  s.wall = std::move(wall);
  self->set_exit_handler([self](const caf::exit_msg& m) {
    if (m.reason == caf::exit_reason::user_shutdown)
      act(self, self->state.core->drain(now(self).steady));
    else
      self->quit(m.reason);
  });
  self->request(s.peers.buffer, local_timeout, locate{s.lane})
      .then([self](const position& log) { open_session(self, log); },
            [self](const caf::error& e) { on_log_error(self, e); });
  self->delayed_send(self, tick_interval, tick{});
  return {
      [self](const available& a) { act(self, self->state.core->on_available(a)); },
      [self](const give_up& g) { act(self, self->state.core->on_give_up(g.seq, now(self).steady)); },
      [](const io_answer& a) { a.then(); },
      [self](const tick&) {
        self->delayed_send(self, tick_interval, tick{});
        act(self, self->state.core->on_tick(now(self).steady));
      },
  };
}

} // namespace chasqui
