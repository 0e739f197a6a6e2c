// The buffer core's second half: what becomes of entries once they are kept.

#include "actors/buffer_core.hpp"

#include "messages/json.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

namespace {

constexpr std::chrono::milliseconds wait_max = std::chrono::hours{24 * 365};

stage stage_of(const rejected& r) { return r.behind.empty() ? stage::rejected : stage::parked; }

// Whether the decision has discarded this letter, and not only let it be tried.
bool was_discarded(const uuid& letter, const log_place& place) {
  const auto decoded = decode_decision(place.payload);
  const auto* d = std::get_if<decision>(&decoded);
  return place.settled && d != nullptr && d->action == letter_action::discard &&
         (d->letter == letter || d->family);
}

} // namespace

event buffer_core::range_event(event_kind kind, const lane_state& lane, seqno from, seqno to, instant at) {
  return {0, at, kind, lane.marks.lane, from, to, {}, {}};
}

event buffer_core::store_event(instant at, std::string detail) {
  return {0, at, event_kind::store, {}, 0, 0, {}, std::move(detail)};
}

std::variant<position, fault> buffer_core::locate(const std::string& lane) const {
  if (phase_ != store_phase::open)
    return store_fault_ ? store_fault_
                        : fault{fault_code::store_unavailable, "The store is being opened.", ""};
  const auto& marks = lanes_.at(lane).marks;
  return position{lane, epoch_, marks.first, marks.head, marks.released};
}

fault buffer_core::may_take(const take& what) const {
  if (!lanes_.contains(what.lane))
    return {fault_code::unknown_lane, "There is no lane '" + what.lane + "'.", ""};
  if (phase_ != store_phase::open)
    return {fault_code::store_unavailable, "The log cannot be read: " + store_fault_.message, ""};
  return {};
}

std::variant<batch, fault> buffer_core::on_slice(const take& what, log_slice slice, buffer_actions& out,
                                                 moment now) {
  if (slice.problem) {
    const auto code = slice.problem.code;
    const bool lost = code == fault_code::store_unavailable || code == fault_code::outcome_unknown;
    if (lost && phase_ == store_phase::open)
      lose_store(out, slice.problem, now);
    return std::move(slice.problem);
  }
  auto& lane = lanes_.at(what.lane);
  const auto last = slice.entries.empty() ? what.from_seq - 1 : slice.entries.back().seq;
  lane.sent = last;
  lane.taker_waits = last >= lane.marks.head;
  return batch{what.lane, what.from_seq, std::move(slice.entries), lane.marks.head};
}

std::variant<align_step, fault> buffer_core::begin_align(const align& what) const {
  auto stand = locate(what.lane);
  if (auto* problem = std::get_if<fault>(&stand))
    return std::move(*problem);
  const auto& log = std::get<position>(stand);
  if (what.cursor > log.head)
    return align_step::renumber;
  return what.id.is_nil() || what.cursor < log.first ? align_step::look : align_step::compare;
}

bool buffer_core::is_another(const align& what, const log_slice& at_cursor) {
  return !at_cursor.entries.empty() && at_cursor.entries.front().id != what.id;
}

std::variant<alignment, fault> buffer_core::end_align(const align& what, seqno missing_to,
                                                      const std::vector<roll_line>& roll) const {
  const auto& marks = lanes_.at(what.lane).marks;
  alignment out{what.lane, what.cursor, 0, {}, marks.head};
  if (missing_to <= what.cursor)
    return out;
  if (what.cursor < marks.released)
    return fault{fault_code::diverged,
                 "The primary has applied lane " + what.lane + " up to " + std::to_string(what.cursor) +
                     ", but entries up to " + std::to_string(missing_to) +
                     " are no longer in the log: they were on the replica, and were released, up to " +
                     std::to_string(marks.released) + " (buffer.retain_entries).",
                 ""};
  out.skip_to = std::min(missing_to, what.cursor + suspects_max);
  for (const auto& line : roll)
    if (line.seq <= out.skip_to)
      out.suspects.push_back(line.id);
  return out;
}

buffer_actions buffer_core::on_missing(const missing& m, moment now) {
  buffer_actions out;
  auto& lane = lanes_.at(m.lane);
  missing_ += m.ids.size() + m.unnamed;
  room_.lost(m, out.waits);
  for (const auto& id : m.ids)
    out.events.push_back({0, now.wall, event_kind::missing, m.lane, m.from_seq, m.to_seq, id,
                          "acknowledged, and lost by the store before the primary had it"});
  if (m.unnamed > 0) {
    out.events.push_back(range_event(event_kind::missing, lane, m.from_seq, m.to_seq, now.wall));
    out.events.back().detail =
        std::to_string(m.unnamed) + " of these are lost, or were applied already: nobody knows their ids";
  }
  lane.sent = std::max(lane.sent, m.to_seq);
  return out;
}

