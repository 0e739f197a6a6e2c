#include "actors/forwarder_core.hpp"

#include "messages/json.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace chasqui {

forwarder_actions forwarder_core::on_batch(batch b, time_point now) {
  forwarder_actions out;
  pulling_ = 0;
  head_ = std::max(head_, b.head);
  goes_last_ = b.goes_last;
  if (draining_)
    return out;
  if (b.from_seq == next_) {
    if (b.entries.empty() && next_ <= b.head) {
      out.quit = fault{fault_code::store_unavailable,
                       "The log of lane " + lane_ + " ends at " + std::to_string(b.head) +
                           ", but gives nothing from " + std::to_string(next_) + " on.",
                       ""};
      return out;
    }
    for (auto& e : b.entries) {
      send_entry(out, std::move(e), now);
      if (barrier_due())
        send_barrier(out, now);
    }
  }
  pull_if_room(out);
  return out;
}

forwarder_actions forwarder_core::on_hole(fault why, time_point now) {
  forwarder_actions out;
  if (std::exchange(pulling_, 0) != next_) {
    pull_if_room(out); // Asked for before an entry failed.
    return out;
  }
  // The next session aligns, and passes over what is gone.
  hole_ = fault{fault_code::no_progress, std::move(why.message), ""};
  if (since_barrier_ > 0)
    send_barrier(out, now);
  if (in_flight_.empty())
    out.quit = hole_;
  return out;
}

forwarder_actions forwarder_core::on_available(const available& a) {
  forwarder_actions out;
  head_ = std::max(head_, a.head);
  pull_if_room(out);
  return out;
}

forwarder_actions forwarder_core::on_answers(const std::vector<segment_answer>& answers, moment now) {
  forwarder_actions out;
  heard_at_ = now.steady;
  oldest_end_.reset();
  for (const auto& a : answers) {
    if (in_flight_.empty() || in_flight_.front().ticket != a.ticket) {
      out.quit = fault{fault_code::internal, "The primary's answers came out of order.", ""};
      return out;
    }
    const flight f = in_flight_.front();
    in_flight_.pop_front();
    bytes_in_flight_ -= f.bytes;
    window_.on_answered(f.mark, f.bytes, now.steady);
    settle(out, f, a, now);
    if (out.quit)
      return out;
  }
  if (in_flight_.empty() && (draining_ || hole_))
    out.quit = draining_ ? fault{} : *hole_;
  else
    pull_if_room(out);
  return out;
}

forwarder_actions forwarder_core::drain(time_point now) {
  forwarder_actions out;
  draining_ = true;
  if (since_barrier_ > 0)
    send_barrier(out, now);
  if (in_flight_.empty())
    out.quit = fault{};
  return out;
}

void forwarder_core::send(forwarder_actions& out, segment s, time_point now) {
  s.ticket = next_ticket_++;
  if (in_flight_.empty())
    oldest_end_.reset();
  const auto bytes = static_cast<std::uint64_t>(s.what.payload.size());
  in_flight_.push_back(
      {s.ticket, s.kind, s.what.seq, s.what.id, bytes, generation_, window_.on_sent(bytes_in_flight_, now)});
  bytes_in_flight_ += bytes;
  out.send.push_back(std::move(s));
}

bool forwarder_core::barrier_due() const {
  const bool burst_ends = since_barrier_ > 0 && next_ > head_;
  return burst_ends || since_barrier_ >= limits_.barrier_entries ||
         bytes_since_barrier_ >= window_bytes() / 4;
}

void forwarder_core::send_barrier(forwarder_actions& out, time_point now) {
  since_barrier_ = 0;
  bytes_since_barrier_ = 0;
  segment barrier;
  barrier.kind = segment_kind::barrier;
  send(out, std::move(barrier), now);
}

void forwarder_core::send_entry(forwarder_actions& out, entry e, time_point now) {
  const bool careful = careful_left_ > 0 || letters_ > 0 || stands_alone(e.payload);
  segment s;
  s.kind = careful ? segment_kind::attempt : segment_kind::apply;
  s.what = std::move(e);
  s.final = s.what.seq == final_;
  next_ = s.what.seq + 1;
  ++since_barrier_;
  bytes_since_barrier_ += s.what.payload.size();
  send(out, std::move(s), now);
}

void forwarder_core::settle(forwarder_actions& out, const flight& f, const segment_answer& a, moment now) {
  if (f.kind == segment_kind::barrier)
    return on_barrier(out, a);
  if (f.kind == segment_kind::realign)
    return on_realigned(out, a);
  if (f.kind == segment_kind::heartbeat) {
    if (!a.sqlstate.empty())
      out.quit = fault{fault_code::link_lost, "The primary refuses a heartbeat: " + a.message, ""};
    return;
  }
  if (f.generation != generation_)
    return; // It stood behind an entry that failed; it was, or will be, sent again.
  if (!a.sqlstate.empty())
    return on_refusal(out, f, a);
  if (f.kind == segment_kind::attempt)
    on_attempted(f, a, now);
  if (a.outcome == entry_outcome::waits)
    return wait_for(out, f, a.waits_for, now.steady);
  if (a.outcome == entry_outcome::more)
    return rewind(f.seq);
  applied_ = f.seq;
  ask_again_after_ = limits_.ask_again_min;
  if (resending_ && f.seq >= *resending_)
    resending_.reset();
}

