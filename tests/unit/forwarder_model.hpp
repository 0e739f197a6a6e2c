#pragma once

// What stands round a forwarder's core in its model test: a primary that crashes, and a log that loses
// entries.

#include "adapters/ports/primary.hpp"
#include "messages/log.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace chasqui {

enum class nature : std::uint8_t { good, poison, flaky, duplicate };

/// A transaction's number in the order of submission, from 1; it makes its id.
using serial = std::uint64_t;
inline uuid id_of(serial n) { return {1, n}; }

struct chance {
  explicit chance(std::uint32_t seed) : random{seed} {}
  std::mt19937 random;
  std::uint64_t up_to(std::uint64_t n) { return std::uniform_int_distribution<std::uint64_t>{0, n}(random); }
  bool one_in(std::uint64_t n) { return up_to(n - 1) == 0; }
};

/// Applies segments as primary.sql does. What no barrier has flushed is lost when it crashes.
struct primary_model {
  struct state {
    seqno cursor = 0;
    uuid last_id;
    std::vector<serial> applied;     ///< In the order of application.
    std::map<serial, rejected> dead; ///< As they were buried last.
  };
  state now;
  state flushed;
  std::map<serial, nature> natures;
  std::map<serial, int> fails_left;
  std::set<serial> missing;

  [[nodiscard]] bool has(serial n) const {
    return natures.at(n) == nature::duplicate ||
           std::find(now.applied.begin(), now.applied.end(), n) != now.applied.end();
  }

  segment_answer run(const segment& s) {
    segment_answer a;
    a.ticket = s.ticket;
    if (s.kind == segment_kind::barrier)
      flushed = now;
    else if (s.kind == segment_kind::realign)
      realign(s.over, a);
    else if (s.kind != segment_kind::heartbeat)
      a.sqlstate = take_entry(s, a);
    a.flushed = {flushed.cursor + 1};
    a.timeline = 1;
    return a;
  }
  void crash() { now = flushed; }

private:
  void realign(const jump& over, segment_answer& a) {
    if (now.cursor != over.from) {
      a.sqlstate = "CQ001";
      return;
    }
    for (const auto id : over.suspects)
      if (!has(id.low) && !now.dead.contains(id.low)) {
        missing.insert(id.low);
        a.missing.push_back(id);
      }
    now.cursor = over.to;
    now.last_id = {};
    flushed = now;
  }

  std::string take_entry(const segment& s, segment_answer& a) {
    const auto n = s.what.id.low;
    if (fails_left[n] > 0) {
      --fails_left[n];
      return "40001";
    }
    if (now.cursor != s.what.seq - 1)
      return "CQ001";
    const std::string refused = has(n) ? "CQ003" : natures[n] == nature::poison ? "23505" : "";
    if (refused.empty()) {
      now.applied.push_back(n);
    } else if (s.kind == segment_kind::apply) {
      return refused;
    } else if (has(n)) {
      a.outcome = entry_outcome::skipped;
    } else {
      a.outcome = entry_outcome::rejected;
      a.reject_sqlstate = refused;
      now.dead[n] = {"main", s.what.seq, s.what.id, refused, "", {}};
    }
    now.cursor = s.what.seq;
    now.last_id = s.what.id;
    return "";
  }
};

/// A lane's log and its buffer: it gives numbers, loses entries, and says how to go on.
struct log_model {
  std::map<seqno, serial> entries;
  std::map<seqno, serial> remembered; ///< Of what was lost, as far as the buffer knows where it stood.
  std::set<serial> lost;
  seqno floor = 0; ///< Numbers begin behind it.
  seqno jumped_to = 0;

  [[nodiscard]] seqno head() const {
    return entries.empty() ? floor : std::max(floor, entries.rbegin()->first);
  }
  void append(serial n) { entries.emplace(head() + 1, n); }

  /// A power cut, or a snapshot from before: numbers at the end are given again.
  void lose_some(chance& dice) {
    if (entries.empty())
      return;
    const bool tail = dice.one_in(2);
    auto from = std::next(entries.begin(), static_cast<std::ptrdiff_t>(dice.up_to(entries.size() - 1)));
    auto n = tail ? entries.size() : 1 + dice.up_to(5);
    for (; n > 0 && from != entries.end(); --n) {
      lost.insert(from->second);
      if (dice.one_in(2))
        remembered[from->first] = from->second;
      from = entries.erase(from);
    }
    jumped_to = 0;
    if (tail)
      floor = 0;
  }

  alignment align_with(const align& with, chance& dice) {
    alignment out{"main", with.cursor, 0, {}, head()};
    const auto here = entries.find(with.cursor);
    const bool agrees = with.cursor == 0 || (with.id.is_nil() && with.cursor == jumped_to) ||
                        (here != entries.end() && id_of(here->second) == with.id);
    if (!agrees) {
      // All of it under new numbers: what the primary has already it knows by id.
      if (dice.one_in(2))
        skip(out, with.cursor + 1 + dice.up_to(3));
      renumber(std::max(with.cursor, out.skip_to) + 1);
    } else {
      const auto next = entries.upper_bound(with.cursor);
      const auto nothing_to = next == entries.end() ? floor : next->first - 1;
      if (nothing_to > with.cursor)
        skip(out, with.cursor + 1 + dice.up_to(nothing_to - with.cursor - 1));
    }
    out.head = head();
    return out;
  }

private:
  void skip(alignment& out, seqno to) {
    out.skip_to = to;
    jumped_to = to;
    for (auto r = remembered.begin(); r != remembered.end() && r->first <= to; r = remembered.erase(r))
      out.suspects.push_back(id_of(r->second));
  }
  void renumber(seqno first) {
    floor = first - 1;
    jumped_to = floor;
    for (auto& [seq, n] : std::exchange(entries, {}))
      entries.emplace(head() + 1, n);
  }
};

} // namespace chasqui
