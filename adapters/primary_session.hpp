#pragma once

#include "adapters/io_thread.hpp"
#include "adapters/ports/primary.hpp"
#include "adapters/postgres.hpp"

#include <memory>
#include <string>

namespace chasqui {

/// Opens a session with the primary; see `primary_port::open`.
std::unique_ptr<primary_session> open_primary_session(io_thread& io, const std::string& site,
                                                      const postgres_settings& settings, primary_claim claim,
                                                      primary_listener listener);

} // namespace chasqui
