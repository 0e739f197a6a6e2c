// How a session begins: the cursor of the primary against the log.

#include "actors/forwarder_core.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

forwarder_actions forwarder_core::on_opened(primary_opened opened, time_point now) {
  forwarder_actions out;
  heard_at_ = now;
  if (opened.problem) {
    out.quit = std::move(opened.problem);
    return out;
  }
  applied_ = opened.last_seq;
  refused_ = std::move(opened.dead);
  decided_ = std::move(opened.decisions);
  letters_ = opened.letters;
  ask_again_after_ = limits_.ask_again_min;
  out.ask = align{lane_, applied_, opened.last_id};
  return out;
}

forwarder_actions forwarder_core::on_alignment(alignment a, time_point now) {
  forwarder_actions out;
  if (draining_)
    return out;
  head_ = a.head;
  if (a.skip_to == 0) {
    start(out, now);
    return out;
  }
  if (a.cursor != applied_ || a.skip_to <= applied_ || a.suspects.size() > suspects_max) {
    out.quit =
        fault{fault_code::internal,
              "The buffer wants the cursor of lane " + lane_ + " to go from " + std::to_string(a.cursor) +
                  " to " + std::to_string(a.skip_to) + " with " + std::to_string(a.suspects.size()) +
                  " suspects, and it stands at " + std::to_string(applied_) + ".",
              ""};
    return out;
  }
  segment jump;
  jump.kind = segment_kind::realign;
  jump.over = {applied_, a.skip_to, a.suspects};
  send(out, std::move(jump), now);
  realigning_ = std::move(a);
  return out;
}

void forwarder_core::on_realigned(forwarder_actions& out, const segment_answer& a) {
  const auto skipped = std::exchange(realigning_, std::nullopt).value_or(alignment{});
  if (!a.sqlstate.empty()) {
    out.quit = refusal(a, "The primary does not move the cursor of lane " + lane_ + " from " +
                              std::to_string(applied_) + " to " + std::to_string(skipped.skip_to));
    return;
  }
  out.lost = missing{lane_, applied_ + 1, skipped.skip_to, a.missing, skipped.unnamed, skipped.moved};
  applied_ = skipped.skip_to;
  be_careful(); // Entries that the primary has applied may come again, under new numbers.
  out.ask = align{lane_, applied_, {}};
}

void forwarder_core::start(forwarder_actions& out, time_point now) {
  next_ = applied_ + 1;
  out.in_step = true;
  // What an earlier session applied may still be unflushed: it counts as committed only behind a barrier of
  // ours.
  send_barrier(out, now);
  // Even where there is nothing to take: only who took all there was is told of more.
  pull(out, limits_.window_entries_max, window_bytes());
}

} // namespace chasqui
