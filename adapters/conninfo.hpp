#pragma once

#include "messages/fault.hpp"

#include <string>

namespace chasqui {

/// Where a libpq connection string leads.
struct conninfo {
  fault problem;        ///< Set when libpq cannot read the string.
  std::string host;     ///< As given; a comma separates several. "" when only the address is known.
  std::string hostaddr; ///< As given, or `host` if that is a numeric address.
  std::string port;     ///< As given, or libpq's default.
  std::string user;     ///< The same.
  std::string dbname;   ///< The same; by default the user's name.
  std::string options;  ///< For the server, the same.

  /// `host` is a directory, or an abstract name, of unix sockets.
  [[nodiscard]] bool is_local() const;

  /// `host` is one name that has to be looked up.
  [[nodiscard]] bool needs_lookup() const;
};

/// Reads a connection string, keywords or URI, with libpq's defaults (`PGHOST`, `PGPORT` and so on).
conninfo parse_conninfo(const std::string& dsn);

} // namespace chasqui
