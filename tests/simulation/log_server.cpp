#include "tests/simulation/log_server.hpp"

#include <algorithm>

namespace chasqui::simulation {

namespace {

constexpr sim_time lease{std::chrono::seconds{5}};          // redis.lease_ms.
constexpr sim_time everysec_flush{std::chrono::seconds{2}}; // At most, of appendfsync everysec.

std::vector<uuid> without(std::vector<uuid> had, const std::function<bool(const uuid&)>& still) {
  std::erase_if(had, still);
  return had;
}

} // namespace

bool log_server::is_held_against(const log_claimant& who) const {
  if (kind_ == store_kind::journal || !owner_ || owner_->life == who.life)
    return false;
  const auto& life = *owner_->life;
  if (!life.lasts && life.machine == who.life->machine)
    return false; // It can see that the other one is dead.
  const auto& broken = *owner_->broken_at;
  if (life.lasts && !broken)
    return true; // Its owner is heard of again and again.
  const auto heard = broken && life.lasts ? *broken : std::min(life.ended, broken.value_or(life.ended));
  return heard + lease > world_.now();
}

fault log_server::refusal(epoch_no epoch, bool adds) const {
  if (unwilling)
    return {fault_code::store_unavailable, "The store does not want to.", ""};
  if (kind_ == store_kind::redis && now_.epoch() > epoch)
    return {fault_code::fenced, "A newer owner has the log.", ""};
  if (kind_ == store_kind::redis && now_.epoch() != epoch)
    return {fault_code::store_unavailable, "The claim is gone.", ""};
  if (adds && full)
    return {fault_code::store_full, "The store is full.", ""};
  return {};
}

template <class Answer> Answer log_server::change(bool flushes, std::function<Answer(log_contents&)> what) {
  auto answer = what(now_);
  if (kind_ == store_kind::redis && promise == durability::fsynced)
    return answer;
  while (!unflushed_.empty() && unflushed_.front().at + everysec_flush <= world_.now())
    flush(1);
  unflushed_.push_back({world_.now(), [what = std::move(what)](log_contents& c) { what(c); }});
  if (flushes && kind_ == store_kind::journal)
    flush(unflushed_.size());
  return answer;
}

void log_server::flush(std::size_t changes) {
  for (; changes > 0; --changes) {
    unflushed_.front().what(disk_);
    unflushed_.pop_front();
  }
}

log_opened log_server::open(const std::vector<std::string>& lanes, const log_claimant& who) {
  log_opened out;
  if (unwilling)
    out.problem = {fault_code::store_unavailable, "The store does not want to.", ""};
  else if (is_held_against(who))
    out.problem = {fault_code::held, "Another runtime has the log.", ""};
  if (out.problem)
    return out;
  if (life_ != who.life->number) // Not the same owner once more.
    ++turns_;
  life_ = who.life->number;
  owner_ = who;
  machine_ = who.life->machine;
  const auto at_least = static_cast<epoch_no>(world_.now().count() / 1000 + 1);
  out = change<log_opened>(true, [=](log_contents& c) { return c.claim(lanes, at_least); });
  out.durability = promise;
  return out;
}

append_result log_server::append(epoch_no epoch, const std::vector<append_item>& items) {
  append_result out{refusal(epoch, true), {}, kind_, promise};
  if (!out.problem)
    out.slots = change<std::vector<append_slot>>(true, [items](log_contents& c) { return c.append(items); });
  return out;
}

fault log_server::mark(epoch_no epoch, const lane_marks& marks, seqno trim_through) {
  if (auto problem = refusal(epoch, false))
    return problem;
  return change<fault>(true, [=](log_contents& c) { return c.mark(marks, trim_through); });
}

fault log_server::bury(epoch_no epoch, const rejected& why) {
  if (auto problem = refusal(epoch, false))
    return problem;
  if (disk_full)
    return {fault_code::store_full, "The disk is full.", ""};
  return change<fault>(true, [=](log_contents& c) { return c.bury(why); });
}

fault log_server::adopt(epoch_no epoch, const lane_marks& marks) {
  if (auto problem = refusal(epoch, false))
    return problem;
  return change<fault>(true, [=](log_contents& c) { return c.adopt(marks); });
}

fault log_server::import(epoch_no epoch, const std::string& lane, const std::vector<entry>& entries) {
  if (auto problem = refusal(epoch, true))
    return problem;
  return change<fault>(true, [=](log_contents& c) { return c.import(lane, entries); });
}

fault log_server::renumber(epoch_no epoch, const std::string& lane, seqno first) {
  if (auto problem = refusal(epoch, kind_ == store_kind::redis))
    return problem;
  renumbered_ = true;
  return change<fault>(true, [=](log_contents& c) { return c.renumber(lane, first); });
}

fault log_server::note(epoch_no epoch, const std::vector<roll_line>& lines) {
  if (auto problem = refusal(epoch, true))
    return problem;
  return change<fault>(false, [=](log_contents& c) { return c.note(epoch, lines); });
}

fault log_server::strike(const std::string& lane, seqno through) {
  if (auto problem = refusal(0, false))
    return problem;
  return change<fault>(false, [=](log_contents& c) { return c.strike(lane, through); });
}

fault log_server::clear() {
  if (auto problem = refusal(0, false))
    return problem;
  return change<fault>(true, [](log_contents& c) { return c.clear(); });
}

fault log_server::hand_over(const std::string& lane, const std::vector<entry>& entries) {
  if (auto problem = refusal(now_.epoch(), true))
    return problem;
  return change<fault>(true, [=](log_contents& c) { return c.hand_over(lane, entries); });
}

fault log_server::end_handover(epoch_no epoch, std::uint64_t through) {
  if (auto problem = refusal(epoch, false))
    return problem;
  return change<fault>(true, [=](log_contents& c) { return c.end_handover(through); });
}

void log_server::release(const lifetime_ptr& who) {
  if (owner_ && owner_->life == who)
    owner_.reset();
}

losses log_server::lose_power() {
  if (kind_ == store_kind::redis && promise == durability::fsynced)
    return {};
  // Of what was not flushed, the disk may have got the beginning: the rest is torn, or zeros.
  flush(world_.chance.below(unflushed_.size() + 1));
  return become(disk_);
}

losses log_server::go_back() { return snapshot_ ? become(*snapshot_) : losses{}; }

losses log_server::become(log_contents next) {
  losses out;
  out.entries = without(now_.entries(), [&](const uuid& id) { return next.has(id); });
  out.lines = without(now_.roll(), [&](const uuid& id) { return next.is_on_roll(id); });
  out.letters = without(now_.dead(), [&](const uuid& id) { return next.is_buried(id); });
  unflushed_.clear();
  now_ = std::move(next);
  disk_ = now_;
  return out;
}

} // namespace chasqui::simulation
