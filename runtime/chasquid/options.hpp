#pragma once

#include <map>
#include <optional>
#include <string>

namespace chasqui {

/// What the command line of `chasquid` asks for.
struct daemon_options {
  std::string config;
  std::map<std::string, std::string> overrides; ///< `table.key` → text.
  bool check_config = false;
  bool print_primary_sql = false;
  bool json_log = false;
};

/// Reads the command line. Nothing when the process should end at once, with `exit_code`: help, version, or
/// bad usage.
std::optional<daemon_options> parse_options(int argc, char** argv, int& exit_code);

} // namespace chasqui
