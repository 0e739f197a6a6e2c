#include "actors/ingest.hpp"

#include <caf/all.hpp>

#include <algorithm>
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

void judge(self_pointer self, const candidate& c);
void line_up(self_pointer self, std::uint64_t arrival, row_candidate c);

/// Whoever is not there any more was answered when ingest left.
std::optional<receipt_promise> take(ingest_state& s, std::uint64_t arrival) {
  auto found = s.waiting.extract(arrival);
  if (found.empty())
    return std::nullopt;
  return std::move(found.mapped());
}

void answer(ingest_state& s, std::uint64_t arrival, const caf::error& problem) {
  if (auto promise = take(s, arrival))
    promise->deliver(problem);
}

void answer(ingest_state& s, std::uint64_t arrival, const fault& problem) {
  answer(s, arrival, to_error(problem));
}

/// The buffer answers.
void delegate(ingest_state& s, std::uint64_t arrival, append kept) {
  if (auto promise = take(s, arrival))
    promise->delegate(s.peers.buffer, std::move(kept));
}

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
void refuse(self_pointer self, std::uint64_t arrival, append kept, const fault& doubt) {
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

void act(self_pointer self, const row_line_actions& actions);

/// Those who are glanced at together.
struct glance_round {
  std::vector<std::uint64_t> all;
  std::vector<std::shared_ptr<row_candidate>> candidates;
  std::uint64_t since = 0;
};

std::vector<std::uint64_t> settle(self_pointer self, const glance_round& round, const glanced& answer) {
  std::vector<submission_rows*> rows;
  rows.reserve(round.candidates.size());
  for (const auto& c : round.candidates)
    rows.push_back(&c->rows);
  std::vector<std::uint64_t> unclear;
  for (const auto place : self->state.rows->settle(rows, answer, round.since, self->clock().now()))
    unclear.push_back(round.all[place]);
  return unclear;
}

/// Which kinds of probes a glance has by now.
class glance_kinds {
public:
  std::uint64_t place_of(const row_question& q, const std::string& lane, std::vector<probe_kind>& all) {
    const auto found = std::find_if(known_.begin(), known_.end(), [&](const auto& one) {
      return one.rule == q.rule.get() && one.lane == lane;
    });
    if (found != known_.end())
      return static_cast<std::uint64_t>(found - known_.begin());
    known_.push_back({q.rule.get(), lane});
    all.push_back({lane, q.rule->table, q.rule->columns, q.rule->is_about_parent});
    return all.size() - 1;
  }

private:
  struct kind {
    const row_rule* rule;
    std::string_view lane;
  };
  std::vector<kind> known_;
};

void glance_at(self_pointer self, const std::vector<std::uint64_t>& all) {
  auto& s = self->state;
  const auto round = std::make_shared<glance_round>(glance_round{all, {}, s.rows->version()});
  glance what;
  what.timeout = s.policy.confirm_timeout;
  glance_kinds kinds;
  round->candidates.reserve(all.size());
  what.probes.reserve(2 * all.size());
  for (const auto who : all) {
    const auto& c = round->candidates.emplace_back(s.in_line.at(who));
    for (const auto& q : c->rows.questions)
      what.probes.push_back({kinds.place_of(q, c->kept.lane, what.kinds), q.where});
  }
  const auto answered = [self, round](const std::vector<std::uint64_t>& unclear) {
    act(self, self->state.line->on_glanced(round->all, unclear, self->clock().now()));
  };
  self->request(s.peers.reader, 2 * what.timeout, std::move(what))
      .then(
          [=](const glanced& answer) {
            if (!answer.replica.empty())
              self->state.line->on_replica_away(self->clock().now());
            answered(settle(self, *round, answer));
          },
          [=](const caf::error&) { answered(round->all); });
}

/// One round of questions: what speaks against the submission, once all are answered.
struct row_round {
  std::size_t open = 0;
  fault doubt;
  bool is_excused = false; ///< Something could make the primary take it after all.
};

void ask_reader(self_pointer self, const row_candidate& c, const std::shared_ptr<row_round>& round,
                const std::function<void()>& answered) {
  auto& s = self->state;
  const auto since = s.rows->version();
  for (const auto& question : c.rows.questions) {
    auto what = to_read(question);
    what.timeout = s.policy.confirm_timeout;
    self->request(s.peers.reader, 2 * what.timeout, std::move(what))
        .then(
            [=, lane = c.kept.lane](const found_rows& found) {
              const auto now = self->clock().now();
              if (!found.replica.empty())
                self->state.line->on_replica_away(now);
              if (question.rule->is_about_parent && !found.found.empty())
                self->state.rows->learn(question, since, now);
              if (!round->doubt)
                round->doubt = judge(question, lane, found);
              answered();
            },
            [=](const caf::error&) { answered(); });
  }
}

/// Dead letters may be retried, and the schema may be another one by now; who is asked answers soon, or
/// nobody is refused.
void ask_for_excuses(self_pointer self, const std::shared_ptr<row_round>& round,
                     const std::function<void()>& answered) {
  auto& s = self->state;
  self->request(s.peers.buffer, s.policy.confirm_timeout, list_dead{{}, 1})
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
            self->state.core->learn(schema);
            answered();
          },
          [=](const caf::error&) { answered(); });
}

