#include "actors/supervisor_core.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

namespace {

constexpr std::chrono::milliseconds our_grace{5000}; // When nobody says how long stopping may take.

std::string sentence(const link_status& s) {
  std::string out{to_string(s.phase)};
  if (s.attempt > 0)
    out += ", attempt " + std::to_string(s.attempt);
  if (s.next_try_at != instant{})
    out += ", next try " + to_string(s.next_try_at);
  if (!s.reason.empty())
    out += ": " + s.reason;
  return out;
}

bool explains_itself(fault_code code) {
  return is_link_fault(code) || code == fault_code::fenced || code == fault_code::diverged;
}

} // namespace

bool restart_budget::spend(time_point now) {
  while (!spent_.empty() && now - spent_.front() > window_)
    spent_.pop_front();
  if (spent_.size() >= restarts_max_)
    return false;
  spent_.push_back(now);
  return true;
}

supervisor_core::supervisor_core(std::vector<child_spec> children, supervision_policy policy)
    : policy_{policy}, budget_{policy.restarts_max, policy.restart_window} {
  for (auto& spec : children) {
    child c;
    c.spec = std::move(spec);
    children_.push_back(std::move(c));
  }
}

supervision_actions supervisor_core::start(moment now) {
  supervision_actions out;
  for (auto& c : children_)
    c.phase = phase::connecting{now};
  reconcile(out);
  return out;
}

supervision_actions supervisor_core::on_down(std::size_t index, const fault& why, moment now, double jitter) {
  supervision_actions out;
  auto& c = children_.at(index);
  c.alive = false;
  const bool expected = std::exchange(c.asked_to_stop, false);
  if (!expected && !stopping_) {
    ++c.restarts;
    if (c.spec.kind == child_kind::link && explains_itself(why.code))
      shift(c, link_input::failed{why, jitter}, now, out);
    else
      on_our_fault(index, why, now, out);
  }
  reconcile(out);
  return out;
}

void supervisor_core::on_our_fault(std::size_t index, const fault& why, moment now,
                                   supervision_actions& out) {
  auto& c = children_[index];
  if (why.code == fault_code::fenced)
    return escalate({why.code, c.spec.name + ": " + why.message, ""}, now, out);
  if (!budget_.spend(now.steady))
    return escalate({fault_code::internal,
                     c.spec.name + " failed again, and the runtime has restarted " +
                         std::to_string(policy_.restarts_max) + " times within " +
                         std::to_string(policy_.restart_window.count()) +
                         " ms already. Last reason: " + why.message,
                     ""},
                    now, out);
  out.events.push_back(
      {0, now.wall, event_kind::supervision, {}, 0, 0, {}, "restarting " + c.spec.name + ": " + why.message});
  if (c.spec.kind == child_kind::link)
    return shift(c, link_input::failed{why, 0.0}, now, out);
  restart_from_ = std::min(index, restart_from_.value_or(index));
  kill_at_ = now.steady + our_grace;
  for (auto later = index + 1; later < children_.size(); ++later)
    if (children_[later].spec.kind == child_kind::link)
      shift(children_[later], link_input::restarted{}, now, out);
}

void supervisor_core::escalate(fault why, moment now, supervision_actions& out) {
  out.events.push_back({0, now.wall, event_kind::supervision, {}, 0, 0, {}, "stopping: " + why.message});
  stopping_ = true;
  kill_at_ = now.steady + our_grace;
  outcome_ = std::move(why);
}

supervision_actions supervisor_core::on_link_up(const std::string& lane, moment now) {
  supervision_actions out;
  if (auto* forwarder = forwarder_of(lane)) {
    forwarder->moved_at = now.steady;
    forwarder->wait = {};
    shift(*forwarder, link_input::opened{}, now, out);
  }
  silent_ = false;
  reconcile(out);
  return out;
}

supervision_actions supervisor_core::on_sign_of_life(moment now) {
  supervision_actions out;
  shift_all(link_input::heard{}, now, out);
  reconcile(out);
  return out;
}

supervision_actions supervisor_core::on_ping(bool answered, moment now) {
  // An answer proves that the path works, not that the primary takes us: only the first one after a silence
  // counts, or a primary that refuses us would be asked without a pause.
  const bool again = answered && silent_;
  silent_ = !answered;
  return again ? on_sign_of_life(now) : supervision_actions{};
}

supervision_actions supervisor_core::on_steer(const steer& what, moment now) {
  supervision_actions out;
  if (what.what == steering::pause)
    shift_all(link_input::pause{what.reason}, now, out);
  else
    shift_all(link_input::resume{}, now, out);
  reconcile(out);
  return out;
}

