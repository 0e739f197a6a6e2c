#include "actors/ingest.hpp"

#include <caf/all.hpp>

#include <utility>

namespace chasqui {

namespace {

using self_pointer = ingest_shell::stateful_pointer<ingest_state>;
using receipt_promise = caf::typed_response_promise<receipt>;
constexpr std::chrono::seconds local_timeout{5};

uuid fresh_id(ingest_state& s) {
  const auto word = [&] { return (std::uint64_t{s.random()} << 32U) | s.random(); };
  const auto high = word();
  return make_uuid7(s.wall(), high, word());
}

/// One submission on its way, with the id that it gets if it has none.
struct candidate {
  submission what;
  uuid fresh;
  std::uint64_t arrival = 0;
};

void judge(self_pointer self, const candidate& c, receipt_promise promise);
void line_up(self_pointer self, row_look look);

void warn(self_pointer self, const append& kept, const fault& doubt) {
  event e;
  e.at = self->state.wall();
  e.kind = event_kind::preflight;
  e.lane = kept.lane;
  e.id = kept.id;
  e.detail = doubt.message;
  self->send(self->state.peers.notifier, std::move(e));
}

fault crowded() {
  return {fault_code::overloaded,
          "Too many submissions wait for a look at the schema, or at rows. Submit again, with the same id.",
          ""};
}

/// Who submits an id again gets the first receipt, whatever the schema is by now.
void refuse(self_pointer self, append kept, const fault& doubt, receipt_promise promise) {
  const auto& buffer = self->state.peers.buffer;
  const auto id = kept.id;
  self->request(buffer, local_timeout, find{id})
      .then(
          [self, kept = std::move(kept), promise](const life&) mutable {
            promise.delegate(self->state.peers.buffer, std::move(kept));
          },
          [doubt, promise](const caf::error& e) mutable {
            const bool is_new = to_fault(e).code == fault_code::not_found;
            promise.deliver(to_error(
                is_new
                    ? doubt
                    : fault{fault_code::outcome_unknown,
                            "The schema refuses it, and whether it was kept before cannot be found out now: "
                            "submit it again, with the same id.",
                            doubt.field}));
          });
}

void advance(self_pointer self);

void ask_reader(self_pointer self, const std::shared_ptr<row_look>& look,
                const std::function<void()>& answered) {
  auto& s = self->state;
  for (std::size_t i = 0; i < look->questions.size(); ++i) {
    auto what = look->questions[i].what;
    what.timeout = s.policy.confirm_timeout;
    self->request(s.peers.reader, 2 * what.timeout, std::move(what))
        .then(
            [=](const found_rows& found) {
              if (!found.replica.empty()) // It is left alone for a while.
                self->state.rows_again_at = self->clock().now() + self->state.policy.rows_pause;
              if (auto doubt = judge(look->questions[i], found); doubt && !look->doubt)
                look->doubt = std::move(doubt);
              answered();
            },
            [=](const caf::error&) { answered(); });
  }
}

/// What else could make the primary take it after all: dead letters, which may be retried, and another
/// schema.
void ask_for_excuses(self_pointer self, const std::shared_ptr<bool>& excused,
                     const std::function<void()>& answered) {
  auto& s = self->state;
  self->request(s.peers.buffer, local_timeout, list_dead{{}, 1})
      .then(
          [=](const dead_letters& found) {
            *excused = *excused || !found.letters.empty();
            answered();
          },
          [=](const caf::error&) {
            *excused = true;
            answered();
          });
  if (!s.peers.catalogue)
    return answered();
  self->request(s.peers.catalogue, s.policy.confirm_timeout, confirm_schema{})
      .then(
          [=](const schema_document& schema) {
            *excused = self->state.core->learn(schema) || *excused;
            answered();
          },
          [=](const caf::error&) { answered(); });
}

void look_at_rows(self_pointer self, const std::shared_ptr<row_look>& look, row_look::round at) {
  auto& s = self->state;
  look->at = at;
  look->doubt = {};
  if (look->questions.empty() || self->clock().now() < s.rows_again_at)
    return;
  const auto excused = std::make_shared<bool>(false);
  look->open = look->questions.size() + (at == row_look::round::last ? 2 : 0);
  ++s.looking;
  const std::function<void()> answered = [self, look, excused] {
    if (--look->open > 0)
      return;
    if (*excused)
      look->doubt = {};
    --self->state.looking;
    advance(self);
  };
  ask_reader(self, look, answered);
  if (at == row_look::round::last)
    ask_for_excuses(self, excused, answered);
}

void quit_if_idle(self_pointer self) {
  if (self->state.stopping && self->state.handed_on.empty())
    self->quit(caf::exit_reason::user_shutdown);
}

void hand_on(self_pointer self, row_look& look) {
  auto& s = self->state;
  const auto ticket = s.next_ticket++;
  s.handed_on.emplace(ticket, std::move(look.promise));
  const auto answered = [self, ticket](auto&& answer) {
    auto promise = self->state.handed_on.extract(ticket);
    promise.mapped().deliver(std::forward<decltype(answer)>(answer));
    advance(self);
    quit_if_idle(self);
  };
  self->request(s.peers.buffer, local_timeout, std::move(look.kept))
      .then([=](receipt& r) { answered(std::move(r)); }, [=](const caf::error& e) { answered(e); });
}

void judge_rows(self_pointer self, row_look& look) {
  const bool is_refused = look.doubt && self->state.policy.rows == preflight_mode::enforce;
  if (is_refused && look.may_be_repeated)
    return refuse(self, std::move(look.kept), look.doubt, std::move(look.promise));
  if (is_refused) {
    look.promise.deliver(to_error(look.doubt));
    return;
  }
  if (look.doubt)
    warn(self, look.kept, look.doubt);
  hand_on(self, look);
}

/// Keeps or refuses those whose looks are over, in order. Who would be refused looks again once everything
/// before has been answered: what is not there may be on its way.
void advance(self_pointer self) {
  auto& s = self->state;
  using enum row_look::round;
  while (!s.looks.empty()) {
    const auto look = s.looks.front();
    if (look->open > 0)
      break;
    const bool is_late = self->clock().now() >= look->deadline;
    if (look->doubt && look->at == first && !is_late) {
      if (!s.handed_on.empty())
        break;
      look_at_rows(self, look, last);
      continue;
    }
    if (look->at == waiting && !is_late) {
      look_at_rows(self, look, first);
      continue;
    }
    if (look->at != last)
      look->doubt = {};
    s.looks_bytes -= look->kept.payload.size();
    s.looks.pop_front();
    judge_rows(self, *look);
  }
  for (auto& look : s.looks)
    if (s.looking < s.policy.looks_max && look->at == waiting)
      look_at_rows(self, look, first);
}

void line_up(self_pointer self, row_look look) {
  auto& s = self->state;
  if (s.looks_bytes + look.kept.payload.size() > s.policy.held_bytes_max) {
    look.promise.deliver(to_error(crowded()));
    return;
  }
  look.deadline = self->clock().now() + 2 * s.policy.confirm_timeout;
  s.looks_bytes += look.kept.payload.size();
  s.looks.push_back(std::make_shared<row_look>(std::move(look)));
  advance(self);
}

// A promise that is dropped answers nobody.
void leave(self_pointer self, const caf::error& why) {
  auto& s = self->state;
  const auto gone =
      to_error({fault_code::unavailable,
                "The runtime is stopping. Submit again, with the same id, once it is back.", ""});
  for (auto& look : std::exchange(s.looks, {}))
    look->promise.deliver(gone);
  s.stopping = true;
  if (why == caf::exit_reason::user_shutdown)
    return quit_if_idle(self);
  for (auto& [ticket, promise] : std::exchange(s.handed_on, {}))
    promise.deliver(gone);
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
void confirm(self_pointer self, const candidate& c, const receipt_promise& promise) {
  auto& s = self->state;
  s.confirming = true;
  const auto done = [self, c, promise, up_to = s.arrivals] {
    self->state.confirmed = up_to;
    judge(self, c, promise);
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

void judge(self_pointer self, const candidate& c, receipt_promise promise) {
  auto& s = self->state;
  finding found;
  auto outcome = s.core->admit(c.what, c.fresh, found);
  const auto& doubt = found.doubt;
  if (const auto* problem = std::get_if<fault>(&outcome)) {
    promise.deliver(to_error(*problem));
    return;
  }
  auto& kept = std::get<append>(outcome);
  if (doubt && s.policy.preflight == preflight_mode::enforce) {
    if (s.confirmed < c.arrival)
      confirm(self, c, promise);
    else if (kept.id == c.fresh)
      promise.deliver(to_error(doubt));
    else
      refuse(self, std::move(kept), doubt, promise);
    return;
  }
  if (doubt)
    warn(self, kept, doubt);
  if (s.policy.rows == preflight_mode::off) {
    promise.delegate(s.peers.buffer, std::move(kept));
    return;
  }
  row_look look;
  look.may_be_repeated = kept.id != c.fresh;
  look.kept = std::move(kept);
  look.promise = std::move(promise);
  look.questions = std::move(found.questions);
  line_up(self, std::move(look));
}

caf::result<receipt> check(self_pointer self, submission& what) {
  auto& s = self->state;
  if (s.held.size() + s.looks.size() >= s.policy.held_max)
    return to_error(crowded());
  const candidate c{std::move(what), fresh_id(s), ++s.arrivals};
  auto promise = self->make_response_promise<receipt>();
  if (s.confirming)
    s.held.emplace_back([self, c, promise] { judge(self, c, promise); });
  else
    judge(self, c, promise);
  return promise;
}

// In two steps: the letter may be gone by the time the decision takes effect, and then nothing happens.
caf::result<receipt> check(self_pointer self, const decision& what) {
  auto promise = self->make_response_promise<receipt>();
  const auto refuse = [promise](const caf::error& e) mutable { promise.deliver(e); };
  self->request(self->state.peers.buffer, local_timeout, list_dead{what.letter, 1})
      .then(
          [self, what, promise](const dead_letters& found) mutable {
            auto& s = self->state;
            auto outcome = s.core->admit(what, found, fresh_id(s));
            if (const auto* problem = std::get_if<fault>(&outcome))
              promise.deliver(to_error(*problem));
            else
              promise.delegate(s.peers.buffer, std::move(std::get<append>(outcome)));
          },
          refuse);
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
  if (s.peers.catalogue)
    self->send(s.peers.catalogue, schema_reader_actor{self});
  self->set_exit_handler([self](const caf::exit_msg& m) { leave(self, m.reason); });
  return {[self](submission& what) { return check(self, what); },
          [self](const decision& what) { return check(self, what); },
          [self](const schema_document& schema) { self->state.core->learn(schema); }};
}

} // namespace chasqui
