#pragma once

// Log stores in memory that keep to the port's word, and fail as a test says.

#include "adapters/ports/journal_store.hpp"
#include "adapters/ports/shared_store.hpp"
#include "messages/index_terms.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace chasqui {

/// One log by lane and seq. Whether it answers is one thing, whether it carries out another: a hung store
/// carries out late what it was told.
template <class Port> class memory_log : public Port {
public:
  bool hangs = false;
  bool hangs_imports = false;
  int imports_left = 1'000'000;
  fault broken;         ///< The answer to everything, if set.
  fault broken_appends; ///< The answer to every append, if set.
  fault broken_marks;   ///< The answer to all marks, if set.
  fault broken_opens;   ///< The answer to every opening, if set.
  fault broken_numbers; ///< The answer to whoever changes numbers, if set.
  int opens = 0;
  int closes = 0;
  std::vector<rejected> dead;
  std::vector<resolved> decided;

  explicit memory_log(store_kind kind) : kind_{kind} {}

  [[nodiscard]] const std::map<seqno, entry>& log_of(const std::string& lane) { return lanes_[lane].log; }

  [[nodiscard]] const lane_marks& saved(const std::string& lane) { return lanes_[lane].marks; }

  void go_on() {
    hangs = false;
    for (auto& give : std::exchange(held_, {}))
      give();
  }

  /// Answers the oldest call of those that it hangs with.
  void answer_one() {
    const auto give = std::move(held_.at(0));
    held_.erase(held_.begin());
    give();
  }

  /// Loses one entry.
  void erase(const std::string& lane, seqno seq) {
    auto& log = lanes_[lane].log;
    ids_.erase(log.at(seq).id);
    log.erase(seq);
  }

  void wipe() {
    lanes_.clear();
    ids_.clear();
    broken_appends = {fault_code::store_unavailable, "wiped", ""};
  }

  void open(std::vector<std::string> lanes, handler<log_opened> then) override {
    log_opened out;
    ++opens;
    out.problem = broken ? broken : broken_opens;
    out.dead_letters = dead.size();
    out.kind = kind_;
    out.durability = durability::fsynced;
    out.epoch = ++epoch_;
    for (const auto& name : lanes)
      out.lanes.push_back(marks_of(name));
    if (!broken && broken_appends.message == "wiped")
      broken_appends = {};
    answer(std::move(then), std::move(out));
  }
  void append(std::vector<append_item> items, handler<append_result> then) override {
    append_result out{broken ? broken : broken_appends, {}, kind_, durability::fsynced};
    for (auto& item : items)
      if (!out.problem)
        out.slots.push_back(keep(item));
    answer(std::move(then), std::move(out));
  }
  void read(take what, handler<log_slice> then) override {
    log_slice out;
    out.problem = broken;
    const auto& lane = lanes_[what.lane];
    auto next = what.from_seq;
    std::uint64_t bytes = 0;
    for (auto e = lane.log.lower_bound(next); !broken && e != lane.log.end(); ++e, ++next) {
      bytes += e->second.payload.size();
      const bool full = out.entries.size() == what.entries_max || bytes > what.bytes_max;
      if (e->first != next || (full && !out.entries.empty()))
        break;
      out.entries.push_back(e->second);
    }
    if (!broken && out.entries.empty() && what.from_seq <= lane.marks.head) {
      const auto after = lane.log.lower_bound(what.from_seq);
      out.missing_to = after == lane.log.end() ? lane.marks.head : after->first - 1;
      out.problem = {fault_code::diverged, "a gap", ""};
    }
    answer(std::move(then), std::move(out));
  }
  void look_up(chasqui::look_up what, handler<lookup_page> then) override {
    lookup_page out;
    out.problem = broken;
    const auto& lane = lanes_[what.lane];
    out.found.lane = what.lane;
    out.found.head = lane.marks.head;
    for (auto e = lane.log.lower_bound(what.from_seq); e != lane.log.end() && e->first <= what.to_seq; ++e) {
      const auto terms = index_terms(what.lane, e->second.payload);
      if (std::find_first_of(terms.begin(), terms.end(), what.terms.begin(), what.terms.end()) != terms.end())
        out.found.entries.push_back(e->second);
    }
    answer(std::move(then), std::move(out));
  }
  void mark(lane_marks marks, seqno trim_through, handler<fault> then) override {
    auto& lane = lanes_[marks.lane];
    if (!broken) {
      marks.head = std::max(marks.head, lane.marks.head);
      marks.follows = lane.marks.follows;
      lane.marks = marks;
      lane.log.erase(lane.log.begin(), lane.log.upper_bound(trim_through));
    }
    answer(std::move(then), fault{broken ? broken : broken_marks});
  }
  void bury(rejected why, handler<fault> then) override {
    if (!broken)
      dead.push_back(std::move(why));
    answer(std::move(then), fault{broken});
  }
  void settle(resolved what, handler<fault> then) override {
    if (!broken)
      decided.push_back(std::move(what));
    answer(std::move(then), fault{broken});
  }
  void list_decisions(chasqui::list_decisions, handler<decisions_page> then) override {
    decisions_page out{broken, {}};
    for (const auto& what : decided)
      out.page.decisions.push_back({what, ""});
    answer(std::move(then), std::move(out));
  }
  void find(uuid id, handler<log_place> then) override {
    log_place out;
    out.problem = broken;
    if (const auto found = ids_.find(id); !broken && found != ids_.end()) {
      std::tie(out.lane, out.seq) = found->second;
      if (const auto e = lanes_[out.lane].log.find(out.seq); e != lanes_[out.lane].log.end()) {
        out.at = e->second.at;
        out.payload = e->second.payload;
      }
    } else if (!broken) {
      out.problem = {fault_code::not_found, "unknown", ""};
    }
    answer(std::move(then), std::move(out));
  }
  void list_dead(chasqui::list_dead, handler<dead_page> then) override {
    dead_page out{broken, {{}, dead.size()}};
    for (const auto& why : dead)
      out.page.letters.push_back({why, ""});
    answer(std::move(then), std::move(out));
  }
  void adopt(lane_marks marks, handler<fault> then) override {
    auto& lane = lanes_[marks.lane];
    const auto problem = may_not_number();
    if (!problem) {
      for (auto e = lane.log.upper_bound(marks.head); e != lane.log.end(); e = lane.log.erase(e))
        ids_.erase(e->second.id);
      lane.marks = marks;
      lane.marks.follows = true;
    }
    answer(std::move(then), fault{problem});
  }
  void import(std::string name, std::vector<entry> entries, handler<fault> then) override {
    auto& lane = lanes_[name];
    auto problem = broken;
    if (!problem && --imports_left < 0)
      problem = {fault_code::store_unavailable, "gone again", ""};
    if (!problem && entries.front().seq != lane.marks.head + 1)
      problem = {fault_code::diverged, "does not follow", ""};
    for (auto& e : entries)
      if (!problem)
        put(name, e.seq, std::move(e));
    answer(std::move(then), std::move(problem), hangs_imports);
  }
  void renumber(std::string name, seqno first, handler<fault> then) override {
    auto& lane = lanes_[name];
    const auto problem = may_not_number();
    if (!problem) {
      auto old = std::exchange(lane.log, {});
      lane.marks.head = first - 1;
      for (auto& [seq, e] : old)
        put(name, lane.marks.head + 1, std::move(e));
    }
    answer(std::move(then), fault{problem});
  }
  void close() override { ++closes; }

protected:
  [[nodiscard]] fault may_not_number() const { return broken ? broken : broken_numbers; }

  struct lane_state {
    std::map<seqno, entry> log;
    lane_marks marks;
  };

  template <class Answer> void answer(handler<Answer> then, Answer what, bool hold = false) {
    auto give = [then = std::move(then), what = std::move(what)] { then(what); };
    if (hangs || hold)
      held_.emplace_back(std::move(give));
    else
      give();
  }

  virtual lane_marks marks_of(const std::string& name) {
    auto& lane = lanes_[name];
    lane.marks.lane = name;
    auto marks = lane.marks;
    marks.first = lane.log.empty() ? marks.head + 1 : lane.log.begin()->first;
    return marks;
  }

  virtual append_slot keep(append_item& item) {
    if (const auto known = ids_.find(item.id); known != ids_.end())
      return {known->second.first, known->second.second, item.at, true};
    const auto seq = marks_of(item.lane).head + 1;
    put(item.lane, seq, {seq, item.id, item.at, std::move(item.payload)});
    return {item.lane, seq, item.at, false};
  }

  void put(const std::string& name, seqno seq, entry e) {
    auto& lane = lanes_[name];
    e.seq = seq;
    ids_[e.id] = {name, seq};
    lane.marks.head = seq;
    lane.log[seq] = std::move(e);
  }

  std::map<std::string, lane_state> lanes_;
  std::map<uuid, std::pair<std::string, seqno>> ids_;

private:
  store_kind kind_;
  epoch_no epoch_ = 0;
  std::deque<std::function<void()>> held_;
};

