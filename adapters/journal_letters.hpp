#pragma once

#include "adapters/ports/log_store.hpp"
#include "adapters/sqlite.hpp"

namespace chasqui {

// The dead letters of a journal, and finding. Everything here may throw `sqlite_error`.

fault bury_entry(sqlite_database& database, const rejected& why);
log_place find_entry(sqlite_database& database, const uuid& id);
dead_page list_letters(sqlite_database& database, const list_dead& what);

} // namespace chasqui
