// Dead letters and the decisions about them, on their way into the store.

#include "actors/buffer_core.hpp"

#include <utility>

namespace chasqui {

buffer_actions buffer_core::on_rejected(const rejected& r, moment now) {
  buffer_actions out;
  auto& lane = lanes_.at(r.lane);
  // A new session tells again what an earlier one may not have told.
  if (std::exchange(lane.dead[r.seq], r.id) == r.id)
    return out;
  lane.unburied.insert_or_assign(r.seq, r);
  if (phase_ == store_phase::open)
    out.bury.push_back(r);
  const auto kind = r.behind.empty() ? event_kind::rejected : event_kind::parked;
  room_.refused(r.lane, r.seq, stage_of(r), out.waits);
  out.events.push_back({0, now.wall, kind, r.lane, r.seq, r.seq, r.id, r.sqlstate + ": " + r.message});
  return out;
}

buffer_actions buffer_core::on_resolved(const resolved& r, moment now) {
  buffer_actions out;
  auto& lane = lanes_.at(r.lane);
  auto& whole = lane.unsettled.try_emplace(r.seq, resolved{r.lane, r.seq, r.id, r.at, {}}).first->second;
  whole.letters.insert(whole.letters.end(), r.letters.begin(), r.letters.end());
  if (phase_ == store_phase::open)
    out.settle.push_back(whole);
  for (const auto& one : r.letters) {
    const bool again = one.now == stage::rejected;
    out.events.push_back({0, now.wall, again ? event_kind::rejected : event_kind::settled, r.lane, r.seq,
                          r.seq, one.id,
                          again ? one.sqlstate + ": " + one.message : std::string{to_string(one.now)}});
  }
  return out;
}

void buffer_core::tell_again(buffer_actions& out, const lane_state& lane) {
  for (const auto& [seq, letter] : lane.unburied)
    out.bury.push_back(letter);
  for (const auto& [seq, decision] : lane.unsettled)
    out.settle.push_back(decision);
}

bool buffer_core::letter_kept(buffer_actions& out, const fault& problem, moment now) {
  if (problem.code == fault_code::fenced)
    out.quit = problem;
  else if (problem.code == fault_code::store_full || problem.code == fault_code::unavailable)
    bury_again_at_ = now.steady + limits_.reopen_max; // Giving up the store would stop what makes room.
  else if (problem && phase_ == store_phase::open)
    lose_store(out, problem, now);
  return !problem;
}

buffer_actions buffer_core::on_buried(const rejected& why, const fault& problem, moment now) {
  buffer_actions out;
  auto& lane = lanes_.at(why.lane);
  const auto told = lane.dead.find(why.seq);
  const auto waiting = lane.unburied.find(why.seq);
  if (problem.code == fault_code::diverged) { // Numbered anew since: it is refused again as that number.
    if (told != lane.dead.end() && told->second == why.id)
      lane.dead.erase(told);
  } else if (!letter_kept(out, problem, now)) {
    return out;
  }
  if (waiting != lane.unburied.end() && waiting->second.id == why.id)
    lane.unburied.erase(waiting);
  out.count_dead = true; // It may have been among them before: the store knows.
  release(out, lane, now);
  return out;
}

buffer_actions buffer_core::on_settled(const resolved& what, const fault& problem, moment now) {
  buffer_actions out;
  if (!letter_kept(out, problem, now))
    return out;
  auto& lane = lanes_.at(what.lane);
  // More may have become of it meanwhile.
  if (const auto found = lane.unsettled.find(what.seq);
      found != lane.unsettled.end() && found->second.letters.size() <= what.letters.size())
    lane.unsettled.erase(found);
  out.count_dead = true;
  release(out, lane, now);
  return out;
}

std::optional<rejected> buffer_core::death_of(const log_place& place) const {
  if (place.dead)
    return place.why;
  const auto lane = lanes_.find(place.lane);
  if (lane == lanes_.end())
    return std::nullopt;
  const auto letter = lane->second.unburied.find(place.seq);
  return letter == lane->second.unburied.end() ? std::nullopt : std::optional{letter->second};
}

} // namespace chasqui