/// Redis, and what was handed over in it.
class memory_store final : public memory_log<shared_store> {
public:
  using memory_log::memory_log;

  std::deque<append_item> handover; ///< What waits for the owner.
  fault broken_handover;            ///< The answer to whoever hands over, if set.

  void hand_over(std::string lane, std::vector<entry> entries, handler<fault> then) override {
    const auto problem = broken ? broken : broken_handover;
    for (auto& e : entries)
      if (!problem)
        handover.push_back({e.id, lane, std::move(e.payload), e.at});
    answer(std::move(then), fault{problem});
  }
  void take_handover(std::uint64_t entries_max, std::uint64_t, handler<handover_page> then) override {
    handover_page out;
    out.problem = broken;
    for (const auto& item : handover)
      if (!broken && out.items.size() < entries_max)
        out.items.push_back(item);
    out.through = std::to_string(ended_ + out.items.size());
    answer(std::move(then), std::move(out));
  }
  void end_handover(std::string through, handler<fault> then) override {
    for (; !broken && ended_ < std::stoull(through); ++ended_)
      handover.pop_front();
    answer(std::move(then), fault{broken});
  }

private:
  std::uint64_t ended_ = 0;
};

/// The journal, with its roll.
class memory_journal final : public memory_log<journal_store> {
public:
  memory_journal() : memory_log{store_kind::journal} {}

