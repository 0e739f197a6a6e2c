#pragma once

#include "actors/buffer_core.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>

namespace chasqui {

/// A buffer core on the desk: the test is its shell, its store and its clock.
struct buffer_desk {
  using ids = std::vector<std::uint64_t>;

  static buffer_limits limits() {
    buffer_limits out;
    out.pending_entries_max = 100;
    out.waiting_entries_max = 8;
    out.waiting_bytes_max = 1000;
    out.group_entries_max = 5;
    out.group_bytes_max = 150;
    out.retain_entries = 10;
    out.waiters_max = 5;
    return out;
  }

  buffer_core core{{"main", "bulk"}, limits()};
  std::chrono::milliseconds now{0};
  ticket next = 1;
  int opens = 0;
  ids appending; ///< Low halves of the ids in the append under way.
  std::vector<std::string> append_lanes;
  std::map<ticket, append_reply> replies;
  std::map<ticket, wait_over> ended;
  std::vector<seqno> hints;
  std::vector<event> events;
  std::vector<rejected> burying;
  std::vector<resolved> settling;
  bool counting = false;         ///< The store was asked how many dead letters it has.
  std::vector<mark_order> marks; ///< Being saved.
  bool dismissed = false;        ///< Forwarders were told to begin anew.
  std::optional<fault> quit;

  buffer_desk() { obey(core.start()); }

  /// Begins anew, with other limits.
  void start_with(const buffer_limits& bounds) {
    core = buffer_core{{"main", "bulk"}, bounds};
    obey(core.start());
  }

  [[nodiscard]] moment at() const {
    return {time_point{std::chrono::hours{1} + now}, instant{std::chrono::hours{1} + now}};
  }

  void obey(buffer_actions actions) {
    opens += actions.open ? 1 : 0;
    if (!actions.append.empty()) {
      BOOST_TEST(appending.empty(), "two appends at once");
      for (const auto& item : actions.append) {
        appending.push_back(item.id.low);
        append_lanes.push_back(item.lane);
      }
    }
    for (auto& r : actions.replies)
      BOOST_TEST(replies.emplace(r.who, r).second, "ticket " << r.who << " was answered twice");
    for (auto& w : actions.waits)
      BOOST_TEST(ended.emplace(w.who, w).second, "wait " << w.who << " was answered twice");
    for (const auto& h : actions.hints)
      hints.push_back(h.head);
    events.insert(events.end(), actions.events.begin(), actions.events.end());
    burying.insert(burying.end(), actions.bury.begin(), actions.bury.end());
    settling.insert(settling.end(), actions.settle.begin(), actions.settle.end());
    counting = counting || actions.count_dead;
    marks.insert(marks.end(), actions.mark.begin(), actions.mark.end());
    dismissed = dismissed || actions.dismiss;
    if (actions.quit)
      quit = actions.quit;
  }

  [[nodiscard]] static log_opened log(seqno head = 0, seqno done = 0, seqno first = 1) {
    log_opened out;
    out.epoch = 3;
    out.lanes = {{"main", first, head, done, done, done, {}}, {"bulk", 1, 0, 0, 0, 0, {}}};
    return out;
  }
  void open(seqno head = 0, seqno done = 0, seqno first = 1) {
    obey(core.on_opened(log(head, done, first), at()));
  }

  ticket submit(int id, std::size_t bytes = 10, const std::string& lane = "main") {
    append what{{0, static_cast<std::uint64_t>(id)}, lane, std::string(bytes, 'x')};
    obey(core.on_append(next, {&what, 1}, at()));
    return next++;
  }
  /// The store has kept the group under way, from `from` on or behind the head.
  void kept(seqno from = 0) {
    append_result result;
    std::map<std::string, seqno> heads;
    for (const auto& name : std::exchange(append_lanes, {})) {
      auto& head = heads.try_emplace(name, from > 0 ? from - 1 : lane(name).head).first->second;
      result.slots.push_back({name, ++head, at().wall, false});
    }
    appending.clear();
    obey(core.on_appended(result, at()));
  }
  void appended(const fault& problem) {
    appending.clear();
    append_lanes.clear();
    obey(core.on_appended({problem, {}}, at()));
  }
  /// Somebody reads everything from `from` on, up to `to`; the hints at once are returned.
  std::vector<seqno> took(seqno from, seqno to) {
    log_slice slice;
    for (auto seq = from; seq <= to; ++seq)
      slice.entries.push_back({seq, {0, seq}, {}, "x"});
    buffer_actions out;
    core.on_slice({"main", from, 100, 100}, std::move(slice), out, at());
    std::vector<seqno> heads;
    for (const auto& h : out.hints)
      heads.push_back(h.head);
    return heads;
  }
  /// Time passes, with a tick each 50 ms.
  void pass(std::chrono::milliseconds time) {
    for (const auto end = now + time; now < end;) {
      now += std::chrono::milliseconds{50};
      obey(core.on_tick(at()));
    }
  }
  /// All marks under way are saved, or are not.
  void marked(const fault& problem = {}) {
    for (auto n = std::exchange(marks, {}).size(); n > 0; --n)
      obey(core.on_marked(problem, at()));
  }
  ticket wait(const await& what, const log_place& place = {}) {
    const auto who = next++;
    obey(core.on_await(who, what, place, at()));
    return who;
  }

  [[nodiscard]] bool answered(ticket who) const { return replies.contains(who); }
  [[nodiscard]] fault_code problem(ticket who) const { return replies.at(who).outcome.problem.code; }
  [[nodiscard]] lane_status lane(const std::string& name = "main") const {
    const auto report = core.report(at().wall);
    return *std::find_if(report.lanes.begin(), report.lanes.end(), [&](auto& l) { return l.lane == name; });
  }
  [[nodiscard]] std::vector<event> told(event_kind kind) const {
    std::vector<event> out;
    std::copy_if(events.begin(), events.end(), std::back_inserter(out),
                 [&](auto& e) { return e.kind == kind; });
    return out;
  }
};

} // namespace chasqui
