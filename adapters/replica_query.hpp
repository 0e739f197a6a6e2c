#pragma once

#include "adapters/pg_answer.hpp"
#include "adapters/ports/replica.hpp"

#include <cstddef>
#include <optional>
#include <string>

struct pg_conn;

namespace chasqui {

/// One connection's looks at the replica: what is asked, and what a sighting is made of.
///
/// Positions come first and cursors second, in statements with a snapshot each, in one round trip. So the
/// cursors are never older than the positions: whoever finds the replay LSN at or after a commit finds the
/// cursor moved, too, or has found a real disagreement. The other way round (cursors moved, LSN not there
/// yet) is harmless, because an entry counts as replicated only if both say so.
class replica_query {
public:
  replica_query(pg_conn* connection, std::string site);

  /// Hands one look's questions to libpq; false if the connection is unusable.
  bool ask();

  /// The sighting, once all of it has arrived. One with a problem ends the use of this connection.
  std::optional<sighting> collect();

private:
  enum class question : std::uint8_t { nothing, positions, cursors };

  bool send_positions();
  bool send_cursors();
  void take(const pg_answer& result);
  void take_positions(const pg_answer& result);
  void take_cursors(const pg_answer& result);
  bool next();

  pg_conn* connection_;
  std::string site_;
  bool positions_prepared_ = false;
  bool cursors_prepared_ = false;
  bool cursors_exist_ = false; ///< The schema chasqui has come through replication.
  question awaited_ = question::nothing;
  bool cursors_asked_ = false;
  sighting outcome_;
};

} // namespace chasqui
