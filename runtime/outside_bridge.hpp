#pragma once

// How threads of the host get into the world of actors.

#include "actors/shell.hpp"
#include "messages/wire.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <variant>

namespace chasqui {

/// Calls that nobody has answered yet, by their deadline. CAF keeps a clock with a thread of its own for
/// every request that may time out; that thread would be woken twice for each submission.
class open_calls {
public:
  using give_up = std::function<void()>;

  std::uint64_t add(time_point deadline, give_up then);
  /// Whether it was still open; it no longer is.
  bool close(std::uint64_t call) { return calls_.erase(call) > 0; }
  void expire(time_point now);
  [[nodiscard]] bool empty() const { return calls_.empty(); }

private:
  struct open_call {
    time_point deadline;
    give_up then;
  };
  std::map<std::uint64_t, open_call> calls_;
  std::uint64_t next_ = 0;
};

struct bridge_state {
  static inline const char* name = "bridge";
  open_calls open;
  bool ticking = false;
};

using bridge_pointer = caf::stateful_actor<bridge_state>*;

/// A call from a thread of the host into the world of actors.
struct outside_call {
  std::function<void(bridge_pointer)> run;
};

/// Makes calls of the host's threads; it outlives every actor that could answer them.
caf::behavior outside_bridge(bridge_pointer self);

/// Looks after the open calls from now on.
void watch_calls(bridge_pointer self);

/// Asks an actor; `then` gets its answer, or a fault after `timeout`, give or take a second.
template <class Answer, class Actor, class Question, class Then>
void call(bridge_pointer self, const Actor& whom, Question what, std::chrono::milliseconds timeout,
          Then then) {
  watch_calls(self);
  auto& open = self->state.open;
  const auto number = open.add(self->clock().now() + timeout, [then] {
    then(std::variant<Answer, fault>{fault{fault_code::timed_out, "The runtime does not answer.", ""}});
  });
  self->request(whom, caf::infinite, std::move(what))
      .then(
          [=](Answer& answer) {
            if (self->state.open.close(number))
              then(std::variant<Answer, fault>{std::move(answer)});
          },
          [=](const caf::error& e) {
            if (self->state.open.close(number))
              then(std::variant<Answer, fault>{to_fault(e)});
          });
}

} // namespace chasqui

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chasqui::outside_call)
