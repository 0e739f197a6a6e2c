#pragma once

#include "adapters/ports/log_store.hpp"
#include "adapters/sqlite.hpp"

#include <string>
#include <vector>

namespace chasqui {

// How far the lanes of a journal have come. Everything here may throw `sqlite_error`.

/// Takes the next epoch, durably, and reads the marks of `lanes`.
log_opened claim_journal(sqlite_database& database, const std::vector<std::string>& lanes, instant now);

/// The greatest number that entries, roll or marks have given.
seqno head_of(sqlite_database& database, const std::string& lane);

/// The marks say from now on what `head_of` says, so that it stays when entries and roll go. Part of a
/// transaction.
void keep_head(sqlite_database& database, const std::string& lane);

/// Saves the marks; the head never falls. Part of a transaction.
void save_marks(sqlite_database& database, const lane_marks& marks);

} // namespace chasqui
