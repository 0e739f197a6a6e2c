#pragma once

#include "actors/ingest_core.hpp"
#include "actors/moment.hpp"
#include "messages/interfaces.hpp"

#include <optional>
#include <random>

namespace chasqui {

struct ingest_state {
  static inline const char* name = "ingest";
  std::optional<ingest_core> core;
  buffer_actor buffer;
  wall_clock wall;
  std::random_device random; ///< Ids must not collide between sites, so no seeded generator.
};

/// Checks transactions and hands the good ones to the buffer, which answers.
ingest_actor::behavior_type ingest(ingest_actor::stateful_pointer<ingest_state> self, buffer_actor buffer,
                                   wall_clock wall, ingest_core core);

} // namespace chasqui
