// The store pair's second half: how the journal takes over, and how Redis gets the log back.

#include "actors/store_pair.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

// Redis is not closed: that would give up the lease, and with it the log, to whoever stands by. It is opened
// again, which ends what is under way there.
void store_pair::take_over(const std::string& why) {
  if (was_frozen())
    return start_over("this process was frozen, and hears Redis first: " + why);
  keeper_ = keeper::journal;
  redis_open_ = false;
  retry_redis_later({fault_code::store_unavailable, why, ""});
  for (auto& [name, lane] : lanes_) {
    lane.follows = true;
    lane.journal_first = lane.head + 1;
    lane.journal_head = lane.head;
    auto marks = lane.marks;
    marks.lane = name;
    marks.first = marks.head = lane.head;
    marks.first += 1;
    // Should it fail, so will the append behind it.
    journal().adopt(std::move(marks), mine<fault>([](const fault&) {}));
  }
  listener_.changed({store_kind::journal, durability::fsynced, why, false});
  if (flight_) {
    flight_->may_be_in_redis = flight_->sent;
    send_flight();
  }
}

void store_pair::retry_redis_later(const fault& why) {
  redis_fault_ = why;
  const auto wait = std::min(limits_.reopen_max, limits_.reopen_min * (1U << std::min(reopens_, 10U)));
  ++reopens_;
  reopen_at_ = clock_() + wait;
}

void store_pair::on_redis_opened(log_opened opened) {
  if (opened.problem.code == fault_code::held) {
    redis_fault_ = {fault_code::fenced,
                    "Another runtime took the log over while Redis was away: " + opened.problem.message, ""};
    keeper_ = keeper::nobody;
    return listener_.changed({store_kind::journal, durability::fsynced, redis_fault_.message, true});
  }
  if (opened.problem) {
    // What broke the connection often is not why there is no other one.
    const bool news = keeper_ == keeper::journal && opened.problem.message != redis_fault_.message;
    retry_redis_later(opened.problem);
    if (news)
      listener_.changed({store_kind::journal, durability::fsynced, opened.problem.message, false});
    return;
  }
  redis_open_ = true;
  epoch_ = std::max(epoch_, opened.epoch);
  told_by_redis_ = std::move(opened);
  reconcile_when_quiet();
}

// What is on its way into the journal gets its number there: numbers for the time being do not change while
// anything is.
void store_pair::reconcile_when_quiet() {
  const auto follows = [](const auto& lane) { return lane.second.follows; };
  if (!opening_ && !std::all_of(lanes_.begin(), lanes_.end(), follows) && !holding_since_)
    holding_since_ = clock_();
  if (!holding_since_ || !is_flight_sent())
    reconcile(told_by_redis_);
}

void store_pair::reconcile(const log_opened& redis) {
  return_ = reconciling{};
  for (const auto& marks : redis.lanes)
    reconcile_lane(marks.lane, lanes_[marks.lane], marks);
  carried_out({});
}

handler<fault> store_pair::one_more_order() {
  ++std::get<reconciling>(return_).orders;
  return on_this_way<fault>([this](const fault& problem) { carried_out(problem); });
}

// If it fails, nobody knows what the journal has under which numbers, be the way back given up by then or
// not.
handler<fault> store_pair::one_more_journal_order() {
  ++std::get<reconciling>(return_).orders;
  return mine<fault>([this, way = ways_back_](const fault& problem) {
    if (problem)
      start_over("the journal could not be put in step: " + problem.message);
    else if (way == ways_back_)
      carried_out({});
  });
}

void store_pair::carried_out(const fault& problem) {
  if (problem)
    return give_up_return(problem);
  if (--std::get<reconciling>(return_).orders == 0)
    reconciled();
}

void store_pair::reconcile_lane(const std::string& name, lane_state& lane, const lane_marks& redis) {
  learn_marks(lane, redis);
  if (!opening_ && !lane.follows)
    renumbered_ = true; // Or marks of the journal's would be believed of what others have kept in Redis.
  if (!lane.in_journal()) {
    if (redis.head < lane.head) // It has lost entries: their numbers are not given again.
      adopt_in_redis(name, lane, lane.head);
    lane.head = std::max(lane.head, redis.head);
    lane.journal_first = lane.head + 1;
    lane.journal_head = lane.head;
    if (!opening_ && !lane.follows)
      adopt_in_journal(name, lane);
    return;
  }
  if (lane.follows && redis.head >= lane.journal_first)
    return compare_in_redis(name, redis);
  join(name, lane, redis.head);
}

