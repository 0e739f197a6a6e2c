#pragma once

#include "adapters/ports/log_store.hpp"
#include "adapters/sqlite.hpp"

namespace chasqui {

// What operators have decided about the dead letters of a journal. Everything here may throw `sqlite_error`.

fault settle_letters(sqlite_database& database, const resolved& what);
decisions_page list_decided(sqlite_database& database, const list_decisions& what);

} // namespace chasqui
