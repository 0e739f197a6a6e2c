// The line of submissions whose rows are looked at: what actors/row_line decides is carried out here.

#include "actors/ingest_shell.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chasqui {

using namespace ingest_parts;

namespace {

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

using candidates = std::vector<std::shared_ptr<row_candidate>>;

/// The buffer has answered, or has been waited for long enough: `tell` answers one of the group by its place,
/// and says whether it was kept.
template <class Tell> void answer_handed_on(self_pointer self, std::uint64_t number, const Tell& tell) {
  auto& s = self->state;
  const auto found = s.handed_on.extract(number);
  if (found.empty())
    return;
  const auto& group = found.mapped();
  const auto now = self->clock().now();
  for (std::size_t i = 0; i < group.all.size(); ++i) {
    auto& one = *group.all[i];
    if (tell(one.promise, i))
      s.rows->arrive(one.rows, group.since, now);
    else
      s.rows->leave(one.rows);
  }
  act(self, s.line->on_answered(group.all.size(), now));
  quit_if_idle(self);
}

void fail_handed_on(self_pointer self, std::uint64_t number, const caf::error& why) {
  answer_handed_on(self, number, [&](auto& promise, std::size_t) {
    promise.deliver(why);
    return false;
  });
}

void hand_on(self_pointer self, candidates all) {
  auto& s = self->state;
  const auto number = ++s.groups;
  append_group what;
  what.all.reserve(all.size());
  for (const auto& c : all)
    what.all.push_back(std::move(c->kept));
  s.handed_on.emplace_hint(
      s.handed_on.end(), number,
      handed_group{std::move(all), s.rows->version(), self->clock().now() + s.policy.keep_timeout});
  self->request(s.peers.buffer, caf::infinite, std::move(what))
      .then(
          [=](group_outcome& outcome) {
            answer_handed_on(self, number, [&](auto& promise, std::size_t place) {
              auto& [proof, problem] = outcome.each.at(place);
              if (problem)
                promise.deliver(to_error(problem));
              else
                promise.deliver(std::move(proof));
              return !problem;
            });
          },
          [=](const caf::error& e) { fail_handed_on(self, number, e); });
}

// A timeout of CAF's for each would cost more than the answer that it watches over.
void end_waits(self_pointer self) {
  auto& waiting = self->state.handed_on;
  while (!waiting.empty() && waiting.begin()->second.deadline <= self->clock().now())
    fail_handed_on(
        self, waiting.begin()->first,
        to_error({fault_code::outcome_unknown,
                  "The buffer did not answer in time: it may or may not have kept it. Submit again, with "
                  "the same id, to know.",
                  ""}));
}

/// Who is to be handed on is left in `lanes`.
void let_out(self_pointer self, const row_line_actions::verdict& verdict,
             std::map<std::string, candidates>& lanes) {
  auto& s = self->state;
  auto c = std::move(s.in_line.extract(verdict.who).mapped());
  const bool is_refused = verdict.doubt && s.policy.rows == preflight_mode::enforce;
  if (is_refused)
    s.rows->leave(c->rows);
  if (is_refused && c->may_be_repeated)
    return refuse(self, verdict.who, std::move(c->kept), verdict.doubt);
  if (is_refused)
    return answer(s, verdict.who, verdict.doubt);
  if (verdict.doubt)
    warn(self, c->kept, verdict.doubt);
  c->promise = take_promise(s, verdict.who).value();
  lanes[c->kept.lane].push_back(std::move(c));
}

// A message is about one lane, and those that come first go first: what goes into the log together is
// answered together.
void let_out(self_pointer self, const std::vector<row_line_actions::verdict>& all) {
  if (all.empty()) // Mostly: whoever comes waits for a glance.
    return;
  const auto& s = self->state;
  std::map<std::string, candidates> lanes;
  for (const auto& verdict : all)
    let_out(self, verdict, lanes);
  for (const auto& lane : s.core->lanes()) {
    auto& those = lanes[lane];
    for (auto next = those.begin(); next != those.end();) {
      const auto size = std::min(static_cast<std::size_t>(those.end() - next), s.policy.group_max);
      const auto end = next + static_cast<std::ptrdiff_t>(size);
      hand_on(self, {std::move_iterator{next}, std::move_iterator{end}});
      next = end;
    }
  }
}

void wait_for_deadline(self_pointer self) {
  auto& s = self->state;
  if (s.is_timed || (s.line->size() == 0 && s.handed_on.empty()))
    return;
  s.is_timed = true;
  const auto now = self->clock().now();
  auto next = s.line->deadline().value_or(now + s.policy.line.patience); // Before anybody's who comes.
  if (!s.handed_on.empty())
    next = std::min(next, s.handed_on.begin()->second.deadline);
  self->delayed_send(self, std::max(next - now, time_point::duration{}), tick{});
}

void act(self_pointer self, const row_line_actions& actions) {
  let_out(self, actions.out);
  if (!actions.glance.empty())
    glance_at(self, actions.glance);
  for (const auto& order : actions.looks)
    look(self, order);
  wait_for_deadline(self);
}

} // namespace

void ingest_parts::line_up(self_pointer self, std::uint64_t arrival, row_candidate c) {
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

void ingest_parts::on_tick(self_pointer self) {
  self->state.is_timed = false;
  end_waits(self);
  act(self, self->state.line->on_deadline(self->clock().now()));
}

} // namespace chasqui
