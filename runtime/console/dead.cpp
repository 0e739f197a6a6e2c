#include "runtime/console/commands.hpp"
#include "runtime/console/options.hpp"

#include <CLI/CLI.hpp>

namespace chasqui {

namespace {

constexpr std::uint64_t listed_max = 10'000; // One message carries them all.

int list(console& c, std::uint64_t limit) {
  const auto listed = c.ask<dead_letters>(list_dead{{}, limit});
  c.print(describe(listed));
  if (listed.letters.size() < listed.total)
    say("the oldest " + std::to_string(listed.letters.size()) + " of " + std::to_string(listed.total) +
        "; --limit shows more");
  return done;
}

int show(console& c, const uuid& id) {
  const auto listed = c.ask<dead_letters>(list_dead{id, 1});
  if (listed.letters.empty())
    throw stop{failed, "not_found: there is no dead letter " + to_string(id)};
  c.print(describe(listed.letters.front()));
  return done;
}

} // namespace

void add_dead(CLI::App& app, console& c, action& run) {
  auto* const dead = app.add_subcommand("dead", "Dead letters: what the primary refused for good");
  dead->require_subcommand(1);

  auto limit = std::make_shared<std::uint64_t>(100);
  auto* const lists = dead->add_subcommand("list", "The oldest, and why");
  lists->add_option("--limit", *limit, "How many at most")
      ->check(CLI::Range(std::uint64_t{1}, listed_max))
      ->capture_default_str();
  lists->callback([&c, &run, limit] { run = [&c, limit] { return list(c, *limit); }; });

  auto id = std::make_shared<uuid>();
  auto* const shows = dead->add_subcommand("show", "One, with the transaction");
  add_id(*shows, "id", *id);
  shows->callback([&c, &run, id] { run = [&c, id] { return show(c, *id); }; });
}

} // namespace chasqui
