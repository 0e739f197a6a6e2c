#include "runtime/console/commands.hpp"
#include "runtime/console/options.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <thread>

namespace chasqui {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds wait_slack{
    2000}; // The daemon says itself that time is up; this is for one that does not.
constexpr milliseconds retry_pause{100};

struct wait_options {
  bool ready = false;
  bool drained = false;
  bool replicated = false;
  uuid id;
  milliseconds timeout{30'000};
};

await question_of(const wait_options& o) {
  if (o.ready)
    return {condition::ready, {}, stage::replicated, o.timeout};
  if (o.drained)
    return {condition::drained, {}, stage::replicated, o.timeout};
  if (o.replicated)
    return {condition::replicated, {}, stage::replicated, o.timeout};
  return {condition::transaction, o.id, stage::replicated, o.timeout};
}

// Scripts start the daemon and wait for it in one breath, before its door is open.
void connect_patiently(console& c, steady_clock::time_point deadline) {
  for (;;) {
    try {
      c.connected();
      return;
    } catch (const stop& s) {
      if (s.code != unreachable || steady_clock::now() + retry_pause > deadline)
        throw;
      std::this_thread::sleep_for(retry_pause);
    }
  }
}

int wait(console& c, const wait_options& o) {
  auto question = question_of(o);
  const auto start = steady_clock::now();
  connect_patiently(c, start + (o.ready ? std::min(o.timeout, console::answer_timeout) : milliseconds{0}));
  const auto spent = std::chrono::duration_cast<milliseconds>(steady_clock::now() - start);
  question.timeout = std::max(o.timeout - spent, milliseconds{1});
  const auto answer = c.ask<reached>(question, question.timeout + wait_slack);
  c.print(describe(answer));
  if (const auto end = error_of_end(answer.stage, o.id); end && answer.what == condition::transaction) {
    say(end->message);
    return failed;
  }
  return done;
}

} // namespace

void add_wait(CLI::App& app, console& c, action& run) {
  auto o = std::make_shared<wait_options>();
  auto* const command = app.add_subcommand("wait", "Waits until something holds");
  auto* const what = command->add_option_group("what");
  what->add_flag("--ready", o->ready, "Submissions are kept");
  what->add_flag("--drained", o->drained, "All that is in the log now is committed");
  what->add_flag("--replicated", o->replicated, "All that is in the log now is on the replica");
  add_id(*what, "--txn", o->id);
  what->require_option(1);
  add_timeout(*command, o->timeout, "How long at most");
  command->callback([&c, &run, o] { run = [&c, o] { return wait(c, *o); }; });
}

} // namespace chasqui
