#pragma once

#include "adapters/ports/journal_store.hpp"
#include "adapters/progress.hpp"
#include "adapters/sqlite.hpp"

#include <optional>
#include <string>
#include <vector>

namespace chasqui {

// The roll of a journal: who has which number. Everything here may throw `sqlite_error`.

/// Where an id stands: on the roll, or else among the dead letters.
std::optional<roll_line> known_place(sqlite_database& database, const uuid& id);

/// Writes a line; an id has one number, and a number one id. Part of a transaction.
/// In place of whatever the roll knows about this id and this number. Where the id stood before, if
/// elsewhere.
std::optional<roll_line> put_on_roll(sqlite_database& database, const roll_line& line);

fault note_lines(sqlite_database& database, epoch_no epoch, const std::vector<roll_line>& lines);
roll_page call_lines(sqlite_database& database, const std::string& lane, seqno from, seqno to,
                     std::uint64_t lines_max);

/// Strikes a part of the lines from `*from` on, and moves it. The lines of entries that the journal has
/// itself stay, or their ids would be taken for new ones.
progress strike_lines(sqlite_database& database, const std::string& lane, seqno& from, seqno through);

} // namespace chasqui
