#pragma once

#include "tests/soak/account.hpp"

#include <string>

namespace chasqui::soak {

/// Makes the table that the load writes. It has no key: a transaction that was applied twice has two rows.
void make_table(const std::string& dsn);

/// Looks at a server by SQL, at one moment. Throws `std::runtime_error` with the server's message.
server_view look_at(const std::string& dsn);

/// Numbers that the primary passed over: the log had nothing under them.
std::size_t passed_over_on(const std::string& dsn);

/// How often the daemon's log says that something is missing.
std::size_t missing_in(const std::string& log);

} // namespace chasqui::soak
