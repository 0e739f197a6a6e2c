#pragma once

#include "adapters/ports/replica.hpp"
#include "tests/simulation/checker.hpp"
#include "tests/simulation/link.hpp"
#include "tests/simulation/primary_server.hpp"

#include <vector>

namespace chasqui::simulation {

/// The observatory's streaming replica. It is worked out when somebody looks: it has received what was on the
/// primary's disk a latency ago, and replayed what is older than its lag. Whoever is about to change the link
/// or the primary calls `catch_up` first.
class replica_server {
public:
  replica_server(world& w, checker& c, link& l, primary_server& p, std::size_t lanes)
      : world_{w}, checker_{c}, link_{l}, primary_{p}, cursors_(lanes) {}

  bool up = true;
  bool paused = false; ///< Receives, but replays nothing.
  sim_time lag{0};

  void catch_up();
  /// The primary now has a log that ends earlier, on a new timeline, after `records`.
  void follow(std::size_t records);
  /// Begins anew with a copy of the primary.
  void rebuild();
  [[nodiscard]] bool is_stranded() const noexcept { return stranded_; }

  [[nodiscard]] sighting look() const;

private:
  void replay(const wal_record& r);

  world& world_;
  checker& checker_;
  link& link_;
  primary_server& primary_;
  std::vector<seqno> cursors_;
  std::size_t received_ = 0; ///< Records.
  std::size_t replayed_ = 0;
  std::uint32_t timeline_ = 1; ///< Of what was replayed.
  std::size_t fork_ = 0;       ///< Where the timeline that it follows began.
  bool stranded_ = false;      ///< It has what the new primary has not, and can follow it no more.
  bool connected_ = false;
  sim_time heard_at_{0};
};

} // namespace chasqui::simulation
