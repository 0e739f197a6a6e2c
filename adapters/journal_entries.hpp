#pragma once

#include "adapters/ports/log_store.hpp"
#include "adapters/sqlite.hpp"

#include <optional>
#include <string>
#include <vector>

namespace chasqui {

// The entries of a journal. Everything here may throw `sqlite_error`.

/// An entry as it was found.
struct found_entry {
  entry it;
  std::uint64_t sum = 0; ///< As it was written down; `is_sound` compares.
  bool is_sound = false;
};

/// The first entry of `lane` from `from` to `to`, if there is one.
std::optional<found_entry> first_entry(sqlite_database& database, const std::string& lane, seqno from,
                                       seqno to);

append_result append_entries(sqlite_database& database, const std::vector<append_item>& items);
log_slice read_entries(sqlite_database& database, take what);
fault import_entries(sqlite_database& database, const std::string& lane, const std::vector<entry>& entries);

/// Says that an entry is not as it was written.
fault damaged_entry(const std::string& lane, seqno seq);

} // namespace chasqui
