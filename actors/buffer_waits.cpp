// How far a transaction has come, and who waits for it.

#include "actors/buffer_core.hpp"

#include "messages/json.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

namespace {

constexpr std::chrono::milliseconds wait_max = std::chrono::hours{24 * 365};

// A dead letter ends every wait; that a transaction was sent says nothing about where it is.
bool can_be_awaited(stage s) { return s == stage::buffered || is_mark(s); }

// Whether the decision has discarded this letter, and not only let it be tried.
bool was_discarded(const uuid& letter, const log_place& place) {
  if (!place.settled)
    return false;
  const auto decoded = decode_decision(place.payload);
  const auto* d = std::get_if<decision>(&decoded);
  return d != nullptr && d->action == letter_action::discard && (d->letter == letter || d->family);
}

} // namespace

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
  else if (what.what == condition::transaction && !can_be_awaited(what.reached))
    out.waits.push_back({who,
                         {},
                         {fault_code::malformed,
                          "Nobody can wait for " + std::string{to_string(what.reached)} +
                              ": wait for committed, replicated or released.",
                          ""}});
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
  } else if (const auto doubt = doubt_of(place); what.what == condition::transaction && doubt) {
    out.waits.push_back({w.who, {}, doubt});
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

fault buffer_core::doubt_of(const log_place& place) const {
  const auto lane = lanes_.find(place.lane);
  if (!place.in_doubt || lane == lanes_.end() || place.seq > lane->second.marks.committed || death_of(place))
    return {};
  return {
      fault_code::unavailable,
      "Whether the primary has refused this transaction is known once Redis, where dead letters are kept, is "
      "back. Ask again then.",
      ""};
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
  if (!death)
    at(stage::replicated, lane.replays);
  const auto& m = lane.marks;
  if (place.seq <= m.committed)
    out.flushed = lane.flushed;
  if (was_discarded(id, place)) {
    out.stage = stage::discarded;
  } else if (death) {
    out.stage = stage_of(*death);
    out.error = {fault_code::rejected, death->sqlstate + ": " + death->message, {}};
  } else {
    out.stage = place.seq <= m.released     ? stage::released
                : place.seq <= m.replicated ? stage::replicated
                : place.seq <= m.committed  ? stage::committed
                : place.seq <= lane.sent    ? stage::sent
                                            : stage::buffered;
  }
  return out;
}

} // namespace chasqui
