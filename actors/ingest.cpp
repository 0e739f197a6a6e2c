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
void line_up(self_pointer self, std::uint64_t arrival, row_candidate c);

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

void act(self_pointer self, const row_line_actions& actions);

/// One round of questions: what speaks against the submission, once all are answered.
struct row_round {
  std::size_t open = 0;
  fault doubt;
  bool is_excused = false; ///< Something could make the primary take it after all.
};

void ask_reader(self_pointer self, const row_candidate& c, const std::shared_ptr<row_round>& round,
                const std::function<void()>& answered) {
  auto& s = self->state;
  for (const auto& question : c.questions) {
    auto what = question.what;
    what.timeout = s.policy.confirm_timeout;
    self->request(s.peers.reader, 2 * what.timeout, std::move(what))
        .then(
            [=](const found_rows& found) {
              if (!found.replica.empty())
                self->state.line->on_replica_away(self->clock().now());
              if (!round->doubt)
                round->doubt = judge(question, found);
              answered();
            },
            [=](const caf::error&) { answered(); });
  }
}

/// Dead letters may be retried, and the schema may be another one by now.
void ask_for_excuses(self_pointer self, const std::shared_ptr<row_round>& round,
                     const std::function<void()>& answered) {
  auto& s = self->state;
  self->request(s.peers.buffer, local_timeout, list_dead{{}, 1})
      .then(
          [=](const dead_letters& found) {
            round->is_excused = round->is_excused || !found.letters.empty();
            answered();
          },
          [=](const caf::error&) {
            round->is_excused = true;
            answered();
          });
  if (!s.peers.catalogue)
    return answered();
  self->request(s.peers.catalogue, s.policy.confirm_timeout, confirm_schema{})
      .then(
          [=](const schema_document& schema) {
            round->is_excused = self->state.core->learn(schema) || round->is_excused;
            answered();
          },
          [=](const caf::error&) { answered(); });
}

void look(self_pointer self, const row_line_actions::look& order) {
  const auto candidate = self->state.in_line.at(order.who);
  const auto round = std::make_shared<row_round>();
  round->open = candidate->questions.size() + (order.is_last ? 2 : 0);
  const std::function<void()> answered = [self, round, who = order.who] {
    if (--round->open > 0)
      return;
    auto doubt = round->is_excused ? fault{} : std::move(round->doubt);
    act(self, self->state.line->on_looked(who, std::move(doubt), self->clock().now()));
  };
  ask_reader(self, *candidate, round, answered);
  if (order.is_last)
    ask_for_excuses(self, round, answered);
}

void quit_if_idle(self_pointer self) {
  if (self->state.stopping && self->state.handed_on.empty())
    self->quit(caf::exit_reason::user_shutdown);
}

void hand_on(self_pointer self, std::uint64_t who, row_candidate& c) {
  auto& s = self->state;
  s.handed_on.emplace(who, std::move(c.promise));
  const auto answered = [self, who](auto&& answer) {
    auto promise = self->state.handed_on.extract(who);
    promise.mapped().deliver(std::forward<decltype(answer)>(answer));
    act(self, self->state.line->on_answered(self->clock().now()));
    quit_if_idle(self);
  };
  self->request(s.peers.buffer, local_timeout, std::move(c.kept))
      .then([=](receipt& r) { answered(std::move(r)); }, [=](const caf::error& e) { answered(e); });
}

void let_out(self_pointer self, const row_line_actions::verdict& verdict) {
  auto& s = self->state;
  const auto c = s.in_line.extract(verdict.who).mapped();
  const bool is_refused = verdict.doubt && s.policy.rows == preflight_mode::enforce;
  if (is_refused && c->may_be_repeated)
    return refuse(self, std::move(c->kept), verdict.doubt, std::move(c->promise));
  if (is_refused) {
    c->promise.deliver(to_error(verdict.doubt));
    return;
  }
  if (verdict.doubt)
    warn(self, c->kept, verdict.doubt);
  hand_on(self, verdict.who, *c);
}

void act(self_pointer self, const row_line_actions& actions) {
  for (const auto& verdict : actions.out)
    let_out(self, verdict);
  for (const auto& order : actions.looks)
    look(self, order);
}

void line_up(self_pointer self, std::uint64_t arrival, row_candidate c) {
  auto& s = self->state;
  const auto bytes = c.kept.payload.size();
  if (!s.line->has_room_for(bytes)) {
    c.promise.deliver(to_error(crowded()));
    return;
  }
  const bool has_questions = !c.questions.empty();
  s.in_line.emplace(arrival, std::make_shared<row_candidate>(std::move(c)));
  act(self, s.line->add(arrival, bytes, has_questions, self->clock().now()));
}

fault gone() {
  return {fault_code::unavailable,
          "The runtime is stopping. Submit again, with the same id, once it is back.", ""};
}

// A promise that is dropped answers nobody.
void leave(self_pointer self, const caf::error& why) {
  auto& s = self->state;
  s.stopping = true;
  for (const auto who : s.line->clear())
    s.in_line.extract(who).mapped()->promise.deliver(to_error(gone()));
  if (why == caf::exit_reason::user_shutdown)
    return quit_if_idle(self);
  for (auto& [who, promise] : std::exchange(s.handed_on, {}))
    promise.deliver(to_error(gone()));
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
  row_candidate in_line{std::move(kept), false, promise, std::move(found.questions)};
  in_line.may_be_repeated = in_line.kept.id != c.fresh;
  line_up(self, c.arrival, std::move(in_line));
}

caf::result<receipt> check(self_pointer self, submission& what) {
  auto& s = self->state;
  if (s.stopping)
    return to_error(gone());
  if (s.held.size() + s.line->size() >= s.policy.held_max)
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
  s.line.emplace(policy.rows == preflight_mode::enforce, policy.line);
  if (s.peers.catalogue)
    self->send(s.peers.catalogue, schema_reader_actor{self});
  self->set_exit_handler([self](const caf::exit_msg& m) { leave(self, m.reason); });
  return {[self](submission& what) { return check(self, what); },
          [self](const decision& what) { return check(self, what); },
          [self](const schema_document& schema) { self->state.core->learn(schema); }};
}

} // namespace chasqui
