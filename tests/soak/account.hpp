#pragma once

#include "messages/identity.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace chasqui::soak {

/// A transaction that a control process holds a receipt for.
struct acknowledged {
  uuid id;
  std::string lane;
  bool bad = false; ///< The primary must refuse it.
};

/// What the control processes know.
struct ledger {
  std::vector<std::vector<acknowledged>> callers; ///< Of each, in the order of its receipts.
  std::set<uuid> unanswered; ///< Submitted, without a receipt to the end: may be there or not.
};

/// A transaction as one server has it.
struct applied_entry {
  std::size_t times = 0; ///< Lines of `chasqui.applied`.
  std::size_t rows = 0;  ///< Rows that it wrote.
  seqno seq = 0;
  std::uint64_t arrival = 0; ///< Of the first row, in the order of the work.
};

/// What one server has.
struct server_view {
  std::map<uuid, applied_entry> found;
  std::set<uuid> dead_letters;
};

/// What is wrong with a server.
struct findings {
  std::size_t acknowledged = 0;
  std::size_t applied = 0;
  std::size_t dead_letters = 0;
  std::size_t lost = 0;      ///< Acknowledged, and not there; or refused, and nothing was wrong with it.
  std::size_t doubled = 0;   ///< Applied twice, or both applied and refused.
  std::size_t reordered = 0; ///< Before what the same caller had a receipt for earlier, in its lane.
  std::size_t strange = 0;   ///< There, and submitted by nobody.
  std::string first;         ///< The first that was found, for people.

  [[nodiscard]] bool clean() const { return lost + doubled + reordered + strange == 0; }
};

/// Compares them; does no I/O.
findings judge(const ledger& told, const server_view& server);

/// Which harms it would not see in these very figures: an id that is lost, doubled, swapped with another of
/// its caller, or nobody's. Empty if it sees all.
std::vector<std::string> blind_spots(const ledger& told, const server_view& server);

} // namespace chasqui::soak
