#pragma once

#include "actors/forwarder_core.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace chasqui {

using namespace std::chrono_literals;
using enum segment_kind;
using kinds = std::vector<segment_kind>;
using seqs = std::vector<seqno>;

inline moment at(std::chrono::milliseconds ms) { return {time_point{1h + ms}, instant{1h + ms}}; }

inline forwarder_limits small_limits() {
  forwarder_limits out;
  out.window_entries_max = 40;
  out.window_bytes_max = 4000;
  out.take_entries_max = 10;
  out.take_bytes_max = 1000;
  out.barrier_entries = 20;
  return out;
}

/// The answer to an attempt that the primary has made a dead letter of.
inline segment_answer rejected_for(const std::string& sqlstate) {
  return {0, "", "", {}, 0, {}, entry_outcome::rejected, sqlstate, "why"};
}

/// A session whose answers the test gives one by one, in order.
struct session {
  forwarder_core core{"main", small_limits()};
  std::deque<segment> in_flight;
  std::optional<take> pulled;
  std::vector<rejected> refused;
  std::optional<committed> done;
  std::optional<fault> quit;
  std::optional<align> asked;
  std::optional<missing> lost;
  int times_in_step = 0;
  std::chrono::milliseconds now{0};

  void obey(forwarder_actions actions) {
    for (auto& s : actions.send)
      in_flight.push_back(std::move(s));
    if (actions.pull) {
      BOOST_TEST(!pulled.has_value(), "two takes at once");
      pulled = actions.pull;
    }
    refused.insert(refused.end(), actions.refused.begin(), actions.refused.end());
    if (actions.done)
      done = actions.done;
    if (actions.quit)
      quit = actions.quit;
    if (actions.ask)
      asked = actions.ask;
    if (actions.lost)
      lost = actions.lost;
    times_in_step += actions.in_step ? 1 : 0;
  }
  void find_cursor(seqno cursor, uuid id = {}, std::vector<rejected> dead = {}) {
    obey(core.on_opened({{}, cursor, id, std::move(dead)}, at(now).steady));
  }
  /// The buffer's answer to what was asked last.
  void go_on(seqno head, seqno skip_to = 0, std::vector<uuid> suspects = {}, std::uint64_t unnamed = 0) {
    BOOST_REQUIRE(asked.has_value());
    alignment a{"main", asked->cursor, skip_to, std::move(suspects), unnamed, 0, head};
    asked.reset();
    obey(core.on_alignment(std::move(a), at(now).steady));
  }
  void open(seqno cursor = 0, seqno head = 0, std::vector<rejected> dead = {}) {
    find_cursor(cursor, {1, cursor}, std::move(dead));
    go_on(head);
  }
  void give(std::uint64_t count, seqno head, std::size_t bytes = 10) {
    BOOST_REQUIRE(pulled.has_value());
    batch b{"main", pulled->from_seq, {}, head};
    for (std::uint64_t i = 0; i < count; ++i)
      b.entries.push_back({b.from_seq + i, {1, b.from_seq + i}, {}, std::string(bytes, 'x')});
    pulled.reset();
    obey(core.on_batch(std::move(b), at(now).steady));
  }
  /// Opens a session with the log's entries sent, and the opening barrier answered.
  void stream(std::uint64_t count) {
    open(0, count);
    give(count, count);
    answer();
    done.reset();
  }
  segment answer(const std::string& sqlstate = "", std::uint64_t flushed = 100) {
    return answer(segment_answer{0, sqlstate, sqlstate.empty() ? "" : "why", {flushed}, 1, {}, {}, {}, {}});
  }
  segment answer(segment_answer a) {
    BOOST_REQUIRE(!in_flight.empty());
    auto s = std::move(in_flight.front());
    in_flight.pop_front();
    a.ticket = s.ticket;
    obey(core.on_answers({a}, at(now)));
    return s;
  }
  void answer_all(const std::string& sqlstate = "") {
    for (auto n = in_flight.size(); n > 0 && !quit; --n)
      answer(sqlstate);
  }
  [[nodiscard]] kinds kinds_in_flight() const {
    kinds out;
    for (const auto& s : in_flight)
      out.push_back(s.kind);
    return out;
  }
  [[nodiscard]] fault_code quit_code() const { return quit ? quit->code : fault_code::none; }
};

} // namespace chasqui
