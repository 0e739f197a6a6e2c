#pragma once

#include "messages/identity.hpp"
#include "tests/demo/domain.hpp"
#include "tests/demo/ledger.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace chasqui::night {

/// A line of `chasqui.applied`.
struct applied_entry {
  uuid id;
  std::string lane;
  seqno seq = 0;
  std::uint64_t xid =
      0; ///< The database transaction that applied it; they are numbered in the order of the work.
};

/// What one server holds of a night.
struct server_view {
  std::size_t rows_counted = 0; ///< By count(*) over the four tables.
  std::size_t rows_doubled = 0; ///< Packages of one name in a unit, files of one name in a package.
  domain_rows rows;
  std::vector<applied_entry> applied; ///< By lane and seq; others' entries may be among them.
  std::set<uuid> dead_letters;
};

/// Looks at a server by SQL. Throws `std::runtime_error` with the server's message.
server_view look_at(const std::string& dsn, const std::string& site, const night_records& night);

} // namespace chasqui::night
