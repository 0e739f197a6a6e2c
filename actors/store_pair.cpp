#include "actors/store_pair.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

store_pair::store_pair(log_stores stores, store_pair_limits limits, std::function<time_point()> clock,
                       hop into_owner, store_listener listener)
    : stores_{std::move(stores)}, limits_{limits}, clock_{std::move(clock)}, hop_{std::move(into_owner)},
      listener_{std::move(listener)} {}

void store_pair::open(const std::vector<std::string>& lanes, handler<log_opened> then) {
  note_all();
  ticked_at_ = clock_();
  ++round_;
  keeper_ = keeper::nobody;
  journal_open_ = redis_open_ = redis_opening_ = noting_ = false;
  taking_in_ = renumbered_ = false;
  end_return();
  holding_since_.reset();
  if (flight_)
    answer_flight(unanswered<append_result>(
        {fault_code::outcome_unknown, "The log was opened again while an append was under way.", ""}));
  for (const auto& lane : lanes)
    lanes_[lane].marks.lane = lane;
  opening_ = opening{clock_(), std::move(then), {}, {}};
  if (stores_.journal)
    stores_.journal->open(lanes, mine<log_opened>([this](log_opened opened) {
                            opening_->journal = std::move(opened);
                            settle_opening(false);
                          }));
  if (stores_.redis)
    open_redis();
}

void store_pair::open_redis() {
  redis_opening_ = true;
  std::vector<std::string> names;
  for (const auto& [name, lane] : lanes_)
    names.push_back(name);
  stores_.redis->open(names, mine<log_opened>([this](log_opened opened) {
                        redis_opening_ = false;
                        if (!opening_)
                          return on_redis_opened(std::move(opened));
                        opening_->redis = std::move(opened);
                        settle_opening(false);
                      }));
}

void store_pair::settle_opening(bool late) {
  auto& o = *opening_;
  if (is_reconciling() || o.handing_over || (stores_.journal && !o.journal))
    return;
  if (o.journal && !o.journal->problem)
    learn(*o.journal);
  if (stores_.redis && !o.redis && !(late && journal_open_))
    return;
  const bool redis_works = o.redis && !o.redis->problem;
  if (redis_works)
    on_redis_opened(*o.redis);
  else if (journal_open_ && (!o.redis || o.redis->problem.code != fault_code::held))
    open_without_redis();
  else if (journal_open_ && is_any_in_journal())
    hand_over();
  else
    answer_opening(o.redis ? *o.redis : *o.journal);
}

void store_pair::learn(const log_opened& journal) {
  journal_open_ = true;
  epoch_ = std::max(epoch_, journal.epoch);
  for (const auto& marks : journal.lanes) {
    auto& lane = lanes_[marks.lane];
    lane.journal_first = marks.first;
    lane.journal_head = marks.first <= marks.head ? marks.head : marks.first - 1;
    // Without a Redis, the journal's numbers are all there are.
    lane.follows = marks.follows || !stores_.redis;
    lane.head = std::max(lane.head, marks.head);
    lane.marks = marks;
  }
}

void store_pair::open_without_redis() {
  keeper_ = keeper::journal;
  auto answer = *opening_->journal;
  if (stores_.redis) {
    const fault late{fault_code::store_unavailable, "Redis does not answer.", ""};
    if (!opening_->redis || opening_->redis->problem) // Else it has gone since, and why is known.
      retry_redis_later(opening_->redis ? opening_->redis->problem : late);
    answer.drift.push_back("the journal keeps the log: " + redis_fault_.message);
  }
  answer.kind = store_kind::journal;
  answer_opening(std::move(answer));
}

void store_pair::answer_opening(log_opened answer) {
  const auto then = std::move(opening_->then);
  opening_.reset();
  if (!answer.problem) {
    frozen_ = false;
    answer.epoch = epoch_ = std::max(epoch_, answer.epoch);
    note_lines();
  }
  then(std::move(answer));
}

void store_pair::append(std::vector<append_item> items, handler<append_result> then) {
  flight_ = flight{++flights_, std::move(items), std::move(then), clock_(), false, false};
  if (!holding_since_)
    send_flight();
}

void store_pair::send_flight() {
  const auto number = flight_->number;
  if (keeper_ == keeper::nobody)
    return answer_flight(unanswered<append_result>(not_open()));
  flight_->sent_at = clock_();
  flight_->sent = true;
  // Only what the journal may have to take again is kept.
  const bool may_return = keeper_ == keeper::redis && stores_.journal;
  auto items = may_return ? flight_->items : std::move(flight_->items);
  if (keeper_ == keeper::redis)
    stores_.redis->append(std::move(items), mine<append_result>([this, number](append_result result) {
                            on_redis_appended(number, std::move(result));
                          }));
  else
    journal().append(std::move(items), mine<append_result>([this, number](append_result result) {
                       on_journal_appended(number, std::move(result));
                     }));
}

void store_pair::on_redis_appended(std::uint64_t number, append_result result) {
  if (!flight_ || flight_->number != number || keeper_ != keeper::redis)
    return; // The journal has it by now, and Redis will be told to forget what it may have kept.
  const bool heard = result.problem.code != fault_code::outcome_unknown &&
                     result.problem.code != fault_code::store_unavailable;
  frozen_ = frozen_ && !heard;
  if (result.problem && result.problem.code != fault_code::fenced && can_take_over()) {
    flight_->sent = result.problem.code == fault_code::outcome_unknown;
    return take_over(result.problem.message);
  }
  if (!result.problem) {
    std::vector<uuid> ids;
    for (const auto& item : flight_->items)
      ids.push_back(item.id);
    note(result, ids);
    told_by_redis_.durability = result.durability;
  }
  answer_flight(std::move(result));
}