void forwarder_core::on_attempted(const flight& f, const segment_answer& a, moment now) {
  letters_ = a.letters;
  if (a.outcome != entry_outcome::applied)
    be_careful();
  else if (careful_left_ > 0)
    --careful_left_;
  if (a.outcome == entry_outcome::rejected || a.outcome == entry_outcome::parked)
    refused_.push_back({lane_, f.seq, f.id, a.reject_sqlstate, a.reject_message, now.wall, a.behind});
  if (!a.settled.empty())
    decided_.push_back({lane_, f.seq, f.id, now.wall, a.settled});
}

fault forwarder_core::refusal(const segment_answer& a, const std::string& what) const {
  const auto say = [&](fault_code code, const std::string& text) {
    return fault{code, text + " (" + a.sqlstate + ": " + a.message + ")", ""};
  };
  switch (judge(a.sqlstate)) {
  case verdict::fenced:
    return say(fault_code::fenced, "Another runtime has taken over lane " + lane_);
  case verdict::out_of_step:
    return say(fault_code::link_lost, "The cursor of lane " + lane_ + " is not where this session left it");
  case verdict::link_lost:
    return say(fault_code::link_lost, "The primary ends the session");
  case verdict::resend:
    return say(fault_code::primary_busy, what);
  case verdict::take_care:
  case verdict::skip_entry:
  case verdict::refuse_entry:
    break;
  }
  return say(fault_code::diverged, what);
}

void forwarder_core::on_barrier(forwarder_actions& out, const segment_answer& a) {
  if (!a.sqlstate.empty()) {
    const auto code = judge(a.sqlstate) == verdict::fenced ? fault_code::fenced : fault_code::primary_busy;
    out.quit = fault{code, "The primary refuses a barrier: " + a.message, ""};
    return;
  }
  std::move(refused_.begin(), refused_.end(), std::back_inserter(out.refused));
  refused_.clear();
  std::move(decided_.begin(), decided_.end(), std::back_inserter(out.decided));
  decided_.clear();
  out.done = committed{lane_, applied_, a.flushed, a.timeline};
}

void forwarder_core::on_refusal(forwarder_actions& out, const flight& f, const segment_answer& a) {
  const auto quit = [&](const std::string& what) { out.quit = refusal(a, what); };
  const auto number = std::to_string(f.seq);
  switch (judge(a.sqlstate)) {
  case verdict::fenced:
  case verdict::out_of_step:
  case verdict::link_lost:
    return quit({});
  case verdict::resend:
    resends_ = resending_ == f.seq ? resends_ + 1 : 1;
    resending_ = f.seq;
    if (resends_ > limits_.resends_max)
      return quit("The primary cannot take entry " + number + " now");
    break;
  case verdict::take_care:
  case verdict::skip_entry:
  case verdict::refuse_entry:
    if (f.kind == segment_kind::attempt)
      return quit("The primary refuses even to put entry " + number + " aside");
    be_careful();
    break;
  }
  rewind(f.seq);
}

void forwarder_core::be_careful() { careful_left_ = limits_.careful_entries; }

void forwarder_core::rewind(seqno to) {
  ++generation_;
  next_ = to;
  hole_.reset();
  waiting_ = false;
  ask_again_at_.reset();
  since_barrier_ = 0;
  bytes_since_barrier_ = 0;
}

void forwarder_core::pull_if_room(forwarder_actions& out) {
  if (pulling_ != 0 || draining_ || hole_ || waiting_ || next_ == 0 || next_ > head_)
    return;
  const auto entries = static_cast<std::uint64_t>(in_flight_.size());
  const auto room_entries = limits_.window_entries_max - std::min(entries, limits_.window_entries_max);
  const auto window = window_bytes();
  const auto room_bytes = window - std::min(bytes_in_flight_, window);
  // Small takes cost as much as large ones: wait for a quarter of the window, unless nothing else is under
  // way.
  const auto enough = [](std::uint64_t take_max, std::uint64_t window_max) {
    return std::max<std::uint64_t>(1, std::min(take_max, window_max / 4));
  };
  const bool roomy = room_entries >= enough(limits_.take_entries_max, limits_.window_entries_max) &&
                     room_bytes >= enough(limits_.take_bytes_max, window);
  if (!roomy && !goes_last_) // What it could carry shows only with all of the link.
    window_.on_full();
  if (roomy || entries == 0)
    pull(out, room_entries, room_bytes);
}

void forwarder_core::pull(forwarder_actions& out, std::uint64_t entries_max, std::uint64_t bytes_max) {
  pulling_ = next_;
  out.pull = take{lane_, next_, std::min(entries_max, limits_.take_entries_max),
                  std::min(bytes_max, limits_.take_bytes_max)};
}

} // namespace chasqui
