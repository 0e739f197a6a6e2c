#pragma once

#include "tests/bench/bare_pipeline.hpp"
#include "tests/support/sandbox.hpp"

#include <cstdint>

namespace chasqui::bench {

/// What one would use instead: a PostgreSQL at the observatory keeps so many transactions, of one row of the
/// workload each, and its logical replication catches up over a link like the sandbox's. Measured from the
/// moment that the subscription is enabled until the last row is on the primary.
drained drain_by_logical_replication(const test::sandbox& box, std::uint64_t transactions, int rtt_ms);

} // namespace chasqui::bench