void store_pair::on_journal_appended(std::uint64_t number, append_result result) {
  if (!flight_ || flight_->number != number)
    return;
  if (result.problem && flight_->may_be_in_redis) // Neither store says that it was not kept.
    result.problem.code = fault_code::outcome_unknown;
  result.store = store_kind::journal;
  for (auto& slot : result.slots) {
    auto& lane = lanes_[slot.lane];
    if (slot.repeated && stores_.redis && slot.seq < lane.journal_first)
      slot.elsewhere = told_by_redis_.durability;
    if (result.problem || slot.repeated)
      continue;
    lane.journal_head = std::max(lane.journal_head, slot.seq);
    lane.head = std::max(lane.head, slot.seq);
  }
  answer_flight(std::move(result));
  if (is_returning())
    pump();
  else if (holding_since_ && !is_reconciling())
    reconcile(told_by_redis_);
}

void store_pair::answer_flight(append_result result) {
  const auto then = std::move(flight_->then);
  flight_.reset();
  then(std::move(result));
}

// A lane that is not in the settings may have got what another runtime was left with.
void store_pair::note(const append_result& result, const std::vector<uuid>& ids) {
  for (std::size_t i = 0; i < result.slots.size(); ++i) {
    const auto& slot = result.slots[i];
    const auto lane = lanes_.find(slot.lane);
    if (slot.repeated || lane == lanes_.end())
      continue;
    lane->second.head = std::max(lane->second.head, slot.seq);
    if (journal_open_ && i < ids.size())
      roll_.push_back({slot.lane, slot.seq, ids[i], slot.at});
  }
  if (roll_.size() > limits_.roll_lines_max)
    roll_.erase(roll_.begin(), roll_.end() - static_cast<std::ptrdiff_t>(limits_.roll_lines_max));
  note_lines();
}

void store_pair::note_lines() {
  if (!noting_)
    note_all();
}

journal_store& store_pair::journal() {
  note_all();
  return *stores_.journal;
}

void store_pair::note_all() {
  if (!journal_open_ || roll_.empty())
    return;
  noting_ = true;
  stores_.journal->note(epoch_, std::exchange(roll_, {}), mine<fault>([this](const fault& problem) {
                          noting_ = false;
                          if (problem.code == fault_code::store_unavailable)
                            journal_open_ = keeper_ == keeper::journal;
                          else if (!problem)
                            note_lines();
                        }));
}

// Else the roll would name as lost what stands elsewhere now.
void store_pair::note_new_numbers(const std::string& lane, seqno from, const handler<fault>& then) {
  const take what{lane, from, limits_.import_entries_max, limits_.import_bytes_max};
  stores_.redis->read(what, mine<log_slice>([this, lane, then](const log_slice& slice) {
                        if (slice.problem || slice.entries.empty())
                          return then(slice.problem);
                        std::vector<roll_line> lines;
                        for (const auto& e : slice.entries)
                          lines.push_back({lane, e.seq, e.id, e.at});
                        journal().note(
                            epoch_, std::move(lines),
                            mine<fault>([this, lane, next = slice.entries.back().seq + 1,
                                         then](const fault&) { note_new_numbers(lane, next, then); }));
                      }));
}

bool store_pair::is_settled(const std::string& lane) const {
  const auto found = lanes_.find(lane);
  return found != lanes_.end() &&
         (keeper_ == keeper::redis || (keeper_ == keeper::journal && found->second.follows));
}

void store_pair::tick() {
  const auto now = clock_();
  if (now - ticked_at_ > limits_.frozen_after) {
    frozen_ = true;
    if (flight_) // Its answer may lie here.
      flight_->sent_at = now;
  }
  ticked_at_ = now;
  if (opening_ && now - opening_->since >= limits_.open_patience)
    settle_opening(true);
  const auto overdue = [&](time_point since) { return now - since >= limits_.takeover_after; };
  if (can_take_over() && is_flight_sent() && overdue(flight_->sent_at))
    take_over("Redis has not answered an append for " + std::to_string(limits_.takeover_after.count()) +
              " ms.");
  if (holding_since_ && overdue(*holding_since_) && !is_clearing())
    give_up_return({fault_code::store_unavailable, "Redis is too slow to take the log back.", ""});
  if (keeper_ == keeper::journal && stores_.redis && !redis_open_ && !redis_opening_ && now >= reopen_at_)
    open_redis();
  if (keeper_ == keeper::redis && stores_.journal && !journal_open_ && now >= journal_retry_at_)
    open_journal_again();
  look_for_handover();
}

// A journal that was away has nothing of this run; what it may have of an earlier one is moved as at the
// start.
void store_pair::open_journal_again() {
  journal_retry_at_ = clock_() + limits_.reopen_max;
  std::vector<std::string> names;
  for (const auto& [name, lane] : lanes_)
    names.push_back(name);
  stores_.journal->open(names, mine<log_opened>([this](const log_opened& opened) {
                          if (opened.problem)
                            return;
                          learn(opened);
                          if (std::any_of(lanes_.begin(), lanes_.end(),
                                          [](const auto& lane) { return lane.second.in_journal(); }))
                            start_over("the journal is back, with entries that Redis lacks");
                        }));
}

void store_pair::close() {
  ++round_;
  keeper_ = keeper::nobody;
  if (stores_.redis)
    stores_.redis->close();
  if (stores_.journal)
    stores_.journal->close();
}

} // namespace chasqui
