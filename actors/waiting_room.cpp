#include "actors/waiting_room.hpp"

namespace chasqui {

void waiting_room::join(ticket who, reached what, std::vector<target> targets, time_point deadline) {
  for (const auto& t : targets)
    queues_[{t.lane, t.which}].emplace(t.seq, who);
  const auto missing = targets.size();
  waiters_.insert_or_assign(who,
                            waiter{what, std::move(targets), missing, deadlines_.emplace(deadline, who)});
}

void waiting_room::leave(waiters::iterator who) {
  for (const auto& t : who->second.targets)
    queues_[{t.lane, t.which}].erase({t.seq, who->first});
  deadlines_.erase(who->second.deadline);
  waiters_.erase(who);
}

void waiting_room::refused(const std::string& lane, seqno seq, stage now, std::vector<wait_over>& out) {
  std::vector<ticket> ended;
  for (const auto& [key, waiting] : queues_)
    if (key.first == lane)
      for (auto i = waiting.lower_bound({seq, 0}); i != waiting.end() && i->first == seq; ++i)
        if (waiters_.at(i->second).what.what == condition::transaction)
          ended.push_back(i->second);
  for (const auto who : ended) {
    const auto w = waiters_.find(who);
    out.push_back({who, {condition::transaction, now}, {}});
    leave(w);
  }
}

void waiting_room::lost(const missing& what, std::vector<wait_over>& out) {
  const std::set<uuid> ids{what.ids.begin(), what.ids.end()};
  const fault named{fault_code::not_found, "The store has lost it before the primary had it.", ""};
  const fault unnamed{fault_code::unavailable,
                      "The store has lost entries where it stood, and nobody knows whose they were.", ""};
  const fault moved{fault_code::unavailable, "It may have another number by now: ask again.", ""};
  end_transactions(out, [&](const target& t) -> fault {
    if (t.lane != what.lane || t.seq < what.from_seq || t.seq > what.to_seq)
      return {};
    if (ids.contains(t.id))
      return named;
    return what.unnamed > 0 ? unnamed : what.moved > 0 ? moved : fault{};
  });
}

void waiting_room::numbered_anew(std::vector<wait_over>& out) {
  end_transactions(out, [](const target&) -> fault {
    return {fault_code::unavailable, "The log is opened again, and its numbers may be others: ask again.",
            ""};
  });
}

template <class Why> void waiting_room::end_transactions(std::vector<wait_over>& out, Why why) {
  for (auto w = waiters_.begin(); w != waiters_.end();) {
    const auto here = w++;
    if (here->second.what.what != condition::transaction)
      continue;
    if (auto problem = why(here->second.targets.front())) {
      out.push_back({here->first, here->second.what, std::move(problem)});
      leave(here);
    }
  }
}

void waiting_room::passed(const std::string& lane, mark which, seqno seq, std::vector<wait_over>& out) {
  const auto found = queues_.find({lane, which});
  if (found == queues_.end())
    return;
  auto& waiting = found->second;
  while (!waiting.empty() && waiting.begin()->first <= seq) {
    ++looks_;
    const auto w = waiters_.find(waiting.begin()->second);
    waiting.erase(waiting.begin());
    if (--w->second.missing > 0)
      continue; // It waits for another lane still.
    out.push_back({w->first, w->second.what, {}});
    leave(w);
  }
}

void waiting_room::expire(time_point now, std::vector<wait_over>& out) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    ++looks_;
    const auto w = waiters_.find(deadlines_.begin()->second);
    out.push_back(
        {w->first, w->second.what,
         fault{fault_code::timed_out, "It did not happen in the time given; it may still happen.", ""}});
    leave(w);
  }
}

std::size_t waiting_room::places() const noexcept {
  std::size_t out = 0;
  for (const auto& [key, waiting] : queues_)
    out += waiting.size();
  return out;
}

} // namespace chasqui
