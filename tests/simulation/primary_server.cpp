#include "tests/simulation/primary_server.hpp"

#include <algorithm>

namespace chasqui::simulation {

namespace {

constexpr sim_time wal_writer_flush{std::chrono::milliseconds{400}}; // At most twice wal_writer_delay.
constexpr std::uint32_t flaky_refusals = 2;
constexpr auto poison_state = "23505";

} // namespace

primary_opened primary_server::claim(const claimant& who, seqno dead_after) {
  auto& row = lanes_.at(who.lane);
  if (row.epoch > who.epoch)
    return {{fault_code::fenced, "A newer epoch owns the lane.", ""}, 0, {}, {}};
  row.newest = std::max(row.newest, who.life->turn);
  if (row.epoch < who.epoch) {
    commit(wal_record::content::claimed, who.lane, 0, {});
    wal_.back().epoch_before = std::exchange(row.epoch, who.epoch);
  }
  primary_opened out;
  out.last_seq = row.cursor;
  out.last_id = row.last_id;
  for (auto i = dead_.upper_bound({who.lane, dead_after}); i != dead_.end() && i->first.first == who.lane;
       ++i)
    out.dead.push_back(i->second);
  return out;
}

segment_answer primary_server::run(const segment& s, const claimant& who) {
  segment_answer out;
  out.ticket = s.ticket;
  if (s.kind == segment_kind::heartbeat)
    return out;
  if (!trouble.empty() && world_.chance.one_in(3))
    out.sqlstate = trouble;
  else if (s.kind == segment_kind::barrier)
    barrier(who, out);
  else if (s.kind == segment_kind::realign)
    realign(s.over, who, out);
  else if (s.kind == segment_kind::attempt)
    attempt(s, who, out);
  else
    out.sqlstate = advance(s, who, wal_record::content::applied);
  if (!out.sqlstate.empty())
    out.message = "simulated";
  return out;
}

void primary_server::barrier(const claimant& who, segment_answer& out) {
  if (lanes_.at(who.lane).epoch != who.epoch) {
    out.sqlstate = "CQ002";
    return;
  }
  commit(wal_record::content::nothing, who.lane, 0, {});
  flush(wal_.size());
  out.flushed = position(flushed_);
  out.timeline = timeline_;
}

void primary_server::realign(const jump& over, const claimant& who, segment_answer& out) {
  auto& row = lanes_.at(who.lane);
  if (row.epoch != who.epoch)
    out.sqlstate = "CQ002";
  else if (row.cursor != over.from)
    out.sqlstate = "CQ001";
  if (!out.sqlstate.empty())
    return;
  commit(wal_record::content::jumped, who.lane, over.to, {});
  row.cursor = over.to;
  row.last_id = {};
  flush(wal_.size());
  for (const auto& id : over.suspects)
    if (!has_applied(id) && !is_dead(id))
      out.missing.push_back(id);
  for (const auto& id : out.missing)
    checker_.named_missing(id);
  jumped(who);
}

void primary_server::attempt(const segment& s, const claimant& who, segment_answer& out) {
  const bool again = is_dead(s.what.id); // It comes under a new number.
  const auto state = again ? poison_state : advance(s, who, wal_record::content::applied);
  if (state == "CQ003") {
    out.outcome = entry_outcome::skipped;
    out.sqlstate = advance(s, who, wal_record::content::skipped);
  } else if (nature_of(s.what.id) == nature::poison && state == poison_state) {
    out.outcome = entry_outcome::rejected;
    out.reject_sqlstate = state;
    out.reject_message = "simulated";
    out.sqlstate = advance(s, who, again ? wal_record::content::skipped : wal_record::content::rejected);
  } else {
    out.sqlstate = state;
  }
}

bool primary_server::has_applied(const uuid& id) const {
  const auto index = index_of(id);
  return index < applied_.size() && applied_[index];
}

bool primary_server::is_dead(const uuid& id) const {
  return std::any_of(dead_.begin(), dead_.end(), [&](const auto& d) { return d.second.id == id; });
}

std::string primary_server::advance(const segment& s, const claimant& who, wal_record::content what) {
  auto& row = lanes_.at(who.lane);
  if (row.epoch != who.epoch)
    return "CQ002";
  if (row.cursor + 1 != s.what.seq)
    return "CQ001";
  const auto index = index_of(s.what.id);
  if (applied_.size() <= index)
    applied_.resize(2 * index + 1);
  if (what == wal_record::content::applied) {
    if (applied_[index])
      return "CQ003";
    if (auto problem = judge_entry(s); !problem.empty())
      return problem;
    applied_[index] = true;
  } else if (what == wal_record::content::skipped && !applied_[index] && !is_dead(s.what.id)) {
    return "CQ005";
  } else if (what == wal_record::content::rejected) {
    dead_[{who.lane, s.what.seq}] = {lane_name(who.lane), s.what.seq,  s.what.id,
                                     poison_state,        "simulated", {}};
  }
  const auto turn = who.life->turn; // None before it has had the log in Redis.
  checker_.expect(turn == 0 || turn >= row.newest, "fencing", [&] {
    return "Seq " + std::to_string(s.what.seq) + " of a runtime that was replaced is applied.";
  });
  commit(what, who.lane, s.what.seq, s.what.id);
  row.cursor = s.what.seq;
  row.last_id = s.what.id;
  return "";
}

std::string primary_server::judge_entry(const segment& s) {
  switch (nature_of(s.what.id)) {
  case nature::good:
    return "";
  case nature::poison:
    return poison_state;
  case nature::flaky:
    return refusals_[s.what.id]++ < flaky_refusals ? "40001" : "";
  }
  return "";
}

void primary_server::commit(wal_record::content what, std::size_t lane, seqno seq, const uuid& id) {
  const auto& row = lanes_.at(lane);
  wal_.push_back({world_.now(), what, lane, seq, id, 0, row.cursor, row.last_id});
}

void primary_server::flush(std::size_t through) {
  for (; flushed_ < through; ++flushed_)
    if (const auto& r = wal_[flushed_]; r.seq != 0)
      checker_.flushed(r.lane, r.seq, r.id);
}

void primary_server::flush_in_background() {
  auto through = flushed_;
  while (through < wal_.size() && wal_[through].at + wal_writer_flush <= world_.now())
    ++through;
  flush(through);
}

void primary_server::crash() {
  flush_in_background();
  // Of what is younger, the disk may have got a part.
  flush(flushed_ + world_.chance.below(wal_.size() - flushed_ + 1));
  undo_to(flushed_);
  up = false;
}

void primary_server::fail_over(const std::vector<seqno>& kept, sim_time standby_lag) {
  flush_in_background();
  auto has = flushed_; // Only what is on disk is sent to a standby.
  const auto is_there = [&](const wal_record& r) {
    return r.at + standby_lag <= world_.now() || (r.seq != 0 && r.seq <= kept.at(r.lane));
  };
  while (has > 0 && !is_there(wal_[has - 1]))
    --has;
  undo_to(has);
  ++timeline_;
}

void primary_server::undo_to(std::size_t records) {
  while (wal_.size() > records) {
    undo(wal_.back());
    wal_.pop_back();
  }
  flushed_ = std::min(flushed_, records);
  for (auto& row : lanes_)
    row.newest = 0; // Every session has ended with it, and a claim may be forgotten.
}

void primary_server::undo(const wal_record& r) {
  auto& row = lanes_.at(r.lane);
  switch (r.what) {
  case wal_record::content::nothing:
    return;
  case wal_record::content::claimed:
    row.epoch = r.epoch_before;
    return;
  case wal_record::content::applied:
    applied_[index_of(r.id)] = false;
    break;
  case wal_record::content::rejected:
    dead_.erase({r.lane, r.seq});
    break;
  case wal_record::content::skipped:
  case wal_record::content::jumped:
    break;
  }
  row.cursor = r.cursor_before;
  row.last_id = r.id_before;
}

} // namespace chasqui::simulation
