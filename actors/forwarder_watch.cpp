// When a lane stands still: because the link does, or because an entry waits for another.

#include "actors/forwarder_core.hpp"

#include <algorithm>

namespace chasqui {

namespace {

constexpr std::chrono::seconds look_interval{1};

} // namespace

forwarder_actions forwarder_core::on_tick(time_point now) {
  forwarder_actions out;
  if (!in_flight_.empty())
    watch(out, now);
  else if (next_ != 0 && now - heard_at_ >= limits_.heartbeat)
    send(out, segment{}, now);
  if (ask_again_at_ && now >= *ask_again_at_) {
    ask_again_at_.reset();
    waiting_ = false;
    pull_if_room(out);
  }
  return out;
}

// The answer to a large entry takes as long as the link needs to carry it. While it leaves the machine, that
// shows; but whoever acknowledges it may be a relay that has not sent it on yet. Such a one also acknowledges
// what comes behind it, for as long as it has room: that says nothing of the link.
void forwarder_core::watch(forwarder_actions& out, time_point now) {
  const auto& oldest = in_flight_.front();
  const auto waits_since = std::max(heard_at_, oldest.mark.sent_at);
  const auto moved_at = std::max(waits_since, moved_at_);
  const auto answered_with_it = std::max(oldest.bytes, std::min(bytes_in_flight_, segments_joined_bytes_max));
  const std::chrono::milliseconds to_carry{answered_with_it * 8 /
                                           std::max<std::uint64_t>(1, limits_.rate_min_kbps)};
  const auto patience =
      limits_.stall_timeout + (oldest_is_leaving() ? std::chrono::milliseconds{0} : to_carry);
  if (now - moved_at >= patience) {
    out.quit =
        fault{fault_code::stalled,
              "The primary has not answered for " +
                  std::to_string(std::chrono::floor<std::chrono::milliseconds>(now - waits_since).count()) +
                  " ms, with " + std::to_string(in_flight_.size()) + " segments under way.",
              ""};
    return;
  }
  if (now - std::max(waits_since, looked_at_) < look_interval)
    return;
  looked_at_ = now;
  out.look = true;
  if (moved_at > waits_since || now - waits_since < to_carry)
    out.moves = lane_moves{};
}

bool forwarder_core::oldest_is_leaving() const {
  const auto& t = sent_so_far_;
  return oldest_end_ ? t.acknowledged_bytes < *oldest_end_ : t.waits || t.acknowledged_bytes < t.given_bytes;
}

void forwarder_core::on_transmission(const transmission& t, time_point now) {
  if (t.acknowledged_bytes > sent_so_far_.acknowledged_bytes && (!oldest_end_ || oldest_is_leaving()))
    moved_at_ = now;
  sent_so_far_ = t;
  if (!oldest_end_ && !t.waits)
    oldest_end_ = t.given_bytes;
}

void forwarder_core::wait_for(forwarder_actions& out, const flight& f, uuid dependency, time_point now) {
  rewind(f.seq);
  send_barrier(out, now); // Nobody knows when the next one would come.
  waiting_ = true;
  out.ask_about = find{dependency};
}

forwarder_actions forwarder_core::on_dependency(const std::optional<life>& found, time_point now) {
  forwarder_actions out;
  if (!waiting_)
    return out;
  // It cannot come any more: nobody has it; it stands behind this one; or it was there, and is gone.
  const bool never =
      !found || (found->lane == lane_ && found->seq >= next_) || found->stage == stage::released;
  if (never)
    final_ = next_;
  else
    out.moves = lane_moves{next_, found->id, found->lane, found->seq};
  ask_again_at_ = never ? now : now + ask_again_after_;
  ask_again_after_ = std::min(2 * ask_again_after_, limits_.ask_again_max);
  return out;
}

forwarder_actions forwarder_core::on_give_up(seqno seq, time_point now) {
  forwarder_actions out;
  if (next_ != seq || final_ == seq)
    return out;
  final_ = seq;
  if (waiting_)
    ask_again_at_ = now;
  return out;
}

} // namespace chasqui
