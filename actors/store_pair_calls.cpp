// What is asked of the log, in the store that has it.

#include "actors/store_pair.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

void store_pair::read(const take& what, const handler<log_slice>& then) {
  const auto found = lanes_.find(what.lane);
  if (keeper_ == keeper::nobody || found == lanes_.end())
    return then(unanswered<log_slice>(not_open()));
  const auto& lane = found->second;
  if (keeper_ == keeper::journal && !lane.follows)
    return then(
        unanswered<log_slice>({fault_code::unavailable,
                               "The journal has taken entries without knowing where the log in Redis ends: "
                               "they go on once Redis is back. " +
                                   redis_fault_.message,
                               ""}));
  // What has been moved already may have left the journal by the time it is asked.
  const bool moved = is_returning() && what.from_seq <= lane.imported;
  if (keeper_ == keeper::journal && ((what.from_seq >= lane.journal_first && !moved) || !stores_.redis))
    return stores_.journal->read(what, mine<log_slice>(then));
  if (redis_open_)
    return stores_.redis->read(what, mine<log_slice>([this, then](log_slice slice) {
                                 if (redis_failed(slice.problem))
                                   slice.problem.code = fault_code::unavailable;
                                 then(std::move(slice));
                               }));
  then(unanswered<log_slice>({fault_code::unavailable,
                              "Entry " + std::to_string(what.from_seq) + " of lane " + what.lane +
                                  " is in Redis, which is away: " + redis_fault_.message,
                              ""}));
}

// Whether the log goes on without Redis, which did not answer this call; the journal takes over if it has
// not.
bool store_pair::redis_failed(const fault& problem) {
  if (problem.code != fault_code::store_unavailable || !journal_open_)
    return false;
  if (keeper_ == keeper::redis)
    take_over(problem.message);
  return keeper_ != keeper::redis;
}

void store_pair::mark(const lane_marks& marks, seqno trim_through, const handler<fault>& then) {
  const auto found = lanes_.find(marks.lane);
  if (keeper_ == keeper::nobody || found == lanes_.end())
    return then(not_open());
  auto& lane = found->second;
  lane.marks = marks;
  if (journal_open_ && is_settled(marks.lane) && trim_through > lane.struck) {
    lane.struck = trim_through;
    journal().strike(marks.lane, trim_through, mine<fault>([](const fault&) {}));
  }
  if (keeper_ == keeper::redis)
    return stores_.redis->mark(marks, trim_through, mine<fault>([this, marks, then](const fault& problem) {
                                 if (redis_failed(problem))
                                   mark(marks, 0, then);
                                 else
                                   then(problem);
                               }));
  // While the journal is being moved, nothing may be missing from it.
  const auto through = is_returning() || is_reconciling() || !lane.follows ? 0 : trim_through;
  if (through >= lane.journal_first)
    lane.journal_first = std::min(through, lane.journal_head) + 1;
  journal().mark(marks, through, mine<fault>(then));
}

void store_pair::change_letters(const std::string& lane, seqno seq,
                                const std::function<void(log_store&, handler<fault>)>& change,
                                const handler<fault>& then) {
  const auto found = lanes_.find(lane);
  if (keeper_ == keeper::nobody || found == lanes_.end())
    return then(not_open());
  if (!stores_.redis)
    return change(*stores_.journal, mine<fault>(then));
  const bool there = seq < found->second.journal_first || seq <= found->second.imported;
  if (redis_open_ && (keeper_ == keeper::redis || (is_returning() && there)))
    return change(*stores_.redis, mine<fault>([this, then](fault problem) {
      if (redis_failed(problem))
        problem.code = fault_code::unavailable;
      then(problem);
    }));
  then(letters_away());
}

void store_pair::bury(const rejected& why, const handler<fault>& then) {
  change_letters(
      why.lane, why.seq, [&](log_store& s, handler<fault> t) { s.bury(why, std::move(t)); }, then);
}

void store_pair::settle(const resolved& what, const handler<fault>& then) {
  change_letters(
      what.lane, what.seq, [&](log_store& s, handler<fault> t) { s.settle(what, std::move(t)); }, then);
}

template <class Answer>
void store_pair::ask_letters(const std::function<void(log_store&, handler<Answer>)>& question,
                             const handler<Answer>& then) {
  if (!stores_.redis && keeper_ == keeper::journal)
    question(*stores_.journal, mine<Answer>(then));
  else if (redis_open_)
    question(*stores_.redis, mine<Answer>(then));
  else
    then(unanswered<Answer>(letters_away()));
}

