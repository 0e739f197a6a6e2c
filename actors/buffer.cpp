#include "actors/buffer_shell.hpp"
#include "actors/life_story.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

namespace chasqui {

using namespace buffer_parts;

namespace {

using call = std::function<void()>;
constexpr std::chrono::milliseconds tick_interval{50};
constexpr std::chrono::milliseconds recall_timeout{1000};
constexpr std::uint64_t recalled_max = 100; ///< Events about one transaction.

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
  for (const auto& order : actions.mark)
    s.store->mark(order.marks, order.trim_through, answer_to<fault>(self, [self](const fault& problem) {
                    act(self, self->state.core->on_marked(problem, now(self)));
                  }));
}

void answer_append(buffer_state& s, append_reply& reply) {
  if (auto found = s.appends.extract(reply.who))
    return answer(found.mapped(), std::move(reply.outcome.proof), reply.outcome.problem);
  const auto next = s.groups.upper_bound(reply.who);
  if (next == s.groups.begin())
    return;
  const auto found = std::prev(next);
  auto& [first, group] = *found;
  group.outcome.each.at(reply.who - first) = std::move(reply.outcome);
  if (--group.open > 0)
    return;
  group.promise.deliver(std::move(group.outcome));
  s.groups.erase(found);
}

void tell_others(self_pointer self, buffer_actions& actions) {
  auto& s = self->state;
  for (auto& reply : actions.replies)
    answer_append(s, reply);
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
  for (auto& [first, group] : s.groups) {
    for (auto& [proof, problem] : group.outcome.each)
      if (proof.seq == 0 && !problem)
        problem = gone;
    group.promise.deliver(std::move(group.outcome));
  }
  end_reads(self, gone);
  for (auto& [lane, promise] : s.locates)
    promise.deliver(to_error(gone));
  end_waits(self, gone);
  self->quit(why ? to_error(why) : caf::error{caf::exit_reason::user_shutdown});
}

void answer_locates(buffer_state& s) {
  for (auto& [lane, promise] : std::exchange(s.locates, {}))
    answer(promise, s.core->locate(lane));
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

} // namespace

void buffer_parts::act(self_pointer self, buffer_actions actions) {
  if (actions.dismiss)
    dismiss_forwarders(self);
  ask_store(self, actions);
  tell_others(self, actions);
  if (!self->state.core->is_opening())
    answer_locates(self->state);
  if (actions.quit)
    leave(self, *actions.quit);
}

namespace {

template <class News>
void hear(self_pointer self, const News& what, buffer_actions (buffer_core::*take_in)(const News&, moment)) {
  if (is_heard(self, what.lane))
    act(self, (*self->state.core.*take_in)(what, now(self)));
}

caf::result<receipt> keep(self_pointer self, append& what) {
  auto& s = self->state;
  const auto who = s.next_ticket++;
  auto promise = self->make_response_promise<receipt>();
  s.appends.emplace(who, promise);
  act(self, s.core->on_append(who, {&what, 1}, now(self)));
  return promise;
}

caf::result<group_outcome> keep(self_pointer self, append_group& what) {
  auto& s = self->state;
  const auto size = what.all.size();
  if (size == 0)
    return group_outcome{};
  const auto first = s.next_ticket;
  s.next_ticket += size;
  auto promise = self->make_response_promise<group_outcome>();
  s.groups.emplace(first, open_group{promise, {std::vector<append_outcome>(size)}, size});
  act(self, s.core->on_append(first, what.all, now(self)));
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
                            const auto& core = *self->state.core;
                            const auto problem = place.problem ? place.problem : core.doubt_of(place);
                            if (!problem)
                              return recall(self, who, promise, core.tell(id, place));
                            settle(self, who);
                            promise.deliver(to_error(problem));
                          }));
  return promise;
}

// While it is looked for, the store may be opened anew, as under any other question.
caf::result<reached> hold_for_one(self_pointer self, const await& what) {
  auto [who, promise] = promise_read<reached>(self);
  self->state.store->find(
      what.id, answer_to<log_place>(self, [self, what, who = who, promise = promise](const log_place& place) {
        if (self->state.reads.erase(who) == 0)
          return;
        self->state.waits.emplace(who, promise);
        act(self, self->state.core->on_await(who, what, place, now(self)));
      }));
  return promise;
}

caf::result<reached> hold(self_pointer self, const await& what) {
  if (what.what == condition::transaction)
    return hold_for_one(self, what);
  auto& s = self->state;
  const auto who = s.next_ticket++;
  auto promise = self->make_response_promise<reached>();
  s.waits.emplace(who, promise);
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
      [self](append& what) { return keep(self, what); },
      [self](append_group& what) { return keep(self, what); },
      [self](const locate& what) { return stand(self, what.lane); },
      [self](const align& what) { return bring_in_step(self, what); },
      [self](const missing& m) { hear(self, m, &buffer_core::on_missing); },
      [self](const take& what) { return give(self, what); },
      [self](const committed& c) { hear(self, c, &buffer_core::on_committed); },
      [self](const replicated& r) { act(self, self->state.core->on_replicated(r, now(self))); },
      [self](const rejected& r) { hear(self, r, &buffer_core::on_rejected); },
      [self](const resolved& r) { hear(self, r, &buffer_core::on_resolved); },
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
