// Decisions about dead letters.

#include "messages/json.hpp"
#include "runtime/console/commands.hpp"
#include "runtime/console/options.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

#include <pwd.h>
#include <unistd.h>

namespace chasqui {

namespace {

constexpr std::uint64_t family_max = 10'000;

struct decide_options {
  decision what;
  std::string file = "-";
  bool dry_run = false;
  bool yes = false;
};

std::string this_operator() {
  std::string host(256, '\0');
  gethostname(host.data(), host.size() - 1);
  const auto* const user = getpwuid(geteuid()); // NOLINT(concurrency-mt-unsafe): one thread.
  host.resize(host.find('\0'));
  return std::string{user != nullptr ? user->pw_name : "unknown"} + "@" + host;
}

std::string text_of_file(const std::string& name) {
  std::ifstream file;
  if (name != "-")
    file.open(name);
  if (name != "-" && !file)
    throw stop{usage, "cannot read " + name};
  auto& in = name == "-" ? std::cin : file;
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// The letter, and all that is parked behind it, directly or not, in the order in which it came.
dead_letters family_of(console& c, const uuid& id) {
  auto all = c.ask<dead_letters>(list_dead{{}, family_max});
  std::set<uuid> family{id};
  for (std::size_t before = 0; before != family.size();) {
    before = family.size();
    for (const auto& letter : all.letters)
      if (std::any_of(letter.why.behind.begin(), letter.why.behind.end(),
                      [&](const uuid& one) { return family.contains(one); }))
        family.insert(letter.why.id);
  }
  std::erase_if(all.letters, [&](const dead_letter& l) { return !family.contains(l.why.id); });
  return all;
}

std::string consequence(const decision& d, std::size_t others) {
  const auto rest = std::to_string(others) + " parked behind it";
  switch (d.action) {
  case letter_action::retry:
    return "try it again, and once it is applied the " + rest;
  case letter_action::edit:
    return "try it again as edited, and once it is applied the " + rest;
  case letter_action::discard:
    return d.family ? "discard it and the " + rest : "discard it and try the " + rest;
  }
  return "";
}

int decide(console& c, const decide_options& o) {
  auto what = o.what;
  what.made_by = this_operator();
  if (what.action == letter_action::edit)
    what.transaction = text_of_file(o.file);
  const auto listed = c.ask<dead_letters>(list_dead{what.letter, 1});
  if (listed.letters.empty())
    throw stop{failed, "not_found: there is no dead letter " + to_string(what.letter)};
  if (o.dry_run || !o.yes) {
    const auto family = family_of(c, what.letter);
    const auto others = family.letters.empty() ? 0 : family.letters.size() - 1;
    if (o.dry_run) {
      if (what.action == letter_action::edit)
        if (const auto read = decode_transaction(what.transaction, {}); std::holds_alternative<fault>(read))
          throw stop{failed, std::get<fault>(read).message};
      c.print(describe(dead_letters{family.letters, family.letters.size()}));
      say("would " + consequence(what, others) + "; nothing was changed");
      return done;
    }
    const bool reads_input = what.action == letter_action::edit && o.file == "-";
    if (!reads_input && !confirmed("This will " + consequence(what, others) + ". Go on?"))
      throw stop{failed, "nothing was changed"};
  }
  const auto kept = c.ask<receipt>(what);
  if (!write_out(receipt_line(kept)))
    return failed;
  say("decided; it takes effect when entry " + std::to_string(kept.seq) + " of lane " + kept.lane +
      " reaches the primary (`chasqui wait --txn " + to_string(kept.id) + "`, `chasqui dead history`)");
  return done;
}

std::shared_ptr<decide_options> add_decision(CLI::App& dead, const std::string& name, letter_action action,
                                             const std::string& description, CLI::App*& command) {
  auto o = std::make_shared<decide_options>();
  o->what.action = action;
  command = dead.add_subcommand(name, description);
  add_id(*command, "id", o->what.letter);
  command->add_option("--reason", o->what.reason, "Why, for the record")->type_name("TEXT");
  command->add_flag("--dry-run", o->dry_run, "Say what would happen, and change nothing");
  command->add_flag("--yes", o->yes, "Do not ask");
  return o;
}

} // namespace

void add_decisions(CLI::App& dead, console& c, action& run) {
  CLI::App* command = nullptr;
  const auto on_call = [&](const std::shared_ptr<decide_options>& o) {
    command->callback([&c, &run, o] { run = [&c, o] { return decide(c, *o); }; });
  };
  on_call(add_decision(dead, "retry", letter_action::retry, "Tries one again, and then its family", command));

  const auto edit =
      add_decision(dead, "edit", letter_action::edit, "Tries one again with other steps", command);
  command->add_option("file", edit->file, "The transaction as it shall be, JSON; - is standard input")
      ->capture_default_str();
  on_call(edit);

  const auto discard =
      add_decision(dead, "discard", letter_action::discard, "Gives one up, and tries its family", command);
  command->add_flag("--family", discard->what.family, "Give up all that is parked behind it, too");
  on_call(discard);
}

} // namespace chasqui
