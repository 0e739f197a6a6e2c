#pragma once

#include "adapters/ports/log_store.hpp"
#include "adapters/sqlite.hpp"

#include <string>
#include <string_view>

namespace chasqui {

// The index of a journal: a row for each term of each entry. Everything here may throw `sqlite_error`.

/// Puts an entry into the index, or takes it out.
void index_entry(sqlite_database& database, const std::string& lane, seqno seq, std::string_view payload);
void forget_entry(sqlite_database& database, const std::string& lane, seqno seq, std::string_view payload);

/// Takes the entries of `lane` from `from` to `to` out of the index.
void forget_entries(sqlite_database& database, const std::string& lane, seqno from, seqno to);

lookup_page look_up_entries(sqlite_database& database, const chasqui::look_up& what);

} // namespace chasqui
