#include "actors/lsn_watcher_core.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

namespace {

std::string name_of(lag_class c) {
  switch (c) {
  case lag_class::current:
    return "current";
  case lag_class::behind:
    return "behind";
  case lag_class::far_behind:
    return "far_behind";
  default:
    return "unknown";
  }
}

} // namespace

void lsn_watcher_core::on_committed(const committed& c, moment now) {
  flushed_ = c.timeline == timeline_ ? std::max(flushed_, c.flushed) : c.flushed;
  timeline_ = c.timeline;
  auto& waiting = waiting_[c.lane];
  // A new timeline makes the positions on the old one meaningless; the barrier on the new one covers them
  // all.
  if (!waiting.empty() && waiting.back().what.timeline != c.timeline) {
    const auto since = waiting.front().since;
    waiting.clear();
    waiting.push_back({c, since});
  } else if (waiting.size() >= limits_.barriers_max) {
    waiting.back().what = c;
  } else {
    waiting.push_back({c, now.steady});
  }
}

bool lsn_watcher_core::covers(const sighting& s, const committed& barrier) const {
  return s.replay.known() && barrier.flushed.known() && s.timeline != 0 && s.timeline == barrier.timeline &&
         s.replay >= barrier.flushed;
}

watch_actions lsn_watcher_core::on_sighting(const sighting& s, moment now) {
  watch_actions out;
  if (s.problem) {
    reachable_ = false;
    note_state("unreachable: " + s.problem.message, now.wall, out);
    note_lag(now, out);
    return out;
  }
  note_life(s, now.steady, out);
  reachable_ = true;
  last_ = s;
  std::string disagreement;
  for (auto& [lane, waiting] : waiting_) {
    replica_cursor cursor{lane, 0};
    for (const auto& c : s.cursors)
      if (c.lane == lane)
        cursor = c;
    advance(s, cursor, waiting, out);
    if (!waiting.empty() && covers(s, waiting.front().what))
      disagreement = "disagrees: it has replayed " + to_string(s.replay) + ", past the barrier at " +
                     to_string(waiting.front().what.flushed) + ", but its cursor of lane " + lane + " is " +
                     std::to_string(cursor.last_seq) + ", not " + std::to_string(waiting.front().what.seq) +
                     ": nothing is released";
  }
  if (!disagreement.empty())
    note_state(std::move(disagreement), now.wall, out);
  else
    note_state(!s.in_recovery ? "promoted" : s.streaming ? "streaming" : "waiting", now.wall, out);
  note_lag(now, out);
  return out;
}

void lsn_watcher_core::advance(const sighting& s, const replica_cursor& cursor, queue& waiting,
                               watch_actions& out) {
  seqno arrived = 0;
  while (!waiting.empty() && covers(s, waiting.front().what) && waiting.front().what.seq <= cursor.last_seq) {
    arrived = waiting.front().what.seq;
    waiting.pop_front();
  }
  if (arrived > 0)
    out.arrived.push_back({cursor.lane, arrived});
}

void lsn_watcher_core::note_state(std::string state, instant at, watch_actions& out) {
  // Positions within the sentence change at every look; only another state is news.
  const bool news = state.substr(0, state.find(':')) != state_.substr(0, state_.find(':'));
  state_ = std::move(state);
  if (news)
    out.events.push_back({0, at, event_kind::replica, {}, 0, 0, {}, state_});
}

// A class is left for a better one at half of where it begins, so that a lag at the border is told once.
void lsn_watcher_core::note_lag(moment now, watch_actions& out) {
  const auto age = lag(now.steady);
  const auto was = lag_class_;
  if (!reachable_)
    lag_class_ = lag_class::unknown;
  else if (age >= limits_.far_behind || (was == lag_class::far_behind && age >= limits_.far_behind / 2))
    lag_class_ = lag_class::far_behind;
  else if (age >= limits_.behind ||
           (was != lag_class::current && was != lag_class::unknown && age >= limits_.behind / 2))
    lag_class_ = lag_class::behind;
  else
    lag_class_ = lag_class::current;
  if (lag_class_ == was)
    return;
  auto detail = name_of(lag_class_);
  if (lag_class_ == lag_class::behind || lag_class_ == lag_class::far_behind)
    detail += ": the oldest commit that it has not replayed is " +
              std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(age).count()) + " ms old";
  out.events.push_back({0, now.wall, event_kind::lag, {}, 0, 0, {}, std::move(detail)});
}

void lsn_watcher_core::note_life(const sighting& s, time_point now, watch_actions& out) {
  const bool speaks = s.streaming && (!last_.streaming || s.last_message_at > last_.last_message_at);
  if (!speaks) {
    silent_ = silent_ || now - spoke_at_ >= limits_.silence;
    return;
  }
  if (reachable_ && (!last_.streaming || silent_))
    out.sign = "the replica's WAL receiver hears the primary again";
  spoke_at_ = now;
  silent_ = false;
}

std::chrono::milliseconds lsn_watcher_core::pause() const {
  const bool anything_waits =
      std::any_of(waiting_.begin(), waiting_.end(), [](const auto& lane) { return !lane.second.empty(); });
  return reachable_ && anything_waits ? limits_.busy : limits_.idle;
}

replica_status lsn_watcher_core::report(time_point now) const {
  replica_status out{state_, 0, 0, last_.receive, last_.replay, last_.timeline};
  if (flushed_ > last_.replay && last_.replay.known())
    out.lag_bytes = flushed_.value - last_.replay.value;
  out.lag_s = std::chrono::duration<double>(lag(now)).count();
  return out;
}

time_point::duration lsn_watcher_core::lag(time_point now) const {
  time_point::duration out{0};
  for (const auto& [lane, waiting] : waiting_)
    if (!waiting.empty())
      out = std::max(out, now - waiting.front().since);
  return out;
}

} // namespace chasqui
