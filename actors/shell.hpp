#pragma once

// What every actor's shell needs to hear from the outside world.

#include "actors/moment.hpp"
#include "adapters/ports/handler.hpp"

#include <caf/actor_cast.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <functional>
#include <utility>

namespace chasqui {

/// An answer of an adapter, on its way from the I/O thread to the actor that asked: what to do with it.
struct io_answer {
  std::function<void()> then;
};

/// Time has passed.
struct tick {};

/// An actor's interface with what only its own shell may send it.
template <class Interface>
using with_shell = typename Interface::template extend<caf::reacts_to<io_answer>, caf::reacts_to<tick>>;

/// A handler for an adapter: carries the answer to `self`, where `then` takes it. An answer to an actor that
/// is gone is dropped.
template <class Answer, class Self, class Then> handler<Answer> answer_to(Self* self, Then then) {
  auto weak = caf::weak_actor_ptr{self->ctrl()};
  return [weak = std::move(weak), then = std::move(then)](Answer answer) {
    if (auto strong = caf::actor_cast<caf::strong_actor_ptr>(weak))
      caf::anon_send(caf::actor_cast<caf::actor>(strong),
                     io_answer{[then, answer = std::move(answer)]() mutable { then(std::move(answer)); }});
  };
}

/// Now, on the actor system's clock and the given wall clock.
template <class Self> moment now_of(Self* self, const wall_clock& wall) {
  return {self->clock().now(), wall()};
}

} // namespace chasqui

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chasqui::io_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chasqui::tick)
