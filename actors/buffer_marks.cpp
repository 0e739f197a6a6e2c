// What becomes of entries once they are kept: committed, replicated, released; and how log and primary are
// compared.

#include "actors/buffer_core.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

namespace {

constexpr std::chrono::seconds taker_counts{10}; // It takes again while it has a link that carries anything.

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
  // What is sent once more, in a new session, is no news.
  if (const auto told = std::max(lane.told_sent, what.from_seq - 1); last > told) {
    out.events.push_back(range_event(event_kind::sent, lane, told + 1, last, now.wall));
    lane.told_sent = last;
  }
  lane.taker_waits = last >= lane.marks.head;
  lane.had_more = !lane.taker_waits;
  lane.taken_at = now.steady;
  return batch{what.lane, what.from_seq, std::move(slice.entries), lane.marks.head,
               goes_last(what.lane, now.steady)};
}

// What nobody takes needs no link: its forwarder may have none.
bool buffer_core::goes_last(const std::string& lane, time_point now) const {
  for (const auto& name : lane_names_) {
    if (name == lane)
      return false;
    const auto& before = lanes_.at(name);
    if (before.had_more && now - before.taken_at < taker_counts)
      return true;
  }
  return false;
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

bool buffer_core::stands_before(seqno cursor, seqno from, const log_slice& slice) {
  if (slice.problem)
    return slice.problem.code == fault_code::diverged && slice.missing_to + 1 < cursor;
  return from < cursor && !slice.entries.empty();
}

std::variant<alignment, fault> buffer_core::end_align(const align& what, seqno missing_to,
                                                      const std::vector<roll_line>& roll) const {
  const auto& marks = lanes_.at(what.lane).marks;
  alignment out{what.lane, what.cursor, 0, {}, 0, 0, marks.head};
  if (missing_to <= what.cursor)
    return out;
  if (what.cursor < marks.released)
    return fault{fault_code::diverged,
                 "The primary has applied lane " + what.lane + " up to " + std::to_string(what.cursor) +
                     ", but entries up to " + std::to_string(missing_to) +
                     " are no longer in the log: they were on the replica, and were released, up to " +
                     std::to_string(marks.released) + " (buffer.retain_entries, retain_for_ms).",
                 ""};
  out.skip_to = std::min(missing_to, what.cursor + suspects_max);
  out.unnamed = out.skip_to - what.cursor;
  for (const auto& line : roll) {
    if (line.seq > out.skip_to)
      continue;
    if (line.id.is_nil())
      ++out.moved;
    else
      out.suspects.push_back(line.id);
    out.unnamed -= std::min<std::uint64_t>(out.unnamed, 1);
  }
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
    release(out, lane, now);
    save_marks(out, now);
  }
  return out;
}

void buffer_core::release(buffer_actions& out, lane_state& lane, moment now) {
  auto through = lane.marks.replicated;
  if (!lane.unburied
           .empty()) // Its payload is in the log alone until the store has it among the dead letters.
    through = std::min(through, lane.unburied.begin()->first - 1);
  if (!lane.unsettled.empty())
    through = std::min(through, lane.unsettled.begin()->first - 1);
  if (through <= lane.marks.released)
    return;
  out.events.push_back(range_event(event_kind::released, lane, lane.marks.released + 1, through, now.wall));
  // Only now, and not whenever time has passed: while nothing is released, the primary may have failed over
  // to one that lacks what is old.
  lane.releases.add(lane.marks.released, through, steady_instant(now.steady));
  lane.outlived = lane.releases.reached(steady_instant(now.steady - limits_.retain_for));
  lane.marks.released = through;
  lane.dirty = true;
  room_.passed(lane.marks.lane, waiting_room::mark::released, through, out.waits);
}

// While a lane catches up, the store's time is for reading and appending: of what may go no more goes than
// has come in since, so that the log does not grow. A full store needs the room at once.
void buffer_core::trim(lane_state& lane) const {
  const auto surplus = lane.marks.released - std::min(lane.marks.released, limits_.retain_entries);
  const auto through = std::max({lane.trimmed, surplus, lane.outlived});
  const auto came_in =
      lane.marks.head - std::min(lane.marks.head, std::exchange(lane.head_at_trim, lane.marks.head));
  const bool catches_up =
      lane.marks.head - lane.marks.committed > limits_.catching_up_entries && !store_fault_;
  const auto entries = catches_up ? std::min(came_in, limits_.trim_entries_max) : limits_.trim_entries_max;
  lane.dirty = through - lane.trimmed > entries && !draining_; // The rest goes with the next marks.
  lane.trimmed = std::min(through, lane.trimmed + entries);
}

void buffer_core::save_marks(buffer_actions& out, moment now) {
  if (phase_ != store_phase::open || marks_in_flight_ > 0 || now.steady - marked_at_ < limits_.mark_interval)
    return;
  for (auto& [name, lane] : lanes_) {
    if (!std::exchange(lane.dirty, false))
      continue;
    trim(lane);
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

log_report buffer_core::report(instant now) const {
  log_report out;
  for (const auto& name : lane_names_) {
    const auto& lane = lanes_.at(name);
    const auto& m = lane.marks;
    double age_s = 0;
    if (m.head > m.replicated)
      if (const auto since = lane.kept.passed(m.replicated + 1))
        age_s = std::chrono::duration<double>(now - *since).count();
    // What is committed was sent, be it by an earlier run, or by a session before this one.
    const auto sent = std::max(lane.sent, m.committed);
    out.lanes.push_back({name, epoch_, m.head, sent, m.committed, m.replicated, m.released, age_s});
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