// What the journal knows is ahead of what Redis does where it has entries that follow those in Redis. Else it
// may be about others: the primary tells again what has become of those in Redis.
void store_pair::learn_marks(lane_state& lane, const lane_marks& redis) {
  auto& known = lane.marks;
  if (!lane.follows || !lane.in_journal())
    known.committed = known.replicated = known.released = 0;
  known.committed = std::max(known.committed, redis.committed);
  known.replicated = std::max(known.replicated, redis.replicated);
  known.released = std::max(known.released, redis.released);
}

// What Redis has beyond the takeover is the group that was under way, which the journal has, too; or somebody
// else has kept it, who went on without this journal: then the journal's entries come behind it.
void store_pair::compare_in_redis(const std::string& name, const lane_marks& redis) {
  const take what{name, lanes_[name].journal_first, 1, 1};
  stores_.redis->read(
      what,
      on_this_way<log_slice>([this, name, redis, what, then = one_more_order()](const log_slice& theirs) {
        stores_.journal->read(
            what, on_this_way<log_slice>([this, name, redis, theirs, then](const log_slice& ours) {
              if (ours.entries.empty() || (theirs.problem && theirs.problem.code != fault_code::diverged))
                return then(ours.problem ? ours.problem : theirs.problem);
              auto& lane = lanes_[name];
              lane.follows = !theirs.entries.empty() && theirs.entries.front().id == ours.entries.front().id;
              if (!lane.follows && !opening_) // Nothing may be under way then.
                return start_over(
                    "somebody else has kept entries in Redis, and the journal's come behind them");
              learn_marks(lane, redis);
              join(name, lane, redis.head);
              then({});
            }));
      }));
}

// Numbers that were given once are not given again, be it to a journal whose entries have to go behind
// others.
void store_pair::join(const std::string& name, lane_state& lane, seqno redis_head) {
  if (!lane.follows && redis_head >= lane.journal_first) {
    const auto entries = lane.journal_head - lane.journal_first;
    const auto given_up =
        std::max(redis_head + 1, lane.journal_first); // Those before are in Redis, and others'.
    const auto given_up_to = lane.journal_head;
    lane.journal_first = std::max(redis_head, lane.journal_head) + 1;
    lane.journal_head = lane.head = lane.journal_first + entries;
    journal().renumber(name, lane.journal_first,
                       mine<fault>([this, name, given_up, given_up_to,
                                    then = one_more_journal_order()](const fault& problem) {
                         if (!problem)
                           give_up(name, given_up, given_up_to);
                         then(problem);
                       }));
    renumbered_ = true;
  }
  if (redis_head + 1 != lane.journal_first)
    adopt_in_redis(name, lane, lane.journal_first - 1);
  if (!lane.follows)
    adopt_in_journal(name, lane);
  lane.imported = lane.journal_first - 1;
}

// Nobody has to look for what had these numbers. Of too many it is not said: then they count as nameless.
void store_pair::give_up(const std::string& lane, seqno from, seqno to) {
  std::vector<roll_line> lines;
  for (auto seq = from; seq <= to && to - from < limits_.roll_lines_max; ++seq)
    lines.push_back({lane, seq, {}, {}});
  if (!lines.empty())
    stores_.journal->note(epoch_, std::move(lines), mine<fault>([](const fault&) {}));
}

// Its numbers are the final ones from now on.
void store_pair::adopt_in_journal(const std::string& name, lane_state& lane) {
  auto marks = lane.marks;
  marks.lane = name;
  marks.first = lane.journal_first;
  marks.head = lane.journal_head;
  journal().adopt(std::move(marks), one_more_journal_order());
  lane.follows = true;
}

void store_pair::adopt_in_redis(const std::string& name, const lane_state& lane, seqno head) {
  auto marks = lane.marks;
  marks.lane = name;
  marks.head = head;
  stores_.redis->adopt(std::move(marks), one_more_order());
}

void store_pair::reconciled() {
  end_return();
  reopens_ = 0;
  if (!opening_ && renumbered_)
    return start_over("what the journal took without Redis has its final numbers now");
  // Even an empty journal is cleared if it has taken over: it must not do so again with the numbers of today.
  const bool returns = keeper_ == keeper::journal || is_any_in_journal();
  keeper_ = returns ? keeper::journal : keeper::redis;
  if (returns)
    return_ = moving{};
  if (opening_) {
    renumbered_ = false;
    answer_opening(opened_in_both());
  }
  if (!returns)
    return;
  let_go();
  pump();
}