buffer_actions buffer_core::on_committed(const committed& c, moment now) {
  buffer_actions out;
  auto& lane = lanes_.at(c.lane);
  lane.flushed = std::max(lane.flushed, c.flushed);
  if (c.seq <= lane.marks.committed)
    return out;
  out.events.push_back(range_event(event_kind::committed, lane, lane.marks.committed + 1, c.seq, now.wall));
  out.events.back().detail = to_string(c.flushed);
  lane.commits.add(lane.marks.committed, c.seq, now.wall);
  lane.marks.committed = c.seq;
  lane.sent = std::max(lane.sent, c.seq);
  lane.dirty = true;
  room_.passed(c.lane, waiting_room::mark::committed, c.seq, out.waits);
  save_marks(out, now);
  return out;
}

buffer_actions buffer_core::on_replicated(const replicated& r, moment now) {
  buffer_actions out;
  auto& lane = lanes_.at(r.lane);
  if (r.seq > lane.marks.replicated && r.seq <= lane.marks.committed) {
    out.events.push_back(
        range_event(event_kind::replicated, lane, lane.marks.replicated + 1, r.seq, now.wall));
    lane.replays.add(lane.marks.replicated, r.seq, now.wall);
    lane.marks.replicated = r.seq;
    lane.dirty = true;
    room_.passed(r.lane, waiting_room::mark::replicated, r.seq, out.waits);
    release(out, lane, now.wall);
    save_marks(out, now);
  }
  return out;
}

void buffer_core::release(buffer_actions& out, lane_state& lane, instant now) {
  auto through = lane.marks.replicated;
  if (!lane.unburied
           .empty()) // Its payload is in the log alone until the store has it among the dead letters.
    through = std::min(through, lane.unburied.begin()->first - 1);
  if (!lane.unsettled.empty())
    through = std::min(through, lane.unsettled.begin()->first - 1);
  if (through <= lane.marks.released)
    return;
  out.events.push_back(range_event(event_kind::released, lane, lane.marks.released + 1, through, now));
  lane.marks.released = through;
  lane.dirty = true;
  room_.passed(lane.marks.lane, waiting_room::mark::released, through, out.waits);
}

buffer_actions buffer_core::on_rejected(const rejected& r, moment now) {
  buffer_actions out;
  auto& lane = lanes_.at(r.lane);
  if (!lane.dead.insert(r.seq).second) // A new session tells again what an earlier one may not have told.
    return out;
  lane.unburied.emplace(r.seq, r);
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
  if (problem.code == fault_code::diverged) { // Numbered anew since: it is refused again as that number.
    lanes_.at(why.lane).unburied.erase(why.seq);
    return out;
  }
  if (!letter_kept(out, problem, now))
    return out;
  auto& lane = lanes_.at(why.lane);
  lane.unburied.erase(why.seq);
  out.count_dead = true; // It may have been among them before: the store knows.
  release(out, lane, now.wall);
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
  release(out, lane, now.wall);
  return out;
}

void buffer_core::save_marks(buffer_actions& out, moment now) {
  if (phase_ != store_phase::open || marks_in_flight_ > 0 || now.steady - marked_at_ < limits_.mark_interval)
    return;
  for (auto& [name, lane] : lanes_) {
    if (!std::exchange(lane.dirty, false))
      continue;
    const auto released = lane.marks.released;
    const auto through = released > limits_.retain_entries ? released - limits_.retain_entries : 0;
    lane.trimmed = std::max(lane.trimmed, through);
    lane.marks.first = std::max(lane.marks.first, lane.trimmed + 1);
    lane.dead.erase(lane.dead.begin(), lane.dead.lower_bound(lane.marks.first));
    out.mark.push_back({lane.marks, lane.trimmed});
    ++marks_in_flight_;
    marked_at_ = now.steady;
  }
}

buffer_actions buffer_core::on_marked(const fault& problem, moment now) {
  buffer_actions out;
  if (marks_in_flight_ > 0)
    --marks_in_flight_;
  if (problem)
    for (auto& [name, lane] : lanes_)
      lane.dirty = true;
  if (problem.code == fault_code::fenced)
    out.quit = problem;
  else if (problem && phase_ == store_phase::open && problem.code != fault_code::store_full)
    lose_store(out, problem, now);
  if (draining_ && !problem) {
    marked_at_ = {};
    save_marks(out, now);
  }
  quit_if_drained(out);
  return out;
}

