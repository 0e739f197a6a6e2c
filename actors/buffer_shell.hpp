#pragma once

// What the parts of the buffer's shell share.

#include "actors/buffer.hpp"

#include <caf/all.hpp>

#include <utility>
#include <variant>

namespace chasqui::buffer_parts {

using self_pointer = buffer_shell::stateful_pointer<buffer_state>;

/// Carries out what the core has decided.
void act(self_pointer self, buffer_actions actions);

/// How a session of a forwarder goes on.
caf::result<alignment> bring_in_step(self_pointer self, const align& what);

inline moment now(self_pointer self) { return now_of(self, self->state.wall); }

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

/// Makes a promise for what the store is asked for; `settle` takes it off the books again.
template <class T> std::pair<ticket, caf::typed_response_promise<T>> promise_read(self_pointer self) {
  const auto who = self->state.next_ticket++;
  auto promise = self->make_response_promise<T>();
  self->state.reads.emplace(who, [promise](const caf::error& e) mutable { promise.deliver(e); });
  return {who, promise};
}

inline void settle(self_pointer self, ticket who) { self->state.reads.erase(who); }

inline fault numbered_anew() {
  return {fault_code::store_unavailable, "The log was opened again, with other numbers.", ""};
}

} // namespace chasqui::buffer_parts
