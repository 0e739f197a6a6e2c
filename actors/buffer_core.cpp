#include "actors/buffer_core.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

namespace {

// The shell ticks every 50 ms while anybody waits: an answer that is due before the next tick is given now.
constexpr std::chrono::milliseconds tick_margin{60};

append_reply refusal(ticket who, fault why) { return {who, {{}, std::move(why)}}; }

receipt receipt_of(uuid id, const append_slot& slot, const append_result& result) {
  receipt out{id, slot.lane, slot.seq, result.durability, result.store, slot.at};
  if (slot.elsewhere) {
    out.durability = *slot.elsewhere;
    out.store = result.store == store_kind::journal ? store_kind::redis : store_kind::journal;
  }
  return out;
}

fault overload() {
  return {fault_code::overloaded,
          "Too many submissions wait for the store (buffer.waiting_entries_max, waiting_bytes_max): those of "
          "the lanes that come first in the settings go first. Nothing was kept; submit again, with the same "
          "id.",
          ""};
}

} // namespace

buffer_core::buffer_core(const std::vector<std::string>& lanes, buffer_limits limits)
    : limits_{limits}, lane_names_{lanes}, waiting_{lanes, limits.waiting_entries_max,
                                                    limits.waiting_bytes_max} {
  for (const auto& name : lanes)
    lanes_.emplace(name, name);
}

buffer_actions buffer_core::start() {
  buffer_actions out;
  out.open = true;
  return out;
}

buffer_actions buffer_core::on_opened(log_opened opened, moment now) {
  buffer_actions out;
  if (opened.problem) {
    lose_store(out, opened.problem, now);
    return out;
  }
  phase_ = store_phase::open;
  store_fault_ = {};
  reopens_ = 0;
  const bool first_time = epoch_ == 0;
  epoch_ = opened.epoch;
  kind_ = opened.kind;
  durability_ = opened.durability;
  dead_letters_ = opened.dead_letters;
  for (auto& marks : opened.lanes) {
    auto& lane = lanes_.at(marks.lane);
    if (renumbered_ || marks.head < lane.marks.head) {
      lane = lane_state{marks.lane};
      out.dismiss = true;
    }
    // What we were told meanwhile may be ahead of what was saved.
    marks.committed = std::max(marks.committed, lane.marks.committed);
    marks.replicated = std::max(marks.replicated, lane.marks.replicated);
    marks.released = std::max(marks.released, lane.marks.released);
    for (auto* mark : {&marks.committed, &marks.replicated, &marks.released})
      *mark = std::min(*mark, marks.head);
    // The first entry of one store may not be the first of the log: what was not released is not trimmed.
    lane.trimmed = std::min(marks.first - 1, marks.released);
    lane.marks = std::move(marks);
    lane.releases.add(lane.trimmed, lane.marks.released, steady_instant(now.steady));
    lane.dirty = true;
    lane.kept.add(lane.marks.replicated, lane.marks.head,
                  first_time && lane.marks.oldest_at != instant{} ? lane.marks.oldest_at : now.wall);
    tell_again(out, lane);
    hint(out, lane);
  }
  renumbered_ = false;
  auto opening = store_event(now.wall, "open: receipts say " + std::string{to_string(durability_)});
  for (const auto& sentence : opened.drift)
    opening.detail += "; " + sentence;
  out.events.push_back(std::move(opening));
  for (const auto& w : std::exchange(early_waits_, {}))
    settle_wait(w, {}, out);
  send_group(out, now.wall);
  return out;
}

fault buffer_core::admission(const append& what) const {
  const auto found = lanes_.find(what.lane);
  if (found == lanes_.end())
    return {fault_code::unknown_lane, "There is no lane '" + what.lane + "' in the settings.", "lane"};
  if (draining_)
    return {fault_code::unavailable,
            "The runtime is stopping. Submit again, with the same id, once it is back.", ""};
  if (phase_ == store_phase::waiting)
    return store_fault_;
  if (found->second.marks.head >= found->second.marks.replicated + limits_.pending_entries_max)
    return {fault_code::store_full,
            "Lane " + what.lane + " holds " + std::to_string(limits_.pending_entries_max) +
                " entries that are not replicated, the limit (buffer.pending_entries_max). Nothing was kept.",
            ""};
  return waiting_.has_room_for(what) ? fault{} : overload();
}

