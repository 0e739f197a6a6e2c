// What is found through the index, in the stores that have it.

#include "actors/store_pair.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace chasqui {

namespace {

/// While the log is being moved, an entry may stand in both.
void merge(lookup_page& into, lookup_page more) {
  auto& a = into.found.entries;
  auto& b = more.found.entries;
  std::vector<entry> all;
  std::merge(std::make_move_iterator(a.begin()), std::make_move_iterator(a.end()),
             std::make_move_iterator(b.begin()), std::make_move_iterator(b.end()), std::back_inserter(all),
             [](const entry& x, const entry& y) { return x.seq < y.seq; });
  all.erase(
      std::unique(all.begin(), all.end(), [](const entry& x, const entry& y) { return x.seq == y.seq; }),
      all.end());
  a = std::move(all);
  into.found.head = std::max(into.found.head, more.found.head);
  into.found.more = into.found.more || more.found.more;
}

} // namespace

void store_pair::look_up(const chasqui::look_up& what, const handler<lookup_page>& then) {
  const auto found = lanes_.find(what.lane);
  if (keeper_ == keeper::nobody || found == lanes_.end())
    return then(unanswered<lookup_page>(not_open()));
  const auto& lane = found->second;
  if (!is_settled(what.lane))
    return then(unanswered<lookup_page>(
        {fault_code::unavailable,
         "The journal has taken entries without knowing where the log in Redis ends: they can be read once "
         "Redis is back. " +
             redis_fault_.message,
         ""}));
  if (keeper_ == keeper::redis || is_clearing()) // It has everything by then.
    return stores_.redis->look_up(what, mine<lookup_page>(then));
  if (!stores_.redis || what.from_seq >= lane.journal_first)
    return stores_.journal->look_up(what, mine<lookup_page>(then));
  if (!redis_open_)
    return then(
        unanswered<lookup_page>({fault_code::unavailable,
                                 "Entries from " + std::to_string(what.from_seq) + " on of lane " +
                                     what.lane + " are in Redis, which is away: " + redis_fault_.message,
                                 ""}));
  stores_.redis->look_up(what, mine<lookup_page>([this, what, then](lookup_page page) {
                           if (redis_failed(page.problem))
                             page.problem.code = fault_code::unavailable;
                           if (page.problem)
                             return then(std::move(page));
                           look_up_in_journal(what, std::move(page), then);
                         }));
}

void store_pair::look_up_in_journal(const chasqui::look_up& what, lookup_page found,
                                    const handler<lookup_page>& then) {
  if (keeper_ != keeper::journal) // It has been moved meanwhile; the journal may be empty.
    return look_up(what, then);
  stores_.journal->look_up(
      what, mine<lookup_page>([this, what, found = std::move(found), then](lookup_page rest) mutable {
        if (rest.problem)
          return then(std::move(rest));
        // Cleared between the two questions: what was moved stands in Redis now.
        if (keeper_ != keeper::journal)
          return look_up(what, then);
        merge(found, std::move(rest));
        then(std::move(found));
      }));
}

} // namespace chasqui
