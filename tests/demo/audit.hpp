#pragma once

#include "tests/demo/ledger.hpp"
#include "tests/demo/server_view.hpp"

#include <cstddef>

namespace chasqui::night {

/// What the receipts and the two servers say of each other.
struct findings {
  std::size_t acknowledged = 0;
  std::size_t committed = 0;  ///< Acknowledged, and applied on the primary.
  std::size_t replicated = 0; ///< Acknowledged, and applied on the replica.
  std::size_t rows_expected = 0;
  std::size_t rows_primary = 0;
  std::size_t rows_replica = 0;
  std::size_t rows_different = 0; ///< Missing, surplus, or of other contents than the receipts promise.
  std::size_t lost = 0;           ///< Acknowledged, and neither applied on the primary nor a dead letter.
  std::size_t duplicated = 0;     ///< Applied more than once, two at one place in the log, rows twice.
  std::size_t reordered = 0;      ///< At another place than the receipt says, or worked in another order.
  std::size_t dead_letters = 0;
};

/// Compares them. It does no I/O.
findings audit(const night_records& night, const server_view& primary, const server_view& replica);

} // namespace chasqui::night
