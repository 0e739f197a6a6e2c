#pragma once

#include "adapters/sqlite.hpp"
#include "messages/fault.hpp"

#include <cstdint>
#include <string>

namespace chasqui {

/// Sets what holds for every use of a journal's file, and makes its tables if it is empty. A problem if it is
/// no journal, or one of a later form.
fault prepare_journal(sqlite_database& database, const std::string& site, const std::string& path,
                      std::uint64_t file_bytes_max);

/// Beyond that, the file is full.
void limit_file(sqlite_database& database, std::uint64_t file_bytes_max);

/// A problem if it is the journal of another site.
fault check_owner(sqlite_database& database, const std::string& site, const std::string& path);

/// What SQLite finds wrong with the file; "" if nothing. `thorough` compares tables with their indexes, too.
std::string inspect_journal(sqlite_database& database, bool thorough);

} // namespace chasqui
