#include "messages/json.hpp"
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

dead_letter letter_of(console& c, const uuid& id) {
  auto listed = c.ask<dead_letters>(list_dead{id, 1});
  if (listed.letters.empty())
    throw stop{failed, "not_found: there is no dead letter " + to_string(id)};
  return std::move(listed.letters.front());
}

/// The transactions alone, as they were submitted, digit for digit: what `chasqui submit` takes.
int export_letters(console& c, const uuid& only) {
  const auto listed = c.ask<dead_letters>(list_dead{only, listed_max});
  std::string lines;
  for (const auto& letter : listed.letters)
    lines += letter.payload + '\n';
  if (!write_out(lines))
    return failed;
  if (!only.is_nil() && listed.letters.empty())
    throw stop{failed, "not_found: there is no dead letter " + to_string(only)};
  if (only.is_nil() && listed.letters.size() < listed.total)
    throw stop{failed, "only the oldest " + std::to_string(listed.letters.size()) + " of " +
                           std::to_string(listed.total) + " fit into one answer"};
  return done;
}

} // namespace

void add_dead(CLI::App& app, console& c, action& run) {
  auto* const dead = app.add_subcommand("dead", "Dead letters: what the primary refused for good");
  dead->require_subcommand(1);

  auto limit = std::make_shared<std::uint64_t>(100);
  const auto add_limit = [limit](CLI::App& command) {
    command.add_option("--limit", *limit, "How many at most")
        ->check(CLI::Range(std::uint64_t{1}, listed_max))
        ->capture_default_str();
  };
  auto* const lists = dead->add_subcommand("list", "The oldest, and why");
  add_limit(*lists);
  lists->callback([&c, &run, limit] { run = [&c, limit] { return list(c, *limit); }; });

  auto id = std::make_shared<uuid>();
  auto* const shows = dead->add_subcommand("show", "One, with the transaction");
  add_id(*shows, "id", *id);
  shows->callback([&c, &run, id] {
    run = [&c, id] {
      c.print(describe(letter_of(c, *id)));
      return done;
    };
  });

  auto* const exports = dead->add_subcommand("export", "Their transactions, one JSON line each");
  add_id(*exports, "--txn", *id);
  exports->callback([&c, &run, id] { run = [&c, id] { return export_letters(c, *id); }; });

  auto* const history = dead->add_subcommand("history", "What was decided about them, the newest first");
  add_limit(*history);
  history->callback([&c, &run, limit] {
    run = [&c, limit] {
      c.print(describe(c.ask<past_decisions>(list_decisions{*limit})));
      return done;
    };
  });

  add_decisions(*dead, c, run);
}

} // namespace chasqui
