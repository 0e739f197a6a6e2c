#pragma once

#include "adapters/ports/handler.hpp"
#include "messages/log.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace chasqui {

/// A lane's cursor as the replica has it.
struct replica_cursor {
  std::string lane;
  seqno last_seq = 0;
};

/// What the replica says of itself, all in one snapshot; or a `problem`.
struct sighting {
  fault problem;
  lsn receive;                ///< WAL on disk; unknown before any was streamed.
  lsn replay;                 ///< WAL applied; unknown while nothing was replayed.
  std::uint32_t timeline = 0; ///< Of the WAL being replayed; 0 is unknown.
  std::uint64_t system_id = 0;
  bool in_recovery = true; ///< False once it was promoted.
  bool streaming = false;  ///< A WAL receiver is connected to the primary.
  instant
      last_message_at; ///< When the WAL receiver last heard of the primary; never, if it is not connected.
  std::vector<replica_cursor> cursors; ///< This site's lanes.
};

/// The local streaming replica.
class replica_probe {
public:
  replica_probe() = default;
  replica_probe(const replica_probe&) = delete;
  replica_probe& operator=(const replica_probe&) = delete;
  virtual ~replica_probe() = default;

  /// Looks at the replica, connecting first if need be. One look at a time; each is answered within its own
  /// deadline.
  virtual void look(handler<sighting> then) = 0;
};

} // namespace chasqui
