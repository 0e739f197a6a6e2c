#include "tests/simulation/replica_server.hpp"

#include <algorithm>

namespace chasqui::simulation {

namespace {

constexpr sim_time receiver_timeout{std::chrono::seconds{60}}; // Until a silent connection counts as gone.

} // namespace

void replica_server::catch_up() {
  primary_.flush_in_background();
  const auto now = world_.now();
  if (stranded_ || !up)
    return;
  if (primary_.up && link_.is_open()) {
    connected_ = true;
    heard_at_ = now;
    while (received_ < primary_.flushed() && primary_.wal()[received_].at + link_.latency <= now)
      ++received_;
  } else if (!primary_.up || now - heard_at_ > receiver_timeout) {
    connected_ = false;
  }
  if (paused)
    return;
  while (replayed_ < received_ && primary_.wal()[replayed_].at + link_.latency + lag <= now)
    replay(primary_.wal()[replayed_++]);
  if (replayed_ >= fork_ && connected_)
    timeline_ = primary_.timeline();
}

void replica_server::replay(const wal_record& r) {
  if (r.seq == 0)
    return;
  cursors_.at(r.lane) = r.seq;
  checker_.replayed(r.lane, r.seq, r.id);
}

void replica_server::follow(std::size_t records) {
  connected_ = false;
  fork_ = records;
  if (received_ <= records)
    return;
  if (replayed_ <= records)
    received_ = records; // It rewinds what it had not replayed.
  else
    stranded_ = true;
}

void replica_server::rebuild() {
  stranded_ = false;
  std::fill(cursors_.begin(), cursors_.end(), 0);
  received_ = primary_.flushed();
  for (replayed_ = 0; replayed_ < received_;)
    replay(primary_.wal()[replayed_++]);
  timeline_ = primary_.timeline();
  fork_ = 0;
}

sighting replica_server::look() const {
  sighting out;
  if (!up) {
    out.problem = {fault_code::unavailable, "The replica does not answer.", ""};
    return out;
  }
  out.receive = primary_server::position(received_);
  out.replay = primary_server::position(replayed_);
  out.timeline = timeline_;
  out.system_id = 7;
  out.streaming = connected_ && !stranded_;
  if (out.streaming)
    out.last_message_at = instant{std::chrono::hours{1} + heard_at_};
  for (std::size_t lane = 0; lane < cursors_.size(); ++lane)
    out.cursors.push_back({lane_name(lane), cursors_[lane]});
  return out;
}

} // namespace chasqui::simulation
