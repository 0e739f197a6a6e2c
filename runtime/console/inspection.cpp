#include "runtime/console/commands.hpp"
#include "runtime/console/options.hpp"
#include "runtime/version.hpp"

#include <CLI/CLI.hpp>
#include <caf/config.hpp>

namespace chasqui {

namespace {

document describe_versions() {
  constexpr auto major = CAF_VERSION / 10'000;
  constexpr auto minor = CAF_VERSION / 100 % 100;
  constexpr auto patch = CAF_VERSION % 100;
  const auto caf = std::to_string(major) + '.' + std::to_string(minor) + '.' + std::to_string(patch);
  const std::string ours{chasqui_version()};
  return {{{"schema_version", 1}, {"version", ours}, {"caf_version", caf}},
          std::nullopt,
          {{"", {}, {{"chasqui", ours}, {"CAF", caf}}}}};
}

} // namespace

void add_inspection(CLI::App& app, console& c, action& run) {
  app.add_subcommand("status", "The whole state on one page")->callback([&] {
    run = [&c] {
      c.print(describe(c.ask<status_report>(get_report{}), system_time()));
      return done;
    };
  });

  auto id = std::make_shared<uuid>();
  auto* const show = app.add_subcommand("show", "One transaction: how far it has come");
  add_id(*show, "id", *id);
  show->callback([&c, &run, id] {
    run = [&c, id] {
      c.print(describe(c.ask<life>(find{*id})));
      return done;
    };
  });

  app.add_subcommand("version", "Versions of this program and of what it stands on")->callback([&] {
    run = [&c] {
      c.print(describe_versions());
      return done;
    };
  });
}

} // namespace chasqui