buffer_actions buffer_core::on_append(ticket first, std::span<append> all, moment now) {
  buffer_actions out;
  const auto deadline = now.steady + limits_.submit_deadline - tick_margin;
  for (auto who = first; auto& what : all) {
    if (auto problem = admission(what))
      out.replies.push_back(refusal(who, std::move(problem)));
    else
      for (const auto& w : waiting_.add({who, std::move(what), deadline}))
        out.replies.push_back(refusal(w.who, overload()));
    ++who;
  }
  send_group(out, now.wall);
  return out;
}

void buffer_core::send_group(buffer_actions& out, instant now) {
  if (append_in_flight_ || phase_ != store_phase::open || waiting_.empty())
    return;
  std::uint64_t bytes = 0;
  while (!waiting_.empty() && out.append.size() < limits_.group_entries_max) {
    const auto size = static_cast<std::uint64_t>(waiting_.front().what.payload.size());
    if (!out.append.empty() && bytes + size > limits_.group_bytes_max)
      break;
    bytes += size;
    auto next = waiting_.pop();
    flying_.push_back({next.who, next.what.id, next.deadline, false});
    out.append.push_back({next.what.id, std::move(next.what.lane), std::move(next.what.payload), now});
  }
  append_in_flight_ = true;
}

buffer_actions buffer_core::on_appended(const append_result& result, moment now) {
  buffer_actions out;
  append_in_flight_ = false;
  const auto flying = std::exchange(flying_, {});
  if (result.problem)
    refuse_group(out, flying, result.problem, now);
  else
    acknowledge_group(out, flying, result, now);
  send_group(out, now.wall);
  quit_if_drained(out);
  return out;
}

void buffer_core::refuse_group(buffer_actions& out, const std::vector<flying_append>& flying,
                               const fault& why, moment now) {
  for (const auto& f : flying)
    if (!f.answered)
      out.replies.push_back(refusal(f.who, why));
  if (why.code == fault_code::fenced) {
    out.quit = why;
    answer_waiting(out, why);
  } else if (why.code == fault_code::store_full) {
    // Redis lives and may have room again for the next one.
    if (!store_fault_)
      out.events.push_back(store_event(now.wall, "full: " + why.message));
    store_fault_ = why;
  } else {
    lose_store(out, why, now);
  }
}

void buffer_core::acknowledge_group(buffer_actions& out, const std::vector<flying_append>& flying,
                                    const append_result& result, moment now) {
  const auto& slots = result.slots;
  if (store_fault_) {
    store_fault_ = {};
    out.events.push_back(store_event(now.wall, "has room again"));
  }
  for (std::size_t i = 0; i < flying.size() && i < slots.size(); ++i)
    if (const auto& slot = slots[i]; !flying[i].answered)
      out.replies.push_back({flying[i].who, {receipt_of(flying[i].id, slot, result), {}}});
  move_heads(out, slots, now.wall);
}

void buffer_core::move_heads(buffer_actions& out, const std::vector<append_slot>& slots, instant now) {
  std::map<std::string, seqno> heads_before;
  for (const auto& slot : slots) {
    const auto found = lanes_.find(slot.lane);
    if (slot.repeated || found == lanes_.end())
      continue;
    heads_before.try_emplace(slot.lane, found->second.marks.head);
    found->second.marks.head = std::max(found->second.marks.head, slot.seq);
  }
  for (const auto& [name, before] : heads_before) {
    auto& lane = lanes_.at(name);
    lane.kept.add(before, lane.marks.head, now);
    out.events.push_back(range_event(event_kind::buffered, lane, before + 1, lane.marks.head, now));
    hint(out, lane);
  }
}

buffer_actions buffer_core::on_taken_in(const std::vector<append_slot>& slots, moment now) {
  buffer_actions out;
  move_heads(out, slots, now.wall);
  out.events.push_back(store_event(now.wall, "took in " + std::to_string(slots.size()) +
                                                 " entries that another runtime was left with"));
  return out;
}

