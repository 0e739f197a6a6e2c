#include "actors/ingest.hpp"

#include <caf/all.hpp>

#include <utility>

namespace chasqui {

namespace {

using self_pointer = ingest_actor::stateful_pointer<ingest_state>;
constexpr std::chrono::seconds local_timeout{5};

uuid fresh_id(ingest_state& s) {
  const auto word = [&] { return (std::uint64_t{s.random()} << 32U) | s.random(); };
  const auto high = word();
  return make_uuid7(s.wall(), high, word());
}

caf::result<receipt> check(self_pointer self, const submission& what) {
  auto& s = self->state;
  auto outcome = s.core->admit(what, fresh_id(s));
  if (const auto* problem = std::get_if<fault>(&outcome))
    return to_error(*problem);
  return self->delegate(s.buffer, std::move(std::get<append>(outcome)));
}

// In two steps: the letter may be gone by the time the decision takes effect, and then nothing happens.
caf::result<receipt> check(self_pointer self, const decision& what) {
  auto promise = self->make_response_promise<receipt>();
  const auto refuse = [promise](const caf::error& e) mutable { promise.deliver(e); };
  self->request(self->state.buffer, local_timeout, list_dead{what.letter, 1})
      .then(
          [self, what, promise](const dead_letters& found) mutable {
            auto& s = self->state;
            auto outcome = s.core->admit(what, found, fresh_id(s));
            if (const auto* problem = std::get_if<fault>(&outcome))
              promise.deliver(to_error(*problem));
            else
              promise.delegate(s.buffer, std::move(std::get<append>(outcome)));
          },
          refuse);
  return promise;
}

} // namespace

ingest_actor::behavior_type ingest(self_pointer self, buffer_actor buffer, wall_clock wall,
                                   ingest_core core) {
  auto& s = self->state;
  s.core.emplace(std::move(core));
  s.buffer = std::move(buffer);
  s.wall = std::move(wall);
  return {[self](const submission& what) { return check(self, what); },
          [self](const decision& what) { return check(self, what); }};
}

} // namespace chasqui
