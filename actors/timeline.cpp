#include "actors/timeline.hpp"

#include <algorithm>
#include <iterator>

namespace chasqui {

void timeline::add(seqno before, seqno seq, instant at) {
  if (!samples_.empty())
    before = std::max(before, samples_.back().seq);
  if (seq <= before)
    return;
  samples_.push_back({before, seq, at});
  if (samples_.size() <= samples_max_)
    return;
  if (forget_ == forget::oldest)
    samples_.pop_front();
  else
    thin();
}

void timeline::thin() {
  std::deque<sample> kept;
  for (std::size_t i = 1; i < samples_.size(); i += 2)
    kept.push_back({samples_[i - 1].before, samples_[i].seq, samples_[i].at});
  if (samples_.size() % 2 == 1)
    kept.push_back(samples_.back());
  samples_ = std::move(kept);
}

std::optional<instant> timeline::passed(seqno seq) const {
  const auto found = std::lower_bound(samples_.begin(), samples_.end(), seq,
                                      [](const sample& s, seqno wanted) { return s.seq < wanted; });
  if (found == samples_.end() || seq <= found->before)
    return std::nullopt;
  return found->at;
}

seqno timeline::reached(instant at) const {
  const auto later = std::upper_bound(samples_.begin(), samples_.end(), at,
                                      [](instant wanted, const sample& s) { return wanted < s.at; });
  return later == samples_.begin() ? 0 : std::prev(later)->seq;
}

} // namespace chasqui
