#include "actors/ingest_shell.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

using namespace ingest_parts;

namespace {

/// One submission on its way, with the id that it gets if it has none.
struct candidate {
  submission what;
  uuid fresh;
  std::uint64_t arrival = 0;
};

void judge(self_pointer self, const candidate& c);

/// The buffer answers.
void delegate(ingest_state& s, std::uint64_t arrival, append kept) {
  if (auto promise = take_promise(s, arrival))
    promise->delegate(s.peers.buffer, std::move(kept));
}

} // namespace

void ingest_parts::warn(self_pointer self, const append& kept, const fault& doubt) {
  event e;
  e.at = self->state.wall();
  e.kind = event_kind::preflight;
  e.lane = kept.lane;
  e.id = kept.id;
  e.detail = doubt.message;
  self->send(self->state.peers.notifier, std::move(e));
}

fault ingest_parts::crowded() {
  return {fault_code::overloaded,
          "Too many submissions wait for a look at the schema, or at rows. Submit again, with the same id.",
          ""};
}

void ingest_parts::refuse(self_pointer self, std::uint64_t arrival, append kept, const fault& doubt) {
  const auto& buffer = self->state.peers.buffer;
  const auto id = kept.id;
  self->request(buffer, local_timeout, find{id})
      .then(
          [self, arrival, kept = std::move(kept)](const life&) mutable {
            delegate(self->state, arrival, std::move(kept));
          },
          [self, arrival, doubt](const caf::error& e) {
            const bool is_new = to_fault(e).code == fault_code::not_found;
            answer(
                self->state, arrival,
                is_new
                    ? doubt
                    : fault{fault_code::outcome_unknown,
                            "The schema refuses it, and whether it was kept before cannot be found out now: "
                            "submit it again, with the same id.",
                            doubt.field});
          });
}

namespace {

fault gone() {
  return {fault_code::unavailable,
          "The runtime is stopping. Submit again, with the same id, once it is back.", ""};
}

// A promise that is dropped answers nobody.
void leave(self_pointer self, const caf::error& why) {
  auto& s = self->state;
  s.stopping = true;
  s.line->clear();
  s.in_line.clear();
  for (auto& [arrival, promise] : std::exchange(s.waiting, {}))
    promise.deliver(to_error(gone()));
  if (why == caf::exit_reason::user_shutdown)
    return quit_if_idle(self);
  for (auto& [number, group] : std::exchange(s.handed_on, {}))
    for (auto& one : group.all)
      one->promise.deliver(to_error(gone()));
  self->quit(why);
}

void release_held(self_pointer self) {
  auto& s = self->state;
  s.confirming = false;
  while (!s.confirming && !s.held.empty()) {
    const auto next = std::move(s.held.front());
    s.held.pop_front();
    next();
  }
}

/// Looks at the schema once more before it refuses. Nothing overtakes what is looked at.
void confirm(self_pointer self, const candidate& c) {
  auto& s = self->state;
  s.confirming = true;
  const auto done = [self, c, up_to = s.arrivals] {
    self->state.confirmed = up_to;
    judge(self, c);
    release_held(self);
  };
  self->request(s.peers.catalogue, s.policy.confirm_timeout, confirm_schema{})
      .then(
          [self, done](const schema_document& schema) {
            self->state.core->learn(schema);
            done();
          },
          [done](const caf::error&) { done(); });
}

void judge(self_pointer self, const candidate& c) {
  auto& s = self->state;
  if (s.stopping)
    return;
  finding found;
  auto outcome = s.core->admit(c.what, c.fresh, found);
  const auto& doubt = found.doubt;
  if (const auto* problem = std::get_if<fault>(&outcome))
    return answer(s, c.arrival, *problem);
  auto& kept = std::get<append>(outcome);
  if (doubt && s.policy.preflight == preflight_mode::enforce) {
    if (s.confirmed < c.arrival)
      confirm(self, c);
    else if (kept.id == c.fresh)
      answer(s, c.arrival, doubt);
    else
      refuse(self, c.arrival, std::move(kept), doubt);
    return;
  }
  if (doubt)
    warn(self, kept, doubt);
  if (s.policy.rows == preflight_mode::off)
    return delegate(s, c.arrival, std::move(kept));
  const bool may_be_repeated = kept.id != c.fresh;
  line_up(self, c.arrival,
          {std::move(kept),
           may_be_repeated,
           {std::move(found.questions), found.unsettles},
           s.core->schema_number()});
}

caf::result<receipt> check(self_pointer self, submission& what) {
  auto& s = self->state;
  if (s.stopping)
    return to_error(gone());
  if (s.waiting.size() >= s.policy.held_max)
    return to_error(crowded());
  const candidate c{std::move(what), make_uuid7(s.wall(), s.random), ++s.arrivals};
  auto promise = self->make_response_promise<receipt>();
  s.waiting.emplace(c.arrival, promise);
  if (s.confirming)
    s.held.emplace_back([self, c] { judge(self, c); });
  else
    judge(self, c);
  return promise;
}

// In two steps: the letter may be gone by the time the decision takes effect, and then nothing happens.
caf::result<receipt> check(self_pointer self, const decision& what) {
  auto& s = self->state;
  if (s.stopping)
    return to_error(gone());
  if (s.waiting.size() >= s.policy.held_max)
    return to_error(crowded());
  const auto arrival = ++s.arrivals;
  auto promise = self->make_response_promise<receipt>();
  s.waiting.emplace(arrival, promise);
  self->request(s.peers.buffer, local_timeout, list_dead{what.letter, 1})
      .then(
          [&s, what, arrival](const dead_letters& found) {
            auto outcome = s.core->admit(what, found, make_uuid7(s.wall(), s.random));
            if (const auto* problem = std::get_if<fault>(&outcome))
              answer(s, arrival, *problem);
            else
              delegate(s, arrival, std::move(std::get<append>(outcome)));
          },
          [self, arrival](const caf::error& e) { answer(self->state, arrival, e); });
  return promise;
}

} // namespace

ingest_shell::behavior_type ingest(self_pointer self, ingest_peers peers, wall_clock wall, ingest_core core,
                                   ingest_policy policy) {
  auto& s = self->state;
  s.core.emplace(std::move(core));
  s.peers = std::move(peers);
  s.wall = std::move(wall);
  s.policy = policy;
  s.rows.emplace(policy.rows_known_max, policy.known_for);
  s.line.emplace(policy.rows == preflight_mode::enforce, policy.line);
  if (s.peers.catalogue)
    self->send(s.peers.catalogue, schema_reader_actor{self});
  self->set_exit_handler([self](const caf::exit_msg& m) { leave(self, m.reason); });
  return {[self](submission& what) { return check(self, what); },
          [self](const decision& what) { return check(self, what); },
          [self](const schema_document& schema) { self->state.core->learn(schema); },
          [self](const tick&) { on_tick(self); }};
}

} // namespace chasqui
