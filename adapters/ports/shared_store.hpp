#pragma once

#include "adapters/ports/log_store.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace chasqui {

/// What waits for the owner, oldest first, or a `problem`.
struct handover_page {
  fault problem;
  std::vector<append_item> items;
  std::string through; ///< Names the last one, for `end_handover`.
};

/// A log that several runtimes can reach, one of which owns it. Another one may be left with entries that it
/// has acknowledged: it hands them over, and the owner appends them.
class shared_store : public log_store {
public:
  /// Keeps entries beside the log, durably, until the owner has taken them in. For who does not own the log:
  /// what was open is closed. The same again is harmless, as the log knows ids.
  virtual void hand_over(std::string lane, std::vector<entry> entries, handler<fault> then) = 0;

  /// What was handed over and is not forgotten: up to either limit, and at least one if there is one.
  virtual void take_handover(std::uint64_t entries_max, std::uint64_t bytes_max,
                             handler<handover_page> then) = 0;

  /// Forgets what was handed over, up to `through`.
  virtual void end_handover(std::string through, handler<fault> then) = 0;
};

} // namespace chasqui
