#include "runtime/chasquid/options.hpp"

#include "runtime/version.hpp"

#include <CLI/CLI.hpp>

#include <vector>

namespace chasqui {

std::optional<daemon_options> parse_options(int argc, char** argv, int& exit_code) {
  daemon_options out;
  std::vector<std::string> sets;
  std::string log_form = "text";
  CLI::App app{"Keeps an observatory's transactions and carries them to the primary database."};
  app.set_version_flag("--version", std::string{chasqui_version()});
  app.add_option("--config", out.config, "Settings, in TOML")->envname("CHASQUI_CONFIG");
  app.add_option("--set", sets, "Overrides one setting, as table.key=value; may be repeated");
  app.add_flag("--check-config", out.check_config, "Says what is wrong with the settings, and ends");
  app.add_flag("--print-primary-sql", out.print_primary_sql,
               "Prints the SQL that the primary needs, and ends");
  app.add_option("--log", log_form, "Form of the log on stderr")->check(CLI::IsMember({"text", "json"}));
  try {
    app.parse(argc, argv);
    for (const auto& set : sets) {
      const auto equals = set.find('=');
      if (equals == std::string::npos)
        throw CLI::ValidationError("--set", "'" + set + "' is not of the form table.key=value");
      out.overrides[set.substr(0, equals)] = set.substr(equals + 1);
    }
    if (!out.print_primary_sql && out.config.empty())
      throw CLI::RequiredError("--config");
  } catch (const CLI::ParseError& e) {
    exit_code = app.exit(e) == 0 ? 0 : 2;
    return std::nullopt;
  }
  out.json_log = log_form == "json";
  return out;
}

} // namespace chasqui