void look(self_pointer self, const row_line_actions::look& order) {
  const auto candidate = self->state.in_line.at(order.who);
  const auto round = std::make_shared<row_round>();
  round->open = candidate->rows.questions.size() + (order.is_last ? 2 : 0);
  const std::function<void()> answered = [self, candidate, round, who = order.who] {
    if (--round->open > 0)
      return;
    auto& s = self->state;
    const bool is_excused = round->is_excused || candidate->judged_by != s.core->schema_number();
    act(self, s.line->on_looked(who, is_excused ? fault{} : std::move(round->doubt), self->clock().now()));
  };
  ask_reader(self, *candidate, round, answered);
  if (order.is_last)
    ask_for_excuses(self, round, answered);
}

void quit_if_idle(self_pointer self) {
  if (self->state.stopping && self->state.handed_on.empty())
    self->quit(caf::exit_reason::user_shutdown);
}

/// The buffer has answered, or has been waited for long enough.
template <class Answer> void settle(self_pointer self, std::uint64_t who, bool is_kept, Answer&& with) {
  auto& s = self->state;
  auto found = s.handed_on.extract(who);
  if (found.empty())
    return;
  auto& one = *found.mapped();
  one.promise.deliver(std::forward<Answer>(with));
  const auto now = self->clock().now();
  if (is_kept)
    s.rows->arrive(one.rows, one.since, now);
  else
    s.rows->leave(one.rows);
  act(self, s.line->on_answered(now));
  quit_if_idle(self);
}

void hand_on(self_pointer self, ingest_state::candidates::node_type node) {
  auto& s = self->state;
  const auto who = node.key();
  auto& c = *node.mapped();
  c.promise = take(s, who).value();
  c.since = s.rows->version();
  c.deadline = self->clock().now() + s.policy.keep_timeout;
  auto kept = std::move(c.kept);
  s.handed_on.insert(s.handed_on.end(), std::move(node));
  self->request(s.peers.buffer, caf::infinite, std::move(kept))
      .then([=](receipt& r) { settle(self, who, true, std::move(r)); },
            [=](const caf::error& e) { settle(self, who, false, e); });
}

// A timeout of CAF's for each would cost more than the answer that it watches over.
void end_waits(self_pointer self) {
  auto& waiting = self->state.handed_on;
  while (!waiting.empty() && waiting.begin()->second->deadline <= self->clock().now())
    settle(self, waiting.begin()->first, false,
           to_error({fault_code::outcome_unknown,
                     "The buffer did not answer in time: it may or may not have kept it. Submit again, with "
                     "the same id, to know.",
                     ""}));
}

void let_out(self_pointer self, const row_line_actions::verdict& verdict) {
  auto& s = self->state;
  auto node = s.in_line.extract(verdict.who);
  auto& c = *node.mapped();
  const bool is_refused = verdict.doubt && s.policy.rows == preflight_mode::enforce;
  if (is_refused)
    s.rows->leave(c.rows);
  if (is_refused && c.may_be_repeated)
    return refuse(self, verdict.who, std::move(c.kept), verdict.doubt);
  if (is_refused)
    return answer(s, verdict.who, verdict.doubt);
  if (verdict.doubt)
    warn(self, c.kept, verdict.doubt);
  hand_on(self, std::move(node));
}

void wait_for_deadline(self_pointer self) {
  auto& s = self->state;
  if (s.is_timed || (s.line->size() == 0 && s.handed_on.empty()))
    return;
  s.is_timed = true;
  const auto now = self->clock().now();
  auto next = s.line->deadline().value_or(now + s.policy.line.patience); // Before anybody's who comes.
  if (!s.handed_on.empty())
    next = std::min(next, s.handed_on.begin()->second->deadline);
  self->delayed_send(self, std::max(next - now, time_point::duration{}), tick{});
}

void act(self_pointer self, const row_line_actions& actions) {
  for (const auto& verdict : actions.out)
    let_out(self, verdict);
  if (!actions.glance.empty())
    glance_at(self, actions.glance);
  for (const auto& order : actions.looks)
    look(self, order);
  wait_for_deadline(self);
}

void line_up(self_pointer self, std::uint64_t arrival, row_candidate c) {
  auto& s = self->state;
  const auto bytes = c.kept.payload.size();
  if (!s.line->has_room_for(bytes))
    return answer(s, arrival, crowded());
  const auto now = self->clock().now();
  const auto concern = s.rows->enter(c.rows, now);
  const auto questions = c.rows.questions.size();
  s.in_line.emplace_hint(s.in_line.end(), arrival, std::make_shared<row_candidate>(std::move(c)));
  act(self, s.line->add(arrival, bytes, concern, questions, now));
}

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
  for (auto& [arrival, one] : std::exchange(s.handed_on, {}))
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
  const candidate c{std::move(what), fresh_id(s), ++s.arrivals};
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
            auto outcome = s.core->admit(what, found, fresh_id(s));
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
          [self](const tick&) {
            self->state.is_timed = false;
            end_waits(self);
            act(self, self->state.line->on_deadline(self->clock().now()));
          }};
}

} // namespace chasqui