void store_pair::list_dead(const chasqui::list_dead& what, const handler<dead_page>& then) {
  ask_letters<dead_page>([&](log_store& s, handler<dead_page> t) { s.list_dead(what, std::move(t)); }, then);
}

void store_pair::list_decisions(const chasqui::list_decisions& what, const handler<decisions_page>& then) {
  ask_letters<decisions_page>(
      [&](log_store& s, handler<decisions_page> t) { s.list_decisions(what, std::move(t)); }, then);
}

void store_pair::find(uuid id, const handler<log_place>& then) {
  if (keeper_ == keeper::nobody)
    return then(unanswered<log_place>(not_open()));
  if (keeper_ == keeper::redis)
    return stores_.redis->find(id, mine<log_place>([this, id, then](log_place place) {
                                 if (redis_failed(place.problem))
                                   find(id, then);
                                 else
                                   then(std::move(place));
                               }));
  journal().find(id, mine<log_place>([this, id, then](log_place place) {
                   const bool knows = place.problem ? place.problem.code != fault_code::not_found
                                                    : is_in_journal(place.lane, place.seq);
                   if (knows || !stores_.redis)
                     return then(std::move(place));
                   if (redis_open_)
                     return stores_.redis->find(id, mine<log_place>(then));
                   if (place.problem)
                     place.problem.message = "The journal has no transaction " + to_string(id) +
                                             ". Redis, where it may stand, is away: " + redis_fault_.message;
                   place.in_doubt = true;
                   then(std::move(place));
                 }));
}

// What has been moved counts as moved: its letters stand in Redis.
bool store_pair::is_in_journal(const std::string& lane, seqno seq) const {
  const auto found = lanes_.find(lane);
  return found != lanes_.end() && seq >= found->second.journal_first &&
         !(is_returning() && seq <= found->second.imported);
}

void store_pair::renumber(const std::string& lane, seqno first, const handler<fault>& then) {
  if (keeper_ == keeper::redis)
    return stores_.redis->renumber(lane, first, mine<fault>([this, lane, first, then](const fault& problem) {
                                     if (problem || !journal_open_)
                                       then(problem);
                                     else
                                       note_new_numbers(lane, first, then);
                                   }));
  if (keeper_ == keeper::journal && !stores_.redis)
    return journal().renumber(lane, first, mine<fault>(then));
  then({fault_code::unavailable, "The log is in two stores now; it is put in order once it is in one.", ""});
}

void store_pair::call_roll(const std::string& lane, seqno from, seqno to, std::uint64_t lines_max,
                           const handler<roll_page>& then) {
  if (!journal_open_)
    return then({});
  journal().call_roll(lane, from, to, lines_max, mine<roll_page>([this, then](roll_page page) {
                        auto all = std::make_shared<roll_search>();
                        all->page = std::move(page);
                        for (auto& line : all->page.lines)
                          if (!line.id.is_nil())
                            all->named.push_back(&line);
                        mark_moved(all, then);
                      }));
}

// The roll lags behind a lane that is numbered anew in Redis: if either store went away meanwhile, it still
// has the old numbers of what stands there under others. Redis is asked in pieces, so that appends get in
// between.
void store_pair::mark_moved(const std::shared_ptr<roll_search>& all, const handler<roll_page>& then) {
  constexpr std::size_t piece = 100;
  auto& [roll, named, next] = *all;
  if (roll.problem || next == named.size() || !stores_.redis)
    return then(std::move(roll));
  if (!redis_open_)
    return then(
        unanswered<roll_page>({fault_code::unavailable,
                               "Who is missing is known once Redis is back: " + redis_fault_.message, ""}));
  const auto from = next;
  const auto to = std::min(from + piece, named.size());
  next = to;
  const auto left = std::make_shared<std::size_t>(to - from);
  for (auto i = from; i < to; ++i)
    stores_.redis->find(named[i]->id, mine<log_place>([this, all, i, left, then](const log_place& place) {
                          mark_moved(*all->named[i], place, all->page.problem);
                          if (--*left == 0)
                            mark_moved(all, then);
                        }));
}

void store_pair::mark_moved(roll_line& line, const log_place& place, fault& problem) {
  if (place.problem.code == fault_code::not_found)
    return;
  if (redis_failed(place.problem))
    problem = {fault_code::unavailable, place.problem.message, ""};
  else if (place.problem)
    problem = place.problem;
  else if (place.seq != line.seq || place.lane != line.lane)
    line.id = {};
  else if (!place.dead && !place.settled) // Whoever looked has seen half a move.
    problem = {fault_code::unavailable, "What is missing stands there by now.", ""};
}

} // namespace chasqui
