#include "actors/notifier_core.hpp"

#include <algorithm>

namespace chasqui {

bool notifier_core::subscribe(std::uint64_t subscriber, std::uint64_t backlog_max) {
  if (subscribers_.size() >= limits_.subscribers_max && !subscribers_.contains(subscriber))
    return false;
  const auto backlog = std::clamp<std::uint64_t>(backlog_max, 1, limits_.backlog_max);
  subscribers_[subscriber] = {backlog, last_, last_, 0};
  return true;
}

std::vector<delivery> notifier_core::deliver(event& e) {
  std::vector<delivery> out;
  e.number = ++last_;
  for (auto& [who, s] : subscribers_) {
    if (s.lost_from == 0 && s.sent - s.confirmed >= s.backlog_max)
      s.lost_from = e.number;
    if (s.lost_from != 0)
      continue;
    s.sent = e.number;
    out.push_back({who, {{e}}});
  }
  return out;
}

std::optional<delivery> notifier_core::acknowledge(std::uint64_t subscriber, std::uint64_t number,
                                                   instant now) {
  const auto found = subscribers_.find(subscriber);
  if (found == subscribers_.end())
    return std::nullopt;
  auto& s = found->second;
  s.confirmed = std::clamp(number, s.confirmed, s.sent);
  if (s.lost_from == 0 || s.sent - s.confirmed > s.backlog_max / 2)
    return std::nullopt;
  const event gap{
      last_, now, event_kind::gap, {}, s.lost_from, last_, {}, "this subscriber was too slow for these"};
  // What was lost is not under way: only the notice itself is.
  s.confirmed += last_ - s.lost_from;
  s.lost_from = 0;
  s.sent = last_;
  return delivery{subscriber, {{gap}}};
}

} // namespace chasqui
