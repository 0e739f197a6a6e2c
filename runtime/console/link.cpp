#include "runtime/console/commands.hpp"

#include <CLI/CLI.hpp>

namespace chasqui {

namespace {

struct link_options {
  steering what = steering::pause;
  std::string reason;
  bool dry_run = false;
  bool yes = false;
};

int steer_link(console& c, const link_options& o) {
  const std::string verb = o.what == steering::pause ? "pause" : "resume";
  if (o.dry_run) {
    c.print(describe(c.ask<status_report>(get_report{}).link, system_time()));
    say("would " + verb + " the link; nothing was changed");
    return done;
  }
  if (!o.yes && !confirmed("Do you want to " + verb + " the link?"))
    throw stop{failed, "nothing was changed"};
  c.print(describe(c.ask<link_status>(steer{o.what, o.reason}), system_time()));
  return done;
}

void add_steering(CLI::App& link, const std::string& name, steering what, console& c, action& run) {
  auto o = std::make_shared<link_options>();
  o->what = what;
  auto* const command =
      link.add_subcommand(name, what == steering::pause ? "Sends nothing until resumed" : "Sends again");
  command->add_option("--reason", o->reason, "Why, for those who find it so")->type_name("TEXT");
  command->add_flag("--dry-run", o->dry_run, "Say what would happen, and change nothing");
  command->add_flag("--yes", o->yes, "Do not ask");
  command->callback([&c, &run, o] { run = [&c, o] { return steer_link(c, *o); }; });
}

} // namespace

void add_link(CLI::App& app, console& c, action& run) {
  auto* const link = app.add_subcommand("link", "Steers the link to the primary");
  link->require_subcommand(1);
  add_steering(*link, "pause", steering::pause, c, run);
  add_steering(*link, "resume", steering::resume, c, run);
}

} // namespace chasqui
