#pragma once

#include "tests/soak/account.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace chasqui::soak {

/// How long, and with what luck.
struct programme {
  std::chrono::seconds length{1800};
  std::uint64_t seed = 1;
  std::chrono::milliseconds pause_max{6000}; ///< Between one fault and the next.
  std::string logs;                          ///< Folder that takes the logs in the end; "" for none.
};

/// What came of it.
struct outcome {
  std::uint64_t seed = 0;
  double lasted_s = 0;
  std::map<std::string, std::size_t> faults; ///< By kind.
  std::size_t submitted = 0;
  std::size_t acknowledged = 0;
  std::size_t refused = 0;          ///< Answers other than a receipt, a dead daemon's silence among them.
  std::size_t unanswered = 0;       ///< Never acknowledged.
  std::uint64_t commits_undone = 0; ///< By failovers: they had to be sent again.
  std::size_t passed_over = 0;      ///< Numbers that the primary had to pass over,
  std::size_t unaccounted = 0;      ///< and events that call any of them missing.
  std::size_t in_journal = 0;       ///< Receipts of the journal's.
  double p50_ms = 0;
  double p99_ms = 0;
  double silence_s = 0; ///< The longest time in which nobody had a receipt.
  double settled_s = 0; ///< From the last healing until all was on the replica.
  findings primary;
  findings replica;
  std::vector<std::string> complaints; ///< What else was not as it must be.

  [[nodiscard]] std::size_t fault_count() const;
  [[nodiscard]] bool clean() const {
    return complaints.empty() && unaccounted == 0 && primary.clean() && replica.clean();
  }
};

/// Runs it. Throws `std::runtime_error` when the sandbox or a server cannot be used.
outcome run(const programme& how);

/// For people: a table of faults, and the figures.
void print(std::ostream& out, const outcome& o);
std::string to_json_text(const outcome& o);

} // namespace chasqui::soak
