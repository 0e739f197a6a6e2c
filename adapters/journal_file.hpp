#pragma once

#include "adapters/held_file.hpp"
#include "adapters/journal.hpp"
#include "adapters/sqlite.hpp"

#include <memory>
#include <string>
#include <vector>

namespace chasqui {

/// The journal's file, open, and nobody else's.
struct journal_file {
  held_file lock;
  std::unique_ptr<sqlite_database> database; ///< Null if `problem` says why not.
  std::vector<std::string> drift;            ///< What was wrong with it, one sentence each.
  fault problem;
};

/// Makes the file ready, its directory included. One that is damaged, or no database at all, is set aside
/// under a name with the time, and a new one is begun. `thorough` looks at all of it, however large. May
/// throw `sqlite_error`: this file cannot be opened at present.
journal_file open_journal_file(const std::string& site, const journal_settings& settings, bool thorough);

} // namespace chasqui
