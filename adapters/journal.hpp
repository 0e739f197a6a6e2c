#pragma once

#include "adapters/ports/journal_store.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace chasqui {

/// Where the journal is, and what it may take.
struct journal_settings {
  std::string path; ///< The file; its directory is made. Others lie beside it: `-wal`, `-lock`, `-reserve`.
  std::uint64_t file_bytes_max = 16ULL << 30U;  ///< Of the file itself; beyond it, the store is full.
  std::uint64_t queue_bytes_max = 64ULL << 20U; ///< Of calls that wait; more are answered `overloaded`.
  std::uint64_t queue_calls_max = 50'000;       ///< The same in calls.
  std::uint64_t reserve_bytes =
      8ULL << 20U; ///< Held, so that there is room to remove entries on a full disk.
};

/// The log of `site` in a file of SQLite. It has a thread of its own, on which handlers are called; a call
/// that finds the queue full is answered at once, on the thread of the caller.
std::shared_ptr<journal_store> make_journal(std::string site, journal_settings settings);

} // namespace chasqui
