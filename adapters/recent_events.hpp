#pragma once

#include "adapters/ports/event_history.hpp"

#include <cstdint>
#include <deque>

namespace chasqui {

/// The last events, in memory.
class recent_events {
public:
  explicit recent_events(std::uint64_t events_max) : events_max_{events_max} {}

  void keep(const event& e);
  [[nodiscard]] history_page read(const history_query& what) const;
  [[nodiscard]] std::uint64_t last() const { return events_.empty() ? 0 : events_.back().number; }

private:
  std::uint64_t events_max_;
  std::deque<event> events_;
  std::uint64_t oldest_ = 0;
};

} // namespace chasqui
