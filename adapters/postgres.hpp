#pragma once

#include "adapters/io_thread.hpp"
#include "adapters/ports/primary.hpp"
#include "adapters/ports/replica.hpp"
#include "adapters/ports/row_source.hpp"
#include "adapters/ports/schema.hpp"
#include "adapters/schema_query.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace chasqui {

/// How to reach a PostgreSQL server.
struct postgres_settings {
  std::string dsn;                           ///< libpq keywords or URI.
  std::chrono::milliseconds timeout{10'000}; ///< Primary: until the session is open. Replica: of one look.
};

/// The primary, through libpq's pipeline mode.
std::unique_ptr<primary_port> make_primary(io_thread& io, std::string site, postgres_settings settings);

/// The replica, looked at with one query.
std::unique_ptr<replica_probe> make_replica_probe(io_thread& io, std::string site,
                                                  postgres_settings settings);

/// The schema as the replica has it.
std::unique_ptr<schema_source> make_schema_source(io_thread& io, const std::string& site,
                                                  postgres_settings replica, schema_scope scope);

/// The replica's rows, on connections of their own that are kept open for the next snapshot.
std::unique_ptr<row_source> make_row_source(io_thread& io, std::string site, postgres_settings settings);

} // namespace chasqui
