#include "tests/simulation/log_server.hpp"

#include <algorithm>
#include <tuple>

namespace chasqui::simulation {

fault log_server::refusal(epoch_no epoch) const {
  if (epoch == epoch_)
    return {};
  if (epoch_ > epoch)
    return {fault_code::fenced, "A newer owner has the log.", ""};
  return {fault_code::store_unavailable, "The claim is gone.", ""};
}

log_opened log_server::open(const std::vector<std::string>& lanes) {
  log_opened out;
  out.epoch = ++epoch_;
  out.kind = kind;
  out.durability = promise;
  out.dead_letters = dead_.size();
  for (const auto& lane : lanes) {
    auto& log = lanes_[lane];
    log.marks.lane = lane;
    if (const auto* oldest = entry_at(lane, log.marks.replicated + 1))
      log.marks.oldest_at = oldest->at;
    else
      log.marks.oldest_at = {};
    out.lanes.push_back(log.marks);
  }
  return out;
}

append_result log_server::append(epoch_no epoch, std::vector<append_item> items) {
  append_result out;
  out.store = kind;
  out.durability = promise;
  if (out.problem = refusal(epoch); out.problem)
    return out;
  if (full) {
    out.problem = {fault_code::store_full, "The store is full.", ""};
    return out;
  }
  for (auto& item : items) {
    if (const auto known = find(item.id); !known.problem) {
      out.slots.push_back({known.lane, known.seq, known.at, true});
      continue;
    }
    auto& log = lanes_[item.lane];
    const auto seq = ++log.marks.head;
    ids_[item.id] = {item.lane, seq};
    log.entries.push_back({seq, item.id, item.at, std::move(item.payload)});
    out.slots.push_back({item.lane, seq, item.at, false});
  }
  if (promise == durability::fsynced)
    flush();
  return out;
}

log_slice log_server::read(const take& what) const {
  log_slice out;
  const auto found = lanes_.find(what.lane);
  if (found == lanes_.end())
    return out;
  const auto& log = found->second;
  if (what.from_seq < log.marks.first) {
    out.problem = {fault_code::diverged, "The log of lane " + what.lane + " no longer has these entries.",
                   ""};
    out.missing_to = log.marks.first - 1;
    return out;
  }
  std::uint64_t bytes = 0;
  for (auto seq = what.from_seq; seq <= log.marks.head && out.entries.size() < what.entries_max; ++seq) {
    const auto& e = log.entries[seq - log.marks.first];
    bytes += e.payload.size();
    if (bytes > what.bytes_max && !out.entries.empty())
      break;
    out.entries.push_back(e);
  }
  return out;
}

fault log_server::mark(epoch_no epoch, const lane_marks& marks, seqno trim_through) {
  if (const auto problem = refusal(epoch))
    return problem;
  auto& log = lanes_[marks.lane];
  log.marks.committed = marks.committed;
  log.marks.replicated = marks.replicated;
  log.marks.released = marks.released;
  drop_front(log, marks.lane, trim_through);
  return {};
}

fault log_server::bury(epoch_no epoch, const rejected& why) {
  if (const auto problem = refusal(epoch))
    return problem;
  if (disk_full)
    return {fault_code::store_full, "The disk is full.", ""};
  const auto* kept = entry_at(why.lane, why.seq);
  if (kept != nullptr && kept->id != why.id)
    return {fault_code::diverged, "The log has another transaction there.", ""};
  dead_.try_emplace({why.lane, why.seq}, dead_letter{why, kept == nullptr ? "" : kept->payload});
  ids_.try_emplace(why.id, place{why.lane, why.seq});
  return {};
}

log_place log_server::find(const uuid& id) const {
  log_place out;
  out.problem = {fault_code::not_found, "The log does not know this id.", ""};
  const auto found = ids_.find(id);
  if (found == ids_.end())
    return out;
  const auto& [lane, seq] = found->second;
  const auto* kept = entry_at(lane, seq);
  const auto letter = dead_.find({lane, seq});
  if (letter != dead_.end())
    return {{},
            lane,
            seq,
            kept == nullptr ? instant{} : kept->at,
            letter->second.payload,
            true,
            letter->second.why};
  if (kept == nullptr)
    return out;
  return {{}, lane, seq, kept->at, kept->payload, false, {}};
}

dead_page log_server::list_dead(const chasqui::list_dead& what) const {
  dead_page out;
  out.page.total = dead_.size();
  for (const auto& [where, letter] : dead_)
    if (out.page.letters.size() < what.entries_max && (what.only.is_nil() || what.only == letter.why.id))
      out.page.letters.push_back(letter);
  return out;
}

fault log_server::adopt(epoch_no epoch, const lane_marks& marks) {
  if (const auto problem = refusal(epoch))
    return problem;
  auto& log = lanes_[marks.lane];
  std::vector<uuid> beyond;
  drop_back(log, marks.head, beyond);
  if (log.marks.head < marks.head) { // The numbers in between are given to nobody.
    drop_front(log, marks.lane, log.marks.head);
    log.marks.first = marks.head + 1;
  }
  const auto first = log.marks.first;
  log.marks = marks;
  log.marks.first = first;
  flush();
  return {};
}

fault log_server::import(epoch_no epoch, const std::string& lane, std::vector<entry> entries) {
  if (const auto problem = refusal(epoch))
    return problem;
  auto& log = lanes_[lane];
  if (!entries.empty() && entries.front().seq != log.marks.head + 1)
    return {fault_code::diverged, "The entries do not follow the head.", ""};
  for (auto& e : entries) {
    ids_[e.id] = {lane, e.seq};
    log.marks.head = e.seq;
    log.entries.push_back(std::move(e));
  }
  flush();
  return {};
}

fault log_server::renumber(epoch_no epoch, const std::string& lane, seqno first) {
  if (const auto problem = refusal(epoch))
    return problem;
  auto& log = lanes_[lane];
  if (first <= log.marks.head)
    return {fault_code::diverged, "The new numbers must lie beyond the old ones.", ""};
  auto next = first;
  for (auto& e : log.entries) {
    if (auto letter = dead_.extract({lane, e.seq})) {
      letter.key().second = next;
      letter.mapped().why.seq = next;
      dead_.insert(std::move(letter));
    }
    e.seq = next++;
    ids_[e.id] = {lane, e.seq};
  }
  log.marks.first = first;
  log.marks.head = next - 1;
  log.marks.committed = log.marks.replicated = log.marks.released = first - 1;
  flush();
  return {};
}

void log_server::flush() {
  for (auto& [name, log] : lanes_)
    log.flushed = log.marks.head;
}

std::vector<uuid> log_server::lose_power() {
  std::vector<uuid> lost;
  for (auto& [name, log] : lanes_)
    drop_back(log, std::max(log.flushed, log.marks.first - 1), lost);
  return lost;
}

std::vector<uuid> log_server::wipe() {
  std::vector<uuid> lost;
  for (auto& [name, log] : lanes_)
    drop_back(log, log.marks.first - 1, lost);
  lanes_.clear();
  ids_.clear();
  dead_.clear();
  epoch_ = 0;
  return lost;
}

uuid log_server::at(const std::string& lane, seqno seq) const {
  const auto* kept = entry_at(lane, seq);
  return kept == nullptr ? uuid{} : kept->id;
}

bool log_server::is_buried(const std::string& lane, seqno seq, const uuid& id) const {
  const auto found = dead_.find({lane, seq});
  return found != dead_.end() && found->second.why.id == id && !found->second.payload.empty();
}

const entry* log_server::entry_at(const std::string& lane, seqno seq) const {
  const auto found = lanes_.find(lane);
  if (found == lanes_.end() || seq < found->second.marks.first || seq > found->second.marks.head)
    return nullptr;
  return &found->second.entries[seq - found->second.marks.first];
}

void log_server::drop_front(lane_log& log, const std::string& lane, seqno through) {
  while (log.marks.first <= through && !log.entries.empty()) {
    if (!dead_.contains({lane, log.marks.first}))
      ids_.erase(log.entries.front().id);
    log.entries.pop_front();
    ++log.marks.first;
  }
}

void log_server::drop_back(lane_log& log, seqno head, std::vector<uuid>& dropped) {
  while (log.marks.head > head && !log.entries.empty()) {
    dropped.push_back(log.entries.back().id);
    ids_.erase(dropped.back());
    log.entries.pop_back();
    --log.marks.head;
  }
}

} // namespace chasqui::simulation
