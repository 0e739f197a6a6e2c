#pragma once

#include "messages/event.hpp"

namespace chasqui {

/// Carries events to listeners outside, as far as it can: what cannot be sent at once is dropped and counted.
class event_publisher {
public:
  event_publisher() = default;
  event_publisher(const event_publisher&) = delete;
  event_publisher& operator=(const event_publisher&) = delete;
  virtual ~event_publisher() = default;

  /// Never blocks and never fails.
  virtual void publish(const event& e) = 0;
};

} // namespace chasqui