buffer_actions buffer_core::on_await(ticket who, const await& what, const log_place& place, moment now) {
  buffer_actions out;
  const auto timeout = std::clamp(what.timeout, std::chrono::milliseconds{0}, wait_max);
  const early_wait w{who, what, now.steady + timeout};
  // Before the store was ever open, nobody knows how long the log is.
  const bool early = what.what == condition::ready ? phase_ != store_phase::open : epoch_ == 0;
  if (draining_)
    out.waits.push_back({who, {}, {fault_code::unavailable, "The runtime is stopping.", ""}});
  else if (room_.size() + early_waits_.size() >= limits_.waiters_max)
    out.waits.push_back(
        {who, {}, {fault_code::overloaded, "Too many wait already (buffer.waiters_max).", ""}});
  else if (place.problem)
    out.waits.push_back({who, {}, place.problem});
  else if (early)
    early_waits_.push_back(w);
  else
    settle_wait(w, place, out);
  return out;
}

void buffer_core::settle_wait(const early_wait& w, const log_place& place, buffer_actions& out) {
  const auto& what = w.what;
  if (what.what == condition::ready) {
    out.waits.push_back({w.who, {}, {}});
  } else if (const auto death = death_of(place); what.what == condition::transaction && death) {
    out.waits.push_back({w.who, {what.what, stage_of(*death)}, {}});
  } else if (was_discarded(what.id, place)) {
    out.waits.push_back({w.who, {what.what, stage::discarded}, {}});
  } else {
    const reached answer{what.what, what.reached};
    if (auto targets = targets_of(what, place); targets.empty())
      out.waits.push_back({w.who, answer, {}});
    else
      room_.join(w.who, answer, std::move(targets), w.deadline);
  }
}

std::vector<waiting_room::target> buffer_core::targets_of(const await& what, const log_place& place) const {
  using mark = waiting_room::mark;
  std::vector<waiting_room::target> out;
  const auto want = [&](const lane_state& lane, mark which, seqno seq) {
    const auto& m = lane.marks;
    const auto stands = which == mark::committed    ? m.committed
                        : which == mark::replicated ? m.replicated
                                                    : m.released;
    if (stands < seq)
      out.push_back({m.lane, which, seq, what.what == condition::transaction ? what.id : uuid{}});
  };
  if (what.what != condition::transaction) {
    for (const auto& [name, lane] : lanes_)
      want(lane, what.what == condition::drained ? mark::committed : mark::replicated, lane.marks.head);
    return out;
  }
  const auto lane = lanes_.find(place.lane);
  if (lane == lanes_.end()) // Of a lane that the settings no longer have.
    return out;
  if (what.reached == stage::committed)
    want(lane->second, mark::committed, place.seq);
  else if (what.reached == stage::replicated)
    want(lane->second, mark::replicated, place.seq);
  else if (what.reached == stage::released)
    want(lane->second, mark::released, place.seq);
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

life buffer_core::tell(uuid id, const log_place& place) const {
  life out{id, place.lane, place.seq, stage::buffered, {}, {{stage::buffered, place.at}}, {}, place.payload};
  const auto found = lanes_.find(place.lane);
  if (found == lanes_.end())
    return out;
  const auto& lane = found->second;
  const auto at = [&](stage which, const timeline& times) {
    if (const auto when = times.passed(place.seq))
      out.history.push_back({which, *when});
  };
  const auto death = death_of(place);
  at(death ? stage_of(*death) : stage::committed, lane.commits);
  at(stage::replicated, lane.replays);
  const auto& m = lane.marks;
  if (place.seq <= m.committed)
    out.flushed = lane.flushed;
  if (was_discarded(id, place)) {
    out.stage = stage::discarded;
  } else if (death) {
    out.stage = stage_of(*death);
    out.error = {fault_code::none, death->sqlstate + ": " + death->message, {}};
  } else {
    out.stage = place.seq <= m.released     ? stage::released
                : place.seq <= m.replicated ? stage::replicated
                : place.seq <= m.committed  ? stage::committed
                : place.seq <= lane.sent    ? stage::sent
                                            : stage::buffered;
  }
  return out;
}

log_report buffer_core::report(instant now) const {
  log_report out;
  for (const auto& name : lane_names_) {
    const auto& lane = lanes_.at(name);
    const auto& m = lane.marks;
    double age_s = 0;
    if (m.head > m.replicated)
      if (const auto since = lane.kept.passed(m.replicated + 1))
        age_s = std::chrono::duration<double>(now - *since).count();
    out.lanes.push_back({name, epoch_, m.head, lane.sent, m.committed, m.replicated, m.released, age_s});
  }
  out.store = {kind_, durability_, ""};
  if (phase_ == store_phase::open)
    out.store.state = store_fault_ ? "full: " + store_fault_.message : "open";
  else
    out.store.state = store_fault_.code == fault_code::held ? "standing by: " + store_fault_.message
                      : store_fault_                        ? "unavailable: " + store_fault_.message
                                                            : "opening";
  out.dead_letters = dead_letters_;
  out.missing = missing_;
  return out;
}

} // namespace chasqui
