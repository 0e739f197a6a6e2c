#pragma once

#include "actors/moment.hpp"
#include "actors/waiting_room.hpp"
#include "messages/log.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace chasqui {

/// A submission that waits for the append before its own.
struct waiting_append {
  ticket who = 0;
  append what;
  time_point deadline;
};

/// Submissions that wait, lane by lane: whatever comes in a lane is in front of all that comes in later
/// lanes, and what there is no room for is taken from the last of them.
class append_queue {
public:
  append_queue(std::vector<std::string> lanes, std::uint64_t entries_max, std::uint64_t bytes_max);

  /// Whether there is room for it, if need be in place of what waits in later lanes.
  [[nodiscard]] bool has_room_for(const append& what) const;
  /// Adds it; returns those that had to give way, youngest first.
  std::vector<waiting_append> add(waiting_append w);

  [[nodiscard]] bool empty() const noexcept { return entries_ == 0; }
  [[nodiscard]] const waiting_append& front() const; ///< Not of an empty queue.
  waiting_append pop();                              ///< The same.
  std::vector<waiting_append> expire(time_point now);
  std::vector<waiting_append> clear();

private:
  struct line {
    std::string lane;
    std::deque<waiting_append> waiting;
    std::uint64_t bytes = 0;
  };
  [[nodiscard]] line& line_of(const std::string& lane);
  [[nodiscard]] const line& first() const;
  waiting_append take_from(line& l, bool youngest);

  std::vector<line> lines_;
  std::uint64_t entries_max_;
  std::uint64_t bytes_max_;
  std::uint64_t entries_ = 0;
  std::uint64_t bytes_ = 0;
};

} // namespace chasqui
