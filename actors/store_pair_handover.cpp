// What a runtime is left with when another one has taken the log over, and how the owner takes it in.

#include "actors/store_pair.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

// Numbers that went on from Redis' mean nothing any more, even where no entry is left of them.
bool store_pair::is_any_in_journal() const {
  return std::any_of(lanes_.begin(), lanes_.end(),
                     [](const auto& lane) { return lane.second.in_journal() || lane.second.follows; });
}

// The log has another owner, and what this journal has was acknowledged: that one gets it.
void store_pair::hand_over() {
  opening_->handing_over = true;
  opening_->handed = 0;
  for (auto& [name, lane] : lanes_)
    lane.imported = lane.journal_first - 1;
  hand_over_next();
}

void store_pair::hand_over_next() {
  const auto next = std::find_if(lanes_.begin(), lanes_.end(), [](const auto& lane) {
    return lane.second.in_journal() && lane.second.imported < lane.second.journal_head;
  });
  if (next == lanes_.end())
    return forget_handed();
  const auto& name = next->first;
  const take what{name, next->second.imported + 1, limits_.import_entries_max, limits_.import_bytes_max};
  stores_.journal->read(what, mine<log_slice>([this, name](log_slice slice) {
                          if (slice.problem || slice.entries.empty())
                            return end_hand_over();
                          const auto last = slice.entries.back().seq;
                          const auto entries = slice.entries.size();
                          stores_.redis->hand_over(
                              name, std::move(slice.entries),
                              mine<fault>([this, name, last, entries](const fault& problem) {
                                if (problem)
                                  return end_hand_over();
                                opening_->handed += entries;
                                lanes_[name].imported = last;
                                hand_over_next();
                              }));
                        }));
}

// Their numbers leave the roll with them: the owner gives them others, and this journal may give theirs
// again.
void store_pair::forget_handed() {
  for (auto& [name, lane] : lanes_) {
    if (!lane.in_journal())
      continue;
    lane.head = lane.journal_head = lane.journal_first - 1;
    auto marks = lane.marks;
    marks.lane = name;
    marks.head = lane.head;
    for (auto* mark : {&marks.committed, &marks.replicated, &marks.released})
      *mark = std::min(*mark, marks.head);
    journal().adopt(std::move(marks), mine<fault>([](const fault&) {}));
  }
  journal().clear(mine<fault>([this](const fault&) { end_hand_over(); }));
}

// What is left, if anything, is handed over when the log is opened the next time.
void store_pair::end_hand_over() {
  auto answer = *opening_->redis;
  if (const auto entries = opening_->handed; entries > 0)
    answer.problem.message +=
        " It was handed the " + std::to_string(entries) + " entries that this one's journal still had.";
  answer_opening(std::move(answer));
}

void store_pair::look_for_handover() {
  if (keeper_ != keeper::redis || !redis_open_ || taking_in_ || clock_() < handover_at_)
    return;
  taking_in_ = true;
  handover_at_ = clock_() + limits_.handover_every;
  stores_.redis->take_handover(limits_.append_entries_max, limits_.append_bytes_max,
                               mine<handover_page>([this](handover_page page) {
                                 taking_in_ = false;
                                 if (!page.problem && !page.items.empty() && keeper_ == keeper::redis)
                                   take_in(std::move(page));
                               }));
}

// It is forgotten there once it is known to be in the log; until then it may be appended twice, which the log
// notices.
void store_pair::take_in(handover_page page) {
  taking_in_ = true;
  std::vector<uuid> ids;
  for (const auto& item : page.items)
    ids.push_back(item.id);
  stores_.redis->append(
      std::move(page.items),
      mine<append_result>([this, ids = std::move(ids), through = page.through](const append_result& result) {
        taking_in_ = false;
        if (result.problem || keeper_ != keeper::redis)
          return;
        note(result, ids);
        handover_at_ = clock_(); // There may be more.
        stores_.redis->end_handover(through, mine<fault>([](const fault&) {}));
        listener_.taken_in(result.slots);
      }));
}

} // namespace chasqui