buffer_actions buffer_core::on_store_change(const store_change& change, moment now) {
  buffer_actions out;
  kind_ = change.kind;
  durability_ = change.durability;
  epoch_ = std::max(epoch_, change.epoch);
  if (change.reopen) {
    renumbered_ = true;
    return reopen(change.why, now);
  }
  const auto* where = kind_ == store_kind::redis ? "Redis" : "the journal";
  out.events.push_back(store_event(now.wall, std::string{"the log goes on in "} + where + ": " + change.why));
  return out;
}

buffer_actions buffer_core::reopen(const std::string& why, moment now) {
  auto out = start();
  phase_ = store_phase::opening;
  marks_in_flight_ = 0;
  room_.numbered_anew(out.waits);
  out.events.push_back(store_event(now.wall, "is opened again: " + why));
  return out;
}

void buffer_core::hint(buffer_actions& out, lane_state& lane) {
  // A read may have overtaken the answer to an append: then the taker has these entries already.
  if (!lane.taker_waits || lane.marks.head <= lane.sent)
    return;
  lane.taker_waits = false;
  out.hints.push_back({lane.marks.lane, lane.marks.head});
}

void buffer_core::lose_store(buffer_actions& out, const fault& why, moment now) {
  if (phase_ != store_phase::waiting && (!store_fault_ || store_fault_.message != why.message))
    out.events.push_back(store_event(now.wall, why.code == fault_code::held ? "standing by: " + why.message
                                                                            : "unavailable: " + why.message));
  phase_ = store_phase::waiting;
  renumbered_ = renumbered_ || why.code == fault_code::held; // By whoever has the log now.
  const auto code = why.code == fault_code::held ? why.code : fault_code::store_unavailable;
  store_fault_ = fault{code, why.message, ""};
  const auto wait = std::min(limits_.reopen_max, limits_.reopen_min * (1U << std::min(reopens_, 10U)));
  ++reopens_;
  reopen_at_ = now.steady + wait;
  marks_in_flight_ = 0;
  answer_waiting(out, store_fault_);
}

void buffer_core::answer_waiting(buffer_actions& out, const fault& why) {
  for (const auto& w : waiting_.clear())
    out.replies.push_back(refusal(w.who, why));
}

buffer_actions buffer_core::on_tick(moment now) {
  buffer_actions out;
  expire(out, now.steady);
  if (phase_ == store_phase::waiting && now.steady >= reopen_at_) {
    phase_ = store_phase::opening;
    out.open = true;
  }
  if (bury_again_at_ && now.steady >= *bury_again_at_ && phase_ == store_phase::open) {
    bury_again_at_.reset();
    for (const auto& [name, lane] : lanes_)
      tell_again(out, lane);
  }
  save_marks(out, now);
  return out;
}

void buffer_core::expire(buffer_actions& out, time_point now) {
  for (const auto& w : waiting_.expire(now))
    out.replies.push_back(
        refusal(w.who, {fault_code::store_unavailable,
                        "The store did not take it in time (buffer.submit_deadline_ms). Nothing was kept; "
                        "submit again, with the same id.",
                        ""}));
  for (auto& f : flying_) {
    if (f.answered || f.deadline > now)
      continue;
    f.answered = true;
    out.replies.push_back(refusal(
        f.who, {fault_code::outcome_unknown,
                "The store did not answer in time (buffer.submit_deadline_ms): it may or may not have kept "
                "it. Submit again, with the same id, to know.",
                ""}));
  }
  room_.expire(now, out.waits);
  const auto late = [&](const auto& w) { return w.deadline <= now; };
  for (const auto& w : early_waits_)
    if (late(w))
      out.waits.push_back(
          {w.who, {}, {fault_code::timed_out, "The store is not open: " + store_fault_.message, ""}});
  std::erase_if(early_waits_, late);
}

buffer_actions buffer_core::drain(moment now) {
  buffer_actions out;
  draining_ = true;
  if (phase_ != store_phase::open)
    answer_waiting(out, {fault_code::unavailable, "The runtime is stopping. Nothing was kept.", ""});
  marked_at_ = {}; // What is dirty is saved now, not when its time comes.
  save_marks(out, now);
  quit_if_drained(out);
  return out;
}

void buffer_core::quit_if_drained(buffer_actions& out) const {
  if (draining_ && !append_in_flight_ && waiting_.empty() && marks_in_flight_ == 0 && !out.quit)
    out.quit = fault{};
}

} // namespace chasqui
