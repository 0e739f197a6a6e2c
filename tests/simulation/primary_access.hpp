#pragma once

#include "adapters/ports/primary.hpp"
#include "tests/simulation/lifetime.hpp"
#include "tests/simulation/link.hpp"
#include "tests/simulation/primary_server.hpp"

#include <memory>
#include <vector>

namespace chasqui::simulation {

/// Bounds that a session's sender has promised.
struct window_bounds {
  std::uint64_t entries_max = 0;
  std::uint64_t bytes_max = 0; ///< One entry may lie across it.
};

class connection;

/// All that happens between runtimes and the primary: connections over the link.
class primary_access {
public:
  primary_access(world& w, checker& c, link& l, primary_server& s)
      : world_{w}, checker_{c}, link_{l}, server_{s} {}

  /// The port of one runtime.
  std::shared_ptr<primary_port> port_for(lifetime_ptr life, window_bounds bounds);

  /// Every connection breaks, with what is under way.
  void reset();
  /// Every connection goes silent for ever.
  void forget();
  /// Every connection ends at the primary's side, and the runtime hears of it if it can.
  void end_sessions();

private:
  friend class connection;
  friend class primary_access_port;
  template <class Visit> void each(Visit visit);

  world& world_;
  checker& checker_;
  link& link_;
  primary_server& server_;
  std::vector<std::weak_ptr<connection>> connections_;
};

} // namespace chasqui::simulation
