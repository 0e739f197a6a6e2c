#pragma once

#include "adapters/io_thread.hpp"
#include "adapters/ports/handler.hpp"
#include "messages/fault.hpp"

#include <chrono>
#include <string>

namespace chasqui {

/// Asks whether a PostgreSQL server answers where `dsn` leads (the first host of several), without logging
/// in; `link_lost` if none does within `timeout`.
void ping_primary(io_thread& io, const std::string& dsn, std::chrono::milliseconds timeout,
                  handler<fault> then);

} // namespace chasqui
