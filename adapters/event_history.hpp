#pragma once

#include "adapters/ports/event_history.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace chasqui {

/// Where the history of events is, and what it may take.
struct history_settings {
  std::string path; ///< The file; its directory is made. SQLite's `-wal` lies beside it.
  std::uint64_t events_max = 100'000;
  std::uint64_t waiting_max = 10'000; ///< Events that wait for the disk; more are not kept.
};

/// The history of `site` in a file of SQLite. It has a thread of its own, on which handlers are called, and
/// writes what has come every 50 ms or so. One that cannot be opened is in memory alone.
std::shared_ptr<event_history> make_event_history(std::string site, const history_settings& settings);

/// A history that ends with the process.
std::shared_ptr<event_history> make_memory_history(std::uint64_t events_max);

} // namespace chasqui
