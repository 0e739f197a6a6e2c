#pragma once

#include "actors/moment.hpp"
#include "adapters/ports/replica.hpp"
#include "messages/event.hpp"
#include "messages/log.hpp"
#include "messages/status.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace chasqui {

/// How often to look at the replica.
struct watch_limits {
  std::chrono::milliseconds busy{10}; ///< While commits wait for replay.
  std::chrono::milliseconds idle{1000};
  std::chrono::milliseconds silence{
      1000}; ///< A WAL receiver that was silent for so long and speaks is a sign of life.
  std::size_t barriers_max =
      10'000; ///< Barriers that may wait, per lane; beyond that the newest replaces its elder.
  std::chrono::milliseconds behind{2000};       ///< A replica that lacks a commit for so long is behind,
  std::chrono::milliseconds far_behind{60'000}; ///< and for so long far behind.
};

/// How far the replica is behind, by the age of the oldest commit that it has not replayed. `unknown` while
/// it cannot be asked.
enum class lag_class : std::uint8_t { current, behind, far_behind, unknown };

/// What the shell does next.
struct watch_actions {
  std::vector<replicated> arrived;
  std::vector<event> events;
  std::optional<std::string> sign; ///< The primary's WAL was heard of again.
};

/// Decides what has replicated: the replica has replayed past the barrier on the same timeline, and its
/// cursor says so too.
class lsn_watcher_core {
public:
  explicit lsn_watcher_core(watch_limits limits) : limits_{limits} {}

  void on_committed(const committed& c, moment now);
  watch_actions on_sighting(const sighting& s, moment now);

  /// How long to wait before the next look.
  [[nodiscard]] std::chrono::milliseconds pause() const;
  [[nodiscard]] replica_status report(time_point now) const;

private:
  struct waiting_barrier {
    committed what;
    time_point since;
  };
  using queue = std::deque<waiting_barrier>;

  bool covers(const sighting& s, const committed& barrier) const;
  void advance(const sighting& s, const replica_cursor& cursor, queue& waiting, watch_actions& out);
  void note_state(std::string state, instant at, watch_actions& out);
  void note_lag(moment now, watch_actions& out);
  [[nodiscard]] time_point::duration lag(time_point now) const;
  void note_life(const sighting& s, time_point now, watch_actions& out);

  watch_limits limits_;
  std::map<std::string, queue> waiting_;
  std::string state_ = "unknown";
  lag_class lag_class_ = lag_class::unknown;
  sighting last_;
  lsn flushed_; ///< The furthest the primary is known to have flushed, on this timeline.
  std::uint32_t timeline_ = 0;
  time_point spoke_at_;
  bool silent_ = false; ///< It was looked at in a silence. Seldom looks alone make no silence.
  bool reachable_ = false;
};

} // namespace chasqui
