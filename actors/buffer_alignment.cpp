// Log and primary are brought in step: what a forwarder asks before it sends anything.

#include "actors/buffer_shell.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace chasqui {

using namespace buffer_parts;

namespace {

using align_promise = caf::typed_response_promise<alignment>;

void end_align(self_pointer self, const align& what, ticket who, align_promise promise, seqno missing_to,
               const roll_page& roll) {
  settle(self, who);
  if (roll.problem.code == fault_code::unavailable) // Other trouble of the roll's leaves names unknown.
    promise.deliver(to_error(roll.problem));
  else
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

} // namespace

caf::result<alignment> buffer_parts::bring_in_step(self_pointer self, const align& what) {
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

} // namespace chasqui
