#include "tests/simulation/log_contents.hpp"

#include <algorithm>

namespace chasqui::simulation {

log_opened log_contents::claim(const std::vector<std::string>& lanes, epoch_no at_least) {
  log_opened out;
  out.epoch = epoch_ = std::max(epoch_ + 1, at_least);
  out.kind = kind_;
  out.dead_letters = dead_.size();
  for (const auto& lane : lanes) {
    auto& log = lanes_[lane];
    log.marks.lane = lane;
    log.marks.head = head_of(log);
    auto marks = log.marks;
    marks.first = log.entries.empty() ? marks.head + 1 : log.entries.begin()->first;
    const auto* oldest = entry_at(lane, marks.replicated + 1);
    marks.oldest_at = oldest == nullptr ? instant{} : oldest->at;
    out.lanes.push_back(std::move(marks));
  }
  return out;
}

std::vector<append_slot> log_contents::append(std::vector<append_item> items) {
  std::vector<append_slot> out;
  for (auto& item : items) {
    if (const auto* known = place_of(item.id)) {
      const auto* kept = entry_at(known->lane, known->seq);
      out.push_back({known->lane, known->seq, kept == nullptr ? item.at : kept->at, true});
      // The primary may have refused it before the runtime that had kept it could hand it over.
      if (const auto letter = dead_.find({known->lane, known->seq});
          letter != dead_.end() && letter->second.why.id == item.id && letter->second.payload.empty())
        letter->second.payload = std::move(item.payload);
      continue;
    }
    auto& log = lanes_[item.lane];
    const auto seq = head_of(log) + 1;
    out.push_back({item.lane, seq, item.at, false});
    keep(item.lane, {seq, item.id, item.at, std::move(item.payload)});
  }
  return out;
}

log_slice log_contents::read(const take& what) const {
  log_slice out;
  const auto found = lanes_.find(what.lane);
  if (found == lanes_.end())
    return out;
  const auto& log = found->second;
  const auto from = std::max<seqno>(what.from_seq, 1);
  const auto first = log.entries.lower_bound(from);
  if (first == log.entries.end() ? head_of(log) >= from : first->first > from) {
    out.missing_to = first == log.entries.end() ? head_of(log) : first->first - 1;
    out.problem = {fault_code::diverged, "The log of lane " + what.lane + " lacks these entries.", ""};
    return out;
  }
  std::uint64_t bytes = 0;
  for (auto e = first; e != log.entries.end() && e->first == from + out.entries.size(); ++e) {
    bytes += e->second.payload.size();
    if (out.entries.size() >= what.entries_max || (bytes > what.bytes_max && !out.entries.empty()))
      break;
    out.entries.push_back(e->second);
  }
  return out;
}

fault log_contents::mark(const lane_marks& marks, seqno trim_through) {
  auto& log = lanes_[marks.lane];
  const auto follows = log.marks.follows;
  const auto head = std::max(marks.head, head_of(log));
  log.marks = marks;
  log.marks.head = head;
  log.marks.follows = follows;
  drop(marks.lane, log.entries.begin(), log.entries.upper_bound(trim_through));
  strike_lines(log, 0, trim_through, true);
  return {};
}

fault log_contents::bury(const rejected& why) {
  const auto* kept = entry_at(why.lane, why.seq);
  if (kept == nullptr ? stands(why.id) : kept->id != why.id)
    return {fault_code::diverged, "The log has another transaction there, or this one elsewhere.", ""};
  auto& letter = dead_[{why.lane, why.seq}];
  if (letter.why.id == why.id)
    return {};
  if (const auto other = ids_.find(letter.why.id); other != ids_.end() && !stands(letter.why.id))
    ids_.erase(other);
  letter = {why, kept == nullptr ? "" : kept->payload};
  ids_.try_emplace(why.id, place{why.lane, why.seq});
  return {};
}

log_place log_contents::find(const uuid& id) const {
  log_place out;
  const auto* known = place_of(id);
  if (known == nullptr) {
    out.problem = {fault_code::not_found, "The log does not know this id.", ""};
    return out;
  }
  out.lane = known->lane;
  out.seq = known->seq;
  if (const auto* kept = entry_at(out.lane, out.seq); kept != nullptr && kept->id == id) {
    out.at = kept->at;
    out.payload = kept->payload;
  }
  if (const auto letter = dead_.find({out.lane, out.seq});
      letter != dead_.end() && letter->second.why.id == id) {
    out.dead = true;
    out.payload = letter->second.payload;
    out.why = letter->second.why;
  }
  return out;
}

dead_page log_contents::list_dead(const chasqui::list_dead& what) const {
  dead_page out;
  out.page.total = dead_.size();
  for (const auto& [where, letter] : dead_)
    if (out.page.letters.size() < what.entries_max && (what.only.is_nil() || what.only == letter.why.id))
      out.page.letters.push_back(letter);
  return out;
}

fault log_contents::adopt(const lane_marks& marks) {
  auto& log = lanes_[marks.lane];
  drop(marks.lane, log.entries.upper_bound(marks.head), log.entries.end());
  strike_lines(log, marks.head + 1, ~seqno{0}, true);
  log.marks = marks;
  log.marks.follows = true;
  return {};
}

fault log_contents::import(const std::string& lane, std::vector<entry> entries) {
  const auto head = head_of(lanes_[lane]);
  if (!entries.empty() && entries.front().seq != head + 1)
    return {fault_code::diverged, "The entries do not follow the head.", ""};
  for (auto& e : entries)
    keep(lane, std::move(e));
  return {};
}

fault log_contents::renumber(const std::string& lane, seqno first) {
  auto& log = lanes_[lane];
  if (first <= head_of(log))
    return {fault_code::diverged, "The new numbers must lie beyond the old ones.", ""};
  auto next = first;
  for (auto& [seq, e] : std::exchange(log.entries, {})) {
    if (auto letter = dead_.extract({lane, seq})) {
      letter.key().second = letter.mapped().why.seq = next;
      dead_.insert(std::move(letter));
    }
    e.seq = next++;
    keep(lane, std::move(e));
  }
  log.marks.head = next - 1;
  return {};
}

fault log_contents::note(epoch_no epoch, const std::vector<roll_line>& lines) {
  epoch_ = std::max(epoch_, epoch);
  for (const auto& line : lines) {
    if (line.id.is_nil()) {
      give_up(line);
      continue;
    }
    const auto known = roll_ids_.find(line.id);
    const auto before = known == roll_ids_.end() ? place{line.lane, line.seq} : known->second;
    put_on_roll(line);
    if (before.seq != line.seq || before.lane != line.lane)
      give_up({before.lane, before.seq, {}, line.at});
  }
  return {};
}

roll_page log_contents::call_roll(const std::string& lane, seqno from, seqno to, std::uint64_t most) const {
  roll_page out;
  const auto found = lanes_.find(lane);
  if (found == lanes_.end())
    return out;
  const auto& roll = found->second.roll;
  for (auto line = roll.lower_bound(from); line != roll.end() && line->first <= to; ++line)
    if (out.lines.size() < most)
      out.lines.push_back(line->second);
  return out;
}

fault log_contents::strike(const std::string& lane, seqno through) {
  auto& log = lanes_[lane];
  log.marks.head = head_of(log);
  strike_lines(log, 0, through, false);
  return {};
}

fault log_contents::clear() {
  for (auto& [name, log] : lanes_) {
    log.marks.head = head_of(log);
    log.marks.follows = false;
    drop(name, log.entries.begin(), log.entries.end());
  }
  return {};
}

fault log_contents::hand_over(const std::string& lane, std::vector<entry> entries) {
  for (auto& e : entries)
    handover_.emplace(++handed_, append_item{e.id, lane, std::move(e.payload), e.at});
  return {};
}

handover_page log_contents::take_handover(std::uint64_t entries_max) const {
  handover_page out;
  for (const auto& [number, item] : handover_) {
    if (out.items.size() == entries_max)
      break;
    out.items.push_back(item);
    out.through = std::to_string(number);
  }
  return out;
}

fault log_contents::end_handover(std::uint64_t through) {
  handover_.erase(handover_.begin(), handover_.upper_bound(through));
  return {};
}

uuid log_contents::at(const std::string& lane, seqno seq) const {
  const auto* kept = entry_at(lane, seq);
  return kept == nullptr ? uuid{} : kept->id;
}

bool log_contents::stands(const uuid& id) const {
  const auto found = ids_.find(id);
  return found != ids_.end() && at(found->second.lane, found->second.seq) == id;
}

bool log_contents::has(const uuid& id) const {
  return stands(id) || std::any_of(handover_.begin(), handover_.end(),
                                   [&](const auto& waiting) { return waiting.second.id == id; });
}

bool log_contents::is_buried(const uuid& id) const {
  return std::any_of(dead_.begin(), dead_.end(),
                     [&](const auto& d) { return d.second.why.id == id && !d.second.payload.empty(); });
}

std::vector<uuid> log_contents::up_to(const std::string& lane, seqno seq) const {
  std::vector<uuid> out;
  if (const auto log = lanes_.find(lane); log != lanes_.end())
    for (auto e = log->second.entries.begin(); e != log->second.entries.upper_bound(seq); ++e)
      out.push_back(e->second.id);
  return out;
}

std::vector<uuid> log_contents::entries() const {
  std::vector<uuid> out;
  for (const auto& [name, log] : lanes_)
    for (const auto& [seq, e] : log.entries)
      out.push_back(e.id);
  for (const auto& [number, item] : handover_)
    if (const auto found = ids_.find(item.id); found == ids_.end())
      out.push_back(item.id);
  return out;
}

std::vector<uuid> log_contents::roll() const {
  std::vector<uuid> out;
  for (const auto& [name, log] : lanes_)
    for (const auto& [seq, line] : log.roll)
      if (!line.id.is_nil())
        out.push_back(line.id);
  return out;
}

std::vector<uuid> log_contents::dead() const {
  std::vector<uuid> out;
  for (const auto& [where, letter] : dead_)
    out.push_back(letter.why.id);
  return out;
}

seqno log_contents::head_of(const lane_log& log) const {
  auto head = log.marks.head;
  if (!log.entries.empty())
    head = std::max(head, log.entries.rbegin()->first);
  if (!log.roll.empty())
    head = std::max(head, log.roll.rbegin()->first);
  return head;
}

const entry* log_contents::entry_at(const std::string& lane, seqno seq) const {
  const auto log = lanes_.find(lane);
  if (log == lanes_.end())
    return nullptr;
  const auto found = log->second.entries.find(seq);
  return found == log->second.entries.end() ? nullptr : &found->second;
}

const log_contents::place* log_contents::place_of(const uuid& id) const {
  if (const auto line = roll_ids_.find(id); line != roll_ids_.end())
    return &line->second;
  const auto found = ids_.find(id);
  return found == ids_.end() ? nullptr : &found->second;
}

void log_contents::keep(const std::string& lane, entry e) {
  auto& log = lanes_[lane];
  ids_[e.id] = {lane, e.seq};
  if (kind_ == store_kind::journal)
    put_on_roll({lane, e.seq, e.id, e.at});
  log.marks.head = std::max(log.marks.head, e.seq);
  log.entries[e.seq] = std::move(e);
}

void log_contents::drop(const std::string& lane, std::map<seqno, entry>::iterator from,
                        std::map<seqno, entry>::iterator to) {
  for (auto e = from; e != to; ++e) {
    const auto known = ids_.find(e->second.id);
    if (known == ids_.end() || known->second.seq != e->first || known->second.lane != lane)
      continue; // It stands elsewhere by now.
    if (!dead_.contains({lane, e->first}))
      ids_.erase(known);
  }
  lanes_[lane].entries.erase(from, to);
}

void log_contents::give_up(const roll_line& number) {
  auto& here = lanes_[number.lane].roll;
  if (const auto other = here.find(number.seq); other != here.end())
    roll_ids_.erase(other->second.id);
  here[number.seq] = number;
}

void log_contents::put_on_roll(const roll_line& line) {
  if (const auto before = roll_ids_.find(line.id); before != roll_ids_.end())
    lanes_[before->second.lane].roll.erase(before->second.seq);
  auto& here = lanes_[line.lane].roll;
  if (const auto other = here.find(line.seq); other != here.end() && other->second.id != line.id)
    roll_ids_.erase(other->second.id);
  here[line.seq] = line;
  roll_ids_[line.id] = {line.lane, line.seq};
}

void log_contents::strike_lines(lane_log& log, seqno from, seqno to, bool with_entries) {
  for (auto line = log.roll.lower_bound(from); line != log.roll.end() && line->first <= to;) {
    if (!with_entries && log.entries.contains(line->first)) {
      ++line;
      continue;
    }
    roll_ids_.erase(line->second.id);
    line = log.roll.erase(line);
  }
}

} // namespace chasqui::simulation
