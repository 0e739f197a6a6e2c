#pragma once

#include "adapters/ports/log_store.hpp"
#include "adapters/progress.hpp"
#include "adapters/sqlite.hpp"

#include <string>
#include <vector>

namespace chasqui {

// What changes a lane of a journal other than by adding to it. Everything here may throw `sqlite_error`.

/// Makes the lane end at `marks.head`, entries and roll alike.
fault adopt_marks(sqlite_database& database, const lane_marks& marks);

/// Gives every entry a new number, all at once: half of it would be a lane in two pieces.
fault renumber_lane(sqlite_database& database, const std::string& lane, seqno first);

/// Saves the marks, and removes a part of what is to be trimmed; `trim_lane` goes on.
progress mark_lane(sqlite_database& database, const lane_marks& marks, seqno trim_through);

/// Removes a part of the entries up to `through` and of their lines on the roll. Dead letters stay. The last
/// part is durable, and the others with it.
progress trim_lane(sqlite_database& database, const std::string& lane, seqno through);

/// Takes all entries of `lanes` out of the log at once, however many there are, and none of these follows any
/// more. The roll stays.
fault clear_entries(sqlite_database& database, const std::vector<std::string>& lanes);

/// Removes a part of what was cleared; there may be more if there was anything.
progress remove_cleared(sqlite_database& database);

/// Gives a part of the file back to the disk if most of it is unused; the rest is used again.
progress shrink_file(sqlite_database& database);

} // namespace chasqui
