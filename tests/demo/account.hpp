#pragma once

#include "tests/demo/audit.hpp"
#include "tests/demo/ledger.hpp"

#include <cstdint>
#include <iosfwd>
#include <string>

namespace chasqui::night {

/// What happened in a night, by the caller's clock.
struct night_times {
  latency before; ///< Submits while the link was open.
  latency during; ///< ... while it was cut: asked after the cut and answered before the healing.
  double outage_s = 0;
  double drain_s = 0;        ///< From the healing until all that waited then was on the replica.
  std::uint64_t drained = 0; ///< Entries that came to the replica in that time.
};

/// The account of a night.
struct account {
  std::uint64_t submitted = 0;
  std::uint64_t refused = 0; ///< Answers other than a receipt.
  std::string first_refusal;
  findings found;
  night_times times;
  std::string unfinished; ///< What did not come about in time; "" if all did.

  [[nodiscard]] bool clean() const;
};

/// The account as a JSON object.
std::string to_json_text(const account& a);

/// The account for people: a figure and a sentence a line.
void print(std::ostream& out, const account& a);

} // namespace chasqui::night
