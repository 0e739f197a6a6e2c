// Lanes that wait for each other, and how the link is told of.

#include "actors/supervisor_core.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

namespace {

// The lane that is worst off speaks for the link.
int badness(link_phase p) {
  switch (p) {
  case link_phase::streaming:
    return 0;
  case link_phase::connecting:
    return 1;
  case link_phase::backing_off:
    return 2;
  case link_phase::paused:
    return 3;
  case link_phase::fenced:
    return 4;
  case link_phase::diverged:
    return 5;
  }
  return 0;
}

bool is_worse(const link_status& a, const link_status& b) {
  return badness(a.phase) != badness(b.phase) ? badness(a.phase) > badness(b.phase)
                                              : b.reason.empty() && !a.reason.empty();
}

std::string sentence(const std::string& lane, const lane_wait& w) {
  return "entry " + std::to_string(w.entry) + " of lane " + lane + " waits for " + to_string(w.wants) +
         ", entry " + std::to_string(w.at) + " of lane " + w.of;
}

} // namespace

supervision_actions supervisor_core::on_link_moves(const std::string& lane, lane_wait wait, moment now) {
  supervision_actions out;
  if (auto* forwarder = forwarder_of(lane)) {
    forwarder->moved_at = now.steady;
    forwarder->wait = std::move(wait);
    break_circle(*forwarder, now, out);
  }
  return out;
}

// Nothing in a circle can come any more, whatever else happens: it is as if an entry waited for one behind it
// in its own lane. One that gives up sets the others free, and that is the one of the lane that comes last.
void supervisor_core::break_circle(child& c, moment now, supervision_actions& out) {
  child* gives_up = &c;
  child* next = &c;
  std::string circle;
  for (std::size_t steps = 0; steps < children_.size(); ++steps) {
    const auto* wait = &next->wait;
    next = wait->entry == 0 ? nullptr : forwarder_of(wait->of);
    // What stands in front of an entry that waits is on its way.
    if (next == nullptr || next->wait.entry == 0 || next->wait.entry > wait->at)
      return;
    circle += (circle.empty() ? "" : "; ") + sentence(next->spec.lane, next->wait);
    gives_up = std::max(gives_up, next); // Children stand in the order of the lanes.
    if (next == &c)
      break;
  }
  if (next != &c)
    return; // It waits for a circle, and is not in it.
  const auto entry = gives_up->wait.entry;
  out.give_up.push_back({static_cast<std::size_t>(gives_up - children_.data()), entry});
  if (std::exchange(gives_up->given_up, entry) != entry)
    out.events.push_back({0,
                          now.wall,
                          event_kind::supervision,
                          gives_up->spec.lane,
                          entry,
                          entry,
                          {},
                          "lanes wait for each other: " + circle + ". Entry " + std::to_string(entry) +
                              " of lane " + gives_up->spec.lane + " waits no more"});
}

link_status supervisor_core::link() const {
  std::optional<link_status> worst;
  for (const auto& c : children_) {
    if (c.spec.kind != child_kind::link)
      continue;
    auto s = describe(c.phase);
    if (s.phase == link_phase::streaming && c.wait.entry != 0)
      s.reason = sentence(c.spec.lane, c.wait);
    if (!worst || is_worse(s, *worst))
      worst = std::move(s);
  }
  return worst.value_or(link_status{});
}

} // namespace chasqui