// Appends wait no more.
void store_pair::let_go() {
  if (std::exchange(holding_since_, std::nullopt) && flight_ && !flight_->sent)
    send_flight();
}

log_opened store_pair::opened_in_both() const {
  auto answer = told_by_redis_;
  for (auto& marks : answer.lanes) {
    const auto& lane = lanes_.at(marks.lane);
    marks.first = std::min(marks.first, lane.head + 1);
    marks.head = lane.head;
    marks.committed = lane.marks.committed;
    marks.replicated = lane.marks.replicated;
    marks.released = lane.marks.released;
  }
  answer.kind = keeper_ == keeper::journal ? store_kind::journal : store_kind::redis;
  if (const auto& journal = opening_->journal; journal && journal->problem)
    answer.drift.push_back("there is no journal to go on in: " + journal->problem.message);
  else if (journal)
    answer.drift.insert(answer.drift.end(), journal->drift.begin(), journal->drift.end());
  return answer;
}

// Moves the next piece; at the end appends wait until the last one is there.
void store_pair::pump() {
  if (const auto* piece = std::get_if<moving>(&return_); piece == nullptr || piece->under_way)
    return;
  std::uint64_t left = 0;
  auto next = lanes_.end();
  for (auto lane = lanes_.begin(); lane != lanes_.end(); ++lane) {
    const auto& l = lane->second;
    if (!l.in_journal() || l.imported >= l.journal_head)
      continue;
    left += l.journal_head - l.imported;
    next = lane;
  }
  // Of large entries there are few to a piece: appends do not wait for several.
  if (left <= std::get<moving>(return_).entries && !holding_since_)
    holding_since_ = clock_();
  if (next != lanes_.end())
    move_next(next->first, next->second);
  else if (!is_flight_sent()) // What is on its way into the journal is moved, too.
    clear_journal();
}

void store_pair::move_next(const std::string& name, lane_state& lane) {
  std::get<moving>(return_).under_way = true;
  const take what{name, lane.imported + 1, limits_.import_entries_max, limits_.import_bytes_max};
  stores_.journal->read(
      what, on_this_way<log_slice>([this, name](log_slice slice) {
        if (!slice.problem && slice.entries.empty())
          slice.problem = {fault_code::store_unavailable, "The journal does not give what it has.", ""};
        if (slice.problem)
          return give_up_return(slice.problem);
        const auto last = slice.entries.back().seq;
        std::get<moving>(return_).entries = slice.entries.size();
        stores_.redis->import(name, std::move(slice.entries),
                              on_this_way<fault>([this, name, last](const fault& problem) {
                                if (problem)
                                  return give_up_return(problem);
                                std::get<moving>(return_).under_way = false;
                                lanes_[name].imported = last;
                                pump();
                              }));
      }));
}

// Once Redis takes appends again, nothing that the journal still has may cut off what Redis then has.
void store_pair::clear_journal() {
  return_ = clearing{};
  journal().clear(on_this_way<fault>([this](const fault& problem) {
    if (problem)
      return start_over("the journal could not be emptied: " + problem.message);
    back_in_redis();
  }));
}

void store_pair::back_in_redis() {
  end_return();
  keeper_ = keeper::redis;
  for (auto& [name, lane] : lanes_) {
    lane.follows = false;
    lane.journal_first = lane.head + 1;
    lane.journal_head = lane.head;
    if (lane.marks.head > 0)
      stores_.redis->mark(lane.marks, 0, mine<fault>([](const fault&) {}));
  }
  std::string why = "Redis is back, and has everything";
  for (const auto& sentence : told_by_redis_.drift)
    why += "; " + sentence;
  listener_.changed({store_kind::redis, told_by_redis_.durability, why, false, epoch_});
  let_go();
}

void store_pair::end_return() {
  return_ = {};
  ++ways_back_;
}

void store_pair::give_up_return(const fault& why) {
  redis_open_ = false;
  end_return();
  retry_redis_later(why);
  if (opening_ && journal_open_) // Redis went while it was being put in step: as if it had not come.
    return open_without_redis();
  if (opening_)
    return answer_opening({why, 0, {}, {}, {}, {}, 0});
  let_go();
}

void store_pair::start_over(const std::string& why) {
  keeper_ = keeper::nobody;
  ++round_;
  if (opening_)
    return answer_opening(unanswered<log_opened>({fault_code::store_unavailable, why, ""}));
  if (flight_)
    answer_flight({{fault_code::outcome_unknown, why, ""}, {}, {}, {}});
  listener_.changed({store_kind::journal, durability::fsynced, why, true});
}

} // namespace chasqui
