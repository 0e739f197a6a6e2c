#include "actors/buffer.hpp"

#include "actors/life_story.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <utility>
#include <variant>

namespace chasqui {

namespace {

using self_pointer = buffer_shell::stateful_pointer<buffer_state>;
using call = std::function<void()>;
constexpr std::chrono::milliseconds tick_interval{50};
constexpr std::chrono::milliseconds recall_timeout{1000};
constexpr std::uint64_t recalled_max = 100; ///< Events about one transaction.

template <class T> void answer(caf::typed_response_promise<T>& promise, T value, const fault& problem) {
  if (problem)
    promise.deliver(to_error(problem));
  else
    promise.deliver(std::move(value));
}

template <class T> void answer(caf::typed_response_promise<T>& promise, std::variant<T, fault> outcome) {
  if (const auto* problem = std::get_if<fault>(&outcome))
    promise.deliver(to_error(*problem));
  else
    promise.deliver(std::move(std::get<T>(outcome)));
}

void act(self_pointer self, buffer_actions actions);

moment now(self_pointer self) { return now_of(self, self->state.wall); }

// What the store was asked for is not answered any more once it is opened again.
void end_reads(self_pointer self, const fault& why) {
  for (auto& [who, tell] : std::exchange(self->state.reads, {}))
    tell(to_error(why));
}

void ask_store(self_pointer self, buffer_actions& actions) {
  auto& s = self->state;
  if (actions.open) {
    s.renumbering = false;
    end_reads(self, {fault_code::store_unavailable, "The log is being opened again.", ""});
    s.store->open(s.core->lanes(), answer_to<log_opened>(self, [self](log_opened opened) {
                    act(self, self->state.core->on_opened(std::move(opened), now(self)));
                  }));
  }
  if (!actions.append.empty())
    s.store->append(std::move(actions.append),
                    answer_to<append_result>(self, [self](const append_result& result) {
                      act(self, self->state.core->on_appended(result, now(self)));
                    }));
  for (auto& letter : actions.bury)
    s.store->bury(letter, answer_to<fault>(self, [self, letter](const fault& problem) {
                    act(self, self->state.core->on_buried(letter, problem, now(self)));
                  }));
  for (auto& outcome : actions.settle)
    s.store->settle(outcome, answer_to<fault>(self, [self, outcome](const fault& problem) {
                      act(self, self->state.core->on_settled(outcome, problem, now(self)));
                    }));
  if (actions.count_dead)
    s.store->list_dead({{}, 1}, answer_to<dead_page>(self, [self](const dead_page& page) {
                         if (!page.problem)
                           self->state.core->on_counted(page.page.total);
                       }));
  for (auto& order : actions.mark)
    s.store->mark(std::move(order.marks), order.trim_through,
                  answer_to<fault>(self, [self](const fault& problem) {
                    act(self, self->state.core->on_marked(problem, now(self)));
                  }));
}

void tell_others(self_pointer self, buffer_actions& actions) {
  auto& s = self->state;
  for (auto& reply : actions.replies)
    if (auto found = s.appends.extract(reply.who))
      answer(found.mapped(), std::move(reply.proof), reply.problem);
  for (auto& over : actions.waits)
    if (auto found = s.waits.extract(over.who))
      answer(found.mapped(), over.what, over.problem);
  for (auto& hint : actions.hints)
    if (const auto taker = caf::actor_cast<caf::actor>(s.takers[hint.lane]))
      self->send(caf::actor_cast<forwarder_actor>(taker), std::move(hint));
  for (auto& e : actions.events)
    self->send(s.notifier, std::move(e));
}

// Who waits for a mark waits for actors that have stopped before this one.
void end_waits(self_pointer self, const fault& why) {
  for (auto& [who, promise] : std::exchange(self->state.waits, {}))
    promise.deliver(to_error(why));
}

// A promise that is dropped answers nobody: whoever still waits is told.
void leave(self_pointer self, const fault& why) {
  auto& s = self->state;
  const fault gone{fault_code::unavailable, why ? why.message : "The runtime is stopping.", ""};
  for (auto& [who, promise] : s.appends)
    promise.deliver(to_error(gone));
  end_reads(self, gone);
  for (auto& [lane, promise] : s.locates)
    promise.deliver(to_error(gone));
  end_waits(self, gone);
  self->quit(why ? to_error(why) : caf::error{caf::exit_reason::user_shutdown});
}

// Makes a promise for what the store is asked for; `settle` takes it off the books again.
template <class T> std::pair<ticket, caf::typed_response_promise<T>> promise_read(self_pointer self) {
  const auto who = self->state.next_ticket++;
  auto promise = self->make_response_promise<T>();
  self->state.reads.emplace(who, [promise](const caf::error& e) mutable { promise.deliver(e); });
  return {who, promise};
}

void settle(self_pointer self, ticket who) { self->state.reads.erase(who); }

void answer_locates(buffer_state& s) {
  for (auto& [lane, promise] : std::exchange(s.locates, {}))
    answer(promise, s.core->locate(lane));
}

fault numbered_anew() {
  return {fault_code::store_unavailable, "The log was opened again, with other numbers.", ""};
}

// Entries have other numbers now: who forwards has to begin anew.
void dismiss_forwarders(self_pointer self) {
  auto& s = self->state;
  for (const auto& [lane, address] : std::exchange(s.forwarders, {})) {
    if (const auto one = caf::actor_cast<caf::actor>(address))
      self->send_exit(one, to_error(numbered_anew()));
    s.dismissed[lane] = address;
  }
}

// What a forwarder tells or asks that was dismissed is not about the numbers of today.
bool is_heard(self_pointer self, const std::string& lane) {
  const auto found = self->state.dismissed.find(lane);
  return found == self->state.dismissed.end() || self->current_sender() != found->second;
}

void act(self_pointer self, buffer_actions actions) {
  if (actions.dismiss)
    dismiss_forwarders(self);
  ask_store(self, actions);
  tell_others(self, actions);
  if (!self->state.core->is_opening())
    answer_locates(self->state);
  if (actions.quit)
    leave(self, *actions.quit);
}

caf::result<receipt> keep(self_pointer self, append what) {
  auto& s = self->state;
  const auto who = s.next_ticket++;
  auto promise = self->make_response_promise<receipt>();
  s.appends.emplace(who, promise);
  act(self, s.core->on_append(who, std::move(what), now(self)));
  return promise;
}

caf::result<batch> give(self_pointer self, const take& what) {
  auto& s = self->state;
  if (const auto problem = s.core->may_take(what))
    return to_error(problem);
  if (!is_heard(self, what.lane))
    return to_error(numbered_anew());
  s.takers[what.lane] = caf::actor_cast<caf::actor_addr>(self->current_sender());
  auto [who, promise] = promise_read<batch>(self);
  s.store->read(
      what, answer_to<log_slice>(self, [self, what, who = who, promise = promise](log_slice slice) mutable {
        settle(self, who);
        buffer_actions actions;
        answer(promise, self->state.core->on_slice(what, std::move(slice), actions, now(self)));
        act(self, std::move(actions));
      }));
  return promise;
}

using align_promise = caf::typed_response_promise<alignment>;

void end_align(self_pointer self, const align& what, ticket who, align_promise promise, seqno missing_to,
               const roll_page& roll) {
  settle(self, who);
  answer(promise, self->state.core->end_align(what, missing_to, roll.lines));
}

void call_roll(self_pointer self, const align& what, ticket who, const align_promise& promise, seqno gone) {
  self->state.store->call_roll(what.lane, what.cursor + 1, std::min(gone, what.cursor + suspects_max),
                               suspects_max, answer_to<roll_page>(self, [=](const roll_page& roll) {
                                 end_align(self, what, who, promise, gone, roll);
                               }));
}

// Whoever has been replaced, and has not heard of it, knows neither what is missing nor its names: saving the
// marks tells whose the log is.
void look_behind(self_pointer self, const align& what, ticket who, const align_promise& promise) {
  const auto confirm = [=](const log_slice& slice) {
    const auto gone = slice.missing_to;
    if (gone == 0)
      return end_align(self, what, who, promise, 0, {});
    self->state.store->mark(self->state.core->marks_of(what.lane), 0,
                            answer_to<fault>(self, [=](const fault& problem) {
                              if (!problem)
                                return call_roll(self, what, who, promise, gone);
                              settle(self, who);
                              align_promise{promise}.deliver(to_error(problem));
                            }));
  };
  self->state.store->read({what.lane, what.cursor + 1, 1, 1}, answer_to<log_slice>(self, confirm));
}

// Nothing may be numbered as something else was: every entry gets a number that was never given, and what the
// primary has applied already is skipped by its id.
void renumber(self_pointer self, const align& what, ticket who, align_promise promise) {
  auto& s = self->state;
  const auto stand = s.core->locate(what.lane);
  const auto* log = std::get_if<position>(&stand);
  // One lane at a time: the log is opened again behind it, and the new numbers of another would not be noted.
  if (log == nullptr || std::exchange(s.renumbering, true)) {
    settle(self, who);
    promise.deliver(to_error(log == nullptr ? std::get<fault>(stand) : numbered_anew()));
    return;
  }
  const auto head = log->head;
  s.store->renumber(
      what.lane, std::max(head, what.cursor) + 1, answer_to<fault>(self, [=](fault problem) mutable {
        settle(self, who);
        if (problem.code == fault_code::unavailable) { // Not now: nothing has changed.
          self->state.renumbering = false;
          promise.deliver(to_error(problem));
          return;
        }
        if (!problem)
          problem = {fault_code::store_unavailable,
                     "Log and primary disagreed from entry " + std::to_string(what.cursor) + " of lane " +
                         what.lane + " on: the log was numbered anew, and is opened again.",
                     ""};
        promise.deliver(to_error(problem));
        act(self, self->state.core->reopen(problem.message, now(self)));
      }));
}

// Nobody stands at the cursor: who stands before it and was not released may never have been applied.
void look_before(self_pointer self, const align& what, ticket who, const align_promise& promise) {
  const auto stand = self->state.core->locate(what.lane);
  const auto* log = std::get_if<position>(&stand);
  const auto from = log == nullptr ? what.cursor : log->released + 1;
  self->state.store->read({what.lane, from, 1, 1}, answer_to<log_slice>(self, [=](const log_slice& slice) {
                            if (buffer_core::stands_before(what.cursor, from, slice))
                              renumber(self, what, who, promise);
                            else
                              look_behind(self, what, who, promise);
                          }));
}

caf::result<alignment> bring_in_step(self_pointer self, const align& what) {
  auto& s = self->state;
  const auto step = s.core->begin_align(what);
  if (const auto* problem = std::get_if<fault>(&step))
    return to_error(*problem);
  s.forwarders[what.lane] = caf::actor_cast<caf::actor_addr>(self->current_sender());
  if (!s.store->is_settled(what.lane))
    return to_error({fault_code::unavailable, "The log is not in order yet: Redis is away.", ""});
  auto [who, promise] = promise_read<alignment>(self);
  switch (std::get<align_step>(step)) {
  case align_step::look:
    look_behind(self, what, who, promise);
    break;
  case align_step::renumber:
    renumber(self, what, who, promise);
    break;
  case align_step::compare:
    s.store->read(
        {what.lane, what.cursor, 1, 1},
        answer_to<log_slice>(self, [self, what, who = who, promise = promise](const log_slice& slice) {
          if (buffer_core::is_another(what, slice))
            renumber(self, what, who, promise);
          else if (slice.problem.code == fault_code::diverged)
            look_before(self, what, who, promise);
          else
            look_behind(self, what, who, promise);
        }));
  }
  return promise;
}

caf::result<position> stand(self_pointer self, const std::string& lane) {
  auto& s = self->state;
  auto promise = self->make_response_promise<position>();
  s.locates.emplace_back(lane, promise);
  if (!s.core->is_opening())
    answer_locates(s);
  return promise;
}

using life_promise = caf::typed_response_promise<life>;

void tell_life(self_pointer self, ticket who, life_promise promise, const life& known) {
  settle(self, who);
  promise.deliver(known);
}

// What the buffer does not remember itself, the history of events may; without it, the life is told as it is
// known.
void recall(self_pointer self, ticket who, const life_promise& promise, const life& known) {
  const list_events question{from_the_oldest, recalled_max, events_of(known)};
  self->request(self->state.notifier, recall_timeout, question)
      .then(
          [=](const past_events& past) {
            auto whole = known;
            complete(whole, past.events);
            tell_life(self, who, promise, whole);
          },
          [=](const caf::error&) { tell_life(self, who, promise, known); });
}

caf::result<life> trace(self_pointer self, uuid id) {
  auto [who, promise] = promise_read<life>(self);
  self->state.store->find(id, answer_to<log_place>(self, [self, id, who = who,
                                                          promise = promise](const log_place& place) mutable {
                            if (!place.problem)
                              return recall(self, who, promise, self->state.core->tell(id, place));
                            settle(self, who);
                            promise.deliver(to_error(place.problem));
                          }));
  return promise;
}

caf::result<reached> hold(self_pointer self, const await& what) {
  auto& s = self->state;
  const auto who = s.next_ticket++;
  auto promise = self->make_response_promise<reached>();
  s.waits.emplace(who, promise);
  if (what.what == condition::transaction)
    s.store->find(what.id, answer_to<log_place>(self, [self, who, what](const log_place& place) {
                    act(self, self->state.core->on_await(who, what, place, now(self)));
                  }));
  else
    act(self, s.core->on_await(who, what, {}, now(self)));
  return promise;
}

caf::result<dead_letters> list(self_pointer self, const list_dead& what) {
  auto [who, promise] = promise_read<dead_letters>(self);
  self->state.store->list_dead(
      what, answer_to<dead_page>(self, [self, who = who, promise = promise](dead_page page) mutable {
        settle(self, who);
        answer(promise, std::move(page.page), page.problem);
      }));
  return promise;
}

caf::result<looked_up> look(self_pointer self, look_up what) {
  const auto stand = self->state.core->locate(what.lane);
  if (const auto* problem = std::get_if<fault>(&stand))
    return to_error(*problem);
  if (what.from_seq == 0)
    what.from_seq = std::get<position>(stand).released + 1;
  auto [who, promise] = promise_read<looked_up>(self);
  self->state.store->look_up(what,
                             answer_to<lookup_page>(self, [self, from = what.from_seq, who = who,
                                                           promise = promise](lookup_page page) mutable {
                               settle(self, who);
                               page.found.from_seq = from;
                               answer(promise, std::move(page.found), page.problem);
                             }));
  return promise;
}

caf::result<past_decisions> list(self_pointer self, const list_decisions& what) {
  auto [who, promise] = promise_read<past_decisions>(self);
  self->state.store->list_decisions(
      what,
      answer_to<decisions_page>(self, [self, who = who, promise = promise](decisions_page page) mutable {
        settle(self, who);
        answer(promise, std::move(page.page), page.problem);
      }));
  return promise;
}

} // namespace

buffer_shell::behavior_type buffer(self_pointer self, log_stores stores, notifier_actor notifier,
                                   wall_clock wall, const std::vector<std::string>& lanes,
                                   buffer_limits limits) {
  auto& s = self->state;
  s.core.emplace(lanes, limits);
  store_pair_limits waits;
  waits.takeover_after = std::min(waits.takeover_after, limits.submit_deadline * 2 / 5);
  waits.append_entries_max = limits.group_entries_max;
  waits.append_bytes_max = limits.group_bytes_max;
  s.store = std::make_unique<store_pair>(
      std::move(stores), waits, [self] { return self->clock().now(); },
      [turn = answer_to<call>(self, [](const call& then) { then(); })](call then) { turn(std::move(then)); },
      store_listener{[self](const store_change& change) {
                       act(self, self->state.core->on_store_change(change, now(self)));
                     },
                     [self](const std::vector<append_slot>& slots) {
                       act(self, self->state.core->on_taken_in(slots, now(self)));
                     }});
  s.notifier = std::move(notifier);
  s.wall = std::move(wall);
  self->set_exit_handler([self](const caf::exit_msg& m) {
    if (m.reason != caf::exit_reason::user_shutdown)
      return leave(self, to_fault(m.reason));
    end_waits(self, {fault_code::unavailable, "The runtime is stopping.", ""});
    act(self, self->state.core->drain(now(self)));
  });
  act(self, s.core->start());
  self->delayed_send(self, tick_interval, tick{});
  return {
      [self](append& what) { return keep(self, std::move(what)); },
      [self](const locate& what) { return stand(self, what.lane); },
      [self](const align& what) { return bring_in_step(self, what); },
      [self](const missing& m) {
        if (is_heard(self, m.lane))
          act(self, self->state.core->on_missing(m, now(self)));
      },
      [self](const take& what) { return give(self, what); },
      [self](const committed& c) {
        if (is_heard(self, c.lane))
          act(self, self->state.core->on_committed(c, now(self)));
      },
      [self](const replicated& r) { act(self, self->state.core->on_replicated(r, now(self))); },
      [self](const rejected& r) {
        if (is_heard(self, r.lane))
          act(self, self->state.core->on_rejected(r, now(self)));
      },
      [self](const resolved& r) {
        if (is_heard(self, r.lane))
          act(self, self->state.core->on_resolved(r, now(self)));
      },
      [self](const find& what) { return trace(self, what.id); },
      [self](const await& what) { return hold(self, what); },
      [self](const list_dead& what) { return list(self, what); },
      [self](const list_decisions& what) { return list(self, what); },
      [self](look_up& what) { return look(self, std::move(what)); },
      [self](const get_report&) { return self->state.core->report(self->state.wall()); },
      [](const io_answer& a) { a.then(); },
      [self](const tick&) {
        self->delayed_send(self, tick_interval, tick{});
        self->state.store->tick();
        act(self, self->state.core->on_tick(now(self)));
      },
  };
}

} // namespace chasqui
