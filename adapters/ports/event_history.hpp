#pragma once

#include "adapters/ports/handler.hpp"
#include "messages/event.hpp"

#include <cstdint>
#include <vector>

namespace chasqui {

/// The history is there, or `problem` says why it is in memory alone and begins anew.
struct history_opened {
  fault problem;
  std::uint64_t last = 0; ///< Greatest number that may have been given; 0 if nobody knows of any.
};

/// Which events to read.
struct history_query {
  std::uint64_t from = 1;
  std::uint64_t events_max = 1000;
  event_filter only;
};

/// Events as read, in order of their numbers, or a `problem`. Where numbers that were given are not there,
/// and events with greater ones are, an event of kind `gap` stands in their place.
struct history_page {
  fault problem;
  std::vector<event> events;
  std::uint64_t oldest = 0; ///< What has a smaller number is not there; 0: nothing was ever kept.
  bool more = false;        ///< There are more events of this kind.
};

/// The last events of a site, for those who missed them. Calls are carried out in the order they are made.
class event_history {
public:
  event_history() = default;
  event_history(const event_history&) = delete;
  event_history& operator=(const event_history&) = delete;
  virtual ~event_history() = default;

  /// Gets it ready. It may be opened again: by an actor that takes the place of another one.
  virtual void open(handler<history_opened> then) = 0;

  /// Makes sure that no number up to `through` is given again after a restart: on disk, once it is answered.
  virtual void reserve(std::uint64_t through, handler<fault> then) = 0;

  /// Keeps an event: soon, and without a flush to disk. Never blocks; what cannot be kept is a gap later.
  virtual void keep(const event& e) = 0;

  /// Reads events, those of every `keep` before it included.
  virtual void read(history_query what, handler<history_page> then) = 0;
};

} // namespace chasqui