supervision_actions supervisor_core::on_progress(const log_report& log, moment now, double jitter) {
  supervision_actions out;
  look_at_log(log.store, now, out);
  for (const auto& lane : log.lanes) {
    auto* forwarder = forwarder_of(lane.lane);
    if (forwarder == nullptr)
      continue;
    auto& c = *forwarder;
    const bool moves = lane.committed != std::exchange(c.committed, lane.committed) ||
                       lane.committed >= lane.head || !std::holds_alternative<phase::streaming>(c.phase);
    if (c.wait.entry <= lane.committed)
      c.wait = {};
    if (moves) {
      c.moved_at = now.steady;
    } else if (now.steady - c.moved_at >= policy_.progress_timeout) {
      const auto waiting = std::to_string(lane.head - lane.committed);
      const fault why{fault_code::no_progress,
                      waiting + " entries of lane " + lane.lane + " wait, and none was committed for " +
                          std::to_string(policy_.progress_timeout.count()) + " ms.",
                      ""};
      ++c.restarts;
      shift(c, link_input::failed{why, jitter}, now, out);
    }
  }
  reconcile(out);
  return out;
}

// Who waits because of the log need not wait for the link. A journal that keeps the log beside a Redis that
// is away has not all of it: only a change gives hope then.
void supervisor_core::look_at_log(const store_status& store, moment now, supervision_actions& out) {
  const bool changed = store.kind != store_.kind || store.state != store_.state;
  store_ = store;
  if (store.state != "open" || (store.kind == store_kind::journal && !changed))
    return;
  for (auto& c : children_)
    if (const auto* waits = std::get_if<phase::backing_off>(&c.phase);
        waits != nullptr && waits->why.code == fault_code::store_unavailable)
      shift(c, link_input::heard{}, now, out);
}

supervision_actions supervisor_core::on_tick(moment now) {
  supervision_actions out;
  shift_all(link_input::time_passed{}, now, out);
  reconcile(out);
  if ((stopping_ || restart_from_) && now.steady >= kill_at_)
    for (std::size_t i = children_.size(); i-- > (stopping_ ? 0 : *restart_from_);)
      if (children_[i].alive)
        out.stop.push_back({i, true});
  return out;
}

supervision_actions supervisor_core::shut_down(moment now, std::chrono::milliseconds grace) {
  supervision_actions out;
  stopping_ = true;
  kill_at_ = now.steady + grace;
  reconcile(out);
  return out;
}

void supervisor_core::shift(child& c, const link_event& what, moment now, supervision_actions& out) {
  const auto before = c.phase.index();
  c.phase = next_phase(c.phase, what, now, policy_.backoff);
  if (c.phase.index() != before)
    out.events.push_back({0, now.wall, event_kind::link, c.spec.lane, 0, 0, {}, sentence(describe(c.phase))});
}

void supervisor_core::shift_all(const link_event& what, moment now, supervision_actions& out) {
  for (auto& c : children_)
    if (c.spec.kind == child_kind::link)
      shift(c, what, now, out);
}

supervisor_core::child* supervisor_core::forwarder_of(const std::string& lane) {
  const auto found = std::find_if(children_.begin(), children_.end(), [&](const child& c) {
    return c.spec.kind == child_kind::link && c.spec.lane == lane;
  });
  return found == children_.end() ? nullptr : &*found;
}

bool supervisor_core::is_wanted(std::size_t index) const {
  const auto& c = children_[index];
  if (stopping_ || (restart_from_ && index >= *restart_from_))
    return false;
  return c.spec.kind == child_kind::ours || is_running(c.phase);
}

void supervisor_core::reconcile(supervision_actions& out) {
  if (stopping_)
    return stop_one_by_one(out);
  const auto is_alive = [](const child& c) { return c.alive; };
  if (restart_from_) {
    const auto first = children_.begin() + static_cast<std::ptrdiff_t>(*restart_from_);
    if (std::none_of(first, children_.end(), is_alive))
      restart_from_.reset();
  }
  for (std::size_t i = children_.size(); i-- > 0;) {
    auto& c = children_[i];
    if (!c.alive || is_wanted(i) || c.asked_to_stop)
      continue;
    c.asked_to_stop = true;
    // A link that failed has nothing to finish; whoever is paused or restarted may answer those who wait.
    out.stop.push_back(
        {i, c.spec.kind == child_kind::link && !std::holds_alternative<phase::paused>(c.phase)});
  }
  for (std::size_t i = 0; i < children_.size(); ++i) {
    auto& c = children_[i];
    if (!c.alive && is_wanted(i)) {
      c.alive = true;
      out.start.push_back(i);
    }
  }
}

void supervisor_core::stop_one_by_one(supervision_actions& out) {
  for (std::size_t i = children_.size(); i-- > 0;) {
    auto& c = children_[i];
    if (!c.alive)
      continue;
    if (!std::exchange(c.asked_to_stop, true))
      out.stop.push_back({i, false});
    return;
  }
  out.finished = outcome_;
}

bool supervisor_core::is_backing_off() const {
  return std::any_of(children_.begin(), children_.end(), [](const child& c) {
    return c.spec.kind == child_kind::link && std::holds_alternative<phase::backing_off>(c.phase);
  });
}

supervision_report supervisor_core::report() const {
  supervision_report out{link(), {}};
  for (const auto& c : children_) {
    auto state = std::string{c.alive ? "running" : "stopped"};
    if (c.spec.kind == child_kind::link)
      state = to_string(describe(c.phase).phase);
    out.actors.push_back({c.spec.name, std::move(state), c.restarts});
  }
  return out;
}

} // namespace chasqui