  bool hangs_clears = false; ///< They are carried out, and answered by `go_on`.

  void forget_roll() { roll_.clear(); }

  void note(epoch_no, std::vector<roll_line> lines, handler<fault> then) override {
    for (auto& line : lines) { // An id stands where it was noted last.
      for (auto& [name, noted] : roll_)
        for (auto& [seq, other] : noted)
          if (!line.id.is_nil() && other.id == line.id)
            other.id = {};
      roll_[line.lane][line.seq] = line;
    }
    answer(std::move(then), fault{broken});
  }
  void call_roll(std::string lane, seqno from, seqno to, std::uint64_t lines_max,
                 handler<roll_page> then) override {
    roll_page out;
    out.problem = broken;
    const auto& lines = roll_[lane];
    for (auto line = lines.lower_bound(from); line != lines.end() && line->first <= to; ++line)
      if (out.lines.size() < lines_max)
        out.lines.push_back(line->second);
    answer(std::move(then), std::move(out));
  }
  void find(uuid id, handler<log_place> then) override {
    for (const auto& [name, lines] : roll_)
      for (const auto& [seq, line] : lines)
        if (line.id == id && !broken && !ids_.contains(id)) {
          log_place out;
          out.lane = name;
          out.seq = seq;
          out.at = line.at;
          return answer(std::move(then), std::move(out));
        }
    memory_log::find(id, std::move(then));
  }
  void strike(std::string lane, seqno through, handler<fault> then) override {
    auto& lines = roll_[lane];
    lines.erase(lines.begin(), lines.upper_bound(through));
    answer(std::move(then), fault{broken});
  }
  void renumber(std::string name, seqno first, handler<fault> then) override {
    auto next = first;
    auto& lines = roll_[name];
    for (const auto& [seq, e] : lanes_[name].log)
      if (!may_not_number() && lines.contains(seq)) {
        auto line = lines.extract(seq);
        line.key() = line.mapped().seq = next++;
        lines.insert(std::move(line));
      }
    memory_log::renumber(std::move(name), first, std::move(then));
  }
  void adopt(lane_marks marks, handler<fault> then) override {
    if (auto& lines = roll_[marks.lane]; !may_not_number())
      lines.erase(lines.upper_bound(marks.head), lines.end());
    memory_log::adopt(std::move(marks), std::move(then));
  }
  void clear(handler<fault> then) override {
    for (auto& [name, lane] : lanes_) {
      lane.log.clear();
      lane.marks.follows = false;
    }
    answer(std::move(then), fault{broken}, hangs_clears);
  }

protected:
  lane_marks marks_of(const std::string& name) override {
    auto marks = memory_log::marks_of(name);
    const auto& lines = roll_[name];
    if (lanes_[name].log.empty() && !lines.empty() && lines.rbegin()->first > marks.head) {
      marks.head = lines.rbegin()->first;
      marks.first = marks.head + 1;
    }
    return marks;
  }

  append_slot keep(append_item& item) override {
    for (const auto& [name, lines] : roll_)
      for (const auto& [seq, line] : lines)
        if (line.id == item.id)
          return {name, seq, line.at, true};
    const auto id = item.id;
    auto slot = memory_log::keep(item);
    roll_[slot.lane][slot.seq] = {slot.lane, slot.seq, id, slot.at};
    return slot;
  }

private:
  std::map<std::string, std::map<seqno, roll_line>> roll_;
};

} // namespace chasqui
