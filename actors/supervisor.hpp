#pragma once

#include "actors/shell.hpp"
#include "actors/supervisor_core.hpp"
#include "adapters/ports/primary.hpp"
#include "messages/interfaces.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace chasqui {

/// A child and how to start it.
struct child_row {
  child_spec spec;
  std::function<caf::actor(const supervisor_actor&)> start;
};

/// What the supervisor needs besides its table.
struct supervisor_surroundings {
  std::function<buffer_actor()> buffer;     ///< The one that runs now.
  std::function<notifier_actor()> notifier; ///< The one that runs now.
  std::shared_ptr<primary_port> primary;    ///< To ask for a sign of life; may be null.
  std::chrono::milliseconds ping_interval{1000};
  std::function<void(const fault&)>
      stopped; ///< Called last, when no child is left: `none` as asked, else why.
  wall_clock wall;
  std::uint64_t jitter_seed = std::random_device{}(); ///< Of the waits between attempts.
};

struct supervisor_state {
  static inline const char* name = "supervisor";
  std::optional<supervisor_core> core;
  std::vector<child_row> table;
  std::vector<caf::actor> running;
  supervisor_surroundings around;
  std::mt19937_64 random;
  time_point pinged_at;
  time_point asked_at;
  bool pinging = false;
};

using supervisor_shell = with_shell<supervisor_actor>;

/// Starts the children in the order of the table, and watches over them.
supervisor_shell::behavior_type supervisor(supervisor_shell::stateful_pointer<supervisor_state> self,
                                           std::vector<child_row> table, supervision_policy policy,
                                           supervisor_surroundings around);

} // namespace chasqui
