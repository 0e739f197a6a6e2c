#include "runtime/console/commands.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdlib>
#include <map>

namespace {

using namespace chasqui;

void add_common_options(CLI::App& app, console& c) {
  static const std::map<std::string, output_form> forms{{"table", output_form::table},
                                                        {"json", output_form::json},
                                                        {"ndjson", output_form::ndjson},
                                                        {"tsv", output_form::tsv}};
  app.add_option("--config", c.settings_path, "Settings file of the daemon")
      ->envname("CHASQUI_CONFIG")
      ->type_name("FILE");
  const auto read = [&c](const std::string& text) {
    const auto found = forms.find(text);
    if (found == forms.end())
      throw CLI::ValidationError("--output", "'" + text + "' is none of table, json, ndjson and tsv");
    c.form = found->second;
  };
  app.add_option_function<std::string>("-o,--output", read,
                                       "What to print: table, json, ndjson or tsv (submit: always ndjson)")
      ->type_name("FORM");
}

int run_command(const action& run) {
  try {
    return run();
  } catch (const stop& s) {
    say(s.message);
    return s.code;
  } catch (const std::exception& e) {
    say(std::string{"internal error: "} + e.what());
    return failed;
  }
}

} // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN); // NOLINT(cert-err33-c): a closed output is an error of `write`.
  CLI::App app{"Looks at Chasqui, submits to it and steers it.", "chasqui"};
  app.footer("Exit codes: 0 done, 1 refused or failed, 2 usage or settings, 3 the daemon cannot be reached, "
             "4 timed out.");
  app.require_subcommand(1);
  app.fallthrough();
  auto& c = *new console; // NOLINT(cppcoreguidelines-owning-memory): see below.
  action run;
  add_common_options(app, c);
  for (const auto add : {add_submit, add_inspection, add_read, add_wait, add_events, add_dead, add_link})
    add(app, c, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? done : usage;
  }
  // The session is left to the kernel: CAF 0.17.6 does not shut down before the daemon has taken all that was
  // sent to it, and one that hangs never does.
  std::_Exit(run_command(run));
}
