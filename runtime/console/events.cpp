#include "runtime/console/commands.hpp"
#include "runtime/console/mailbox.hpp"
#include "runtime/console/options.hpp"

#include <CLI/CLI.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <array>
#include <csignal>

#include <poll.h>
#include <sys/signalfd.h>

namespace chasqui {

namespace {

struct event_options {
  bool does_follow = false;
  std::uint64_t from = 0; ///< 0: not given.
  std::vector<std::string> kinds;
  std::string lane;
  uuid transaction;
};

/// What the subscriber hears: events, or that there will be no more.
struct news {
  std::vector<event> events;
  std::optional<refusal> end;
};

using news_box = mailbox<news>;

subscriber_actor::behavior_type subscriber(subscriber_actor::pointer self, const gatekeeper_actor& door,
                                           const std::shared_ptr<news_box>& box, std::uint64_t from) {
  self->set_down_handler([box](const caf::down_msg& down) { box->push({{}, to_refusal(down.reason)}); });
  self->monitor(door);
  self->send(door, subscriber_actor{self}, subscribe{1000, from});
  return {[box](event_batch& b) { box->push({std::move(b.events), std::nullopt}); }};
}

/// SIGINT and SIGTERM as something to poll. To be made before there are other threads.
class stop_signals {
public:
  stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    fd_ = signalfd(-1, &set, SFD_CLOEXEC);
  }
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;
  ~stop_signals() { close(fd_); }

  [[nodiscard]] int fd() const { return fd_; }

private:
  int fd_ = -1;
};

/// Prints what came, and lets more come; false when nobody reads it any more.
bool print_news(const console& c, const subscriber_actor& self, const gatekeeper_actor& door, news_box& box,
                const event_filter& only) {
  for (const auto& item : box.drain()) {
    if (item.end)
      throw stop{unreachable, item.end->why.message};
    std::string text;
    for (const auto& e : item.events)
      if (matches(e, only))
        text += event_line(e, c.form);
    if (!write_out(text))
      return false;
    if (!item.events.empty())
      caf::anon_send(door, self, acknowledge{item.events.back().number});
  }
  return true;
}

void follow(console& c, const subscriber_actor& self, const stop_signals& signals, news_box& box,
            const event_filter& only) {
  constexpr int quiet_ms = 5000;
  constexpr short nothing_but_errors = 0;
  const auto door = c.connected().gatekeeper();
  for (;;) {
    std::array<pollfd, 3> waiting{pollfd{box.fd(), POLLIN, 0}, pollfd{signals.fd(), POLLIN, 0},
                                  pollfd{STDOUT_FILENO, nothing_but_errors, 0}};
    const auto ready = poll(waiting.data(), waiting.size(), quiet_ms);
    // A link that swallows everything looks like a quiet night, unless one asks.
    if (ready == 0)
      c.ask<status_report>(get_report{});
    if (ready <= 0)
      continue;
    if (waiting[1].revents != 0 || waiting[2].revents != 0)
      return;
    if (!print_news(c, self, door, box, only))
      return;
  }
}

/// Where a transaction stands, so that events about its number can be told from others.
event_filter filter_of(console& c, const event_options& o) {
  event_filter only{{}, o.lane, 0, o.transaction};
  for (const auto& kind : o.kinds)
    only.kinds.push_back(*parse_event_kind(kind));
  if (o.transaction.is_nil())
    return only;
  const auto found = c.connected().ask<life>(find{o.transaction}, console::answer_timeout);
  if (const auto* where = std::get_if<life>(&found)) {
    only.lane = where->lane;
    only.seq = where->seq;
  } else {
    say("the log no longer has this transaction: only events that name it are shown");
  }
  return only;
}

int print_past(console& c, std::uint64_t from, const event_filter& only) {
  list_events question{std::max(from, from_the_oldest), 1000, only};
  for (std::uint64_t last = UINT64_MAX; question.from <= last;) {
    const auto past = c.ask<past_events>(question);
    if (last == UINT64_MAX)
      last = past.last; // What happens meanwhile is not waited for.
    std::string text;
    for (const auto& e : past.events)
      if (e.number <= last)
        text += event_line(e, c.form);
    if (!write_out(text))
      return failed;
    question.from = past.next;
  }
  return done;
}

int follow_from(console& c, std::uint64_t from, const stop_signals& signals, const event_filter& only) {
  auto box = std::make_shared<news_box>();
  auto& client = c.connected();
  const auto self = client.system().spawn(subscriber, client.gatekeeper(), box, from);
  struct goodbye {
    const subscriber_actor& to;
    ~goodbye() { caf::anon_send_exit(to, caf::exit_reason::user_shutdown); }
  } const at_end{self};
  follow(c, self, signals, *box, only);
  return done;
}

int events(console& c, const event_options& o) {
  std::optional<stop_signals> signals;
  if (o.does_follow)
    signals.emplace();
  c.ask<status_report>(get_report{}); // A subscription has no answer that could say "forbidden".
  const auto only = filter_of(c, o);
  if (!write_out(event_header(c.form)))
    return done;
  return o.does_follow ? follow_from(c, o.from, *signals, only) : print_past(c, o.from, only);
}

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (int kind = 0; kind <= static_cast<int>(event_kind::gap); ++kind)
    names.emplace_back(to_string(static_cast<event_kind>(kind)));
  return names;
}

} // namespace

void add_events(CLI::App& app, console& c, action& run) {
  auto o = std::make_shared<event_options>();
  auto* const command = app.add_subcommand("events", "What has happened, and with -f what happens");
  command->add_flag("-f,--follow", o->does_follow, "Until interrupted; without --from, from now on");
  add_number(*command, "--from", o->from, "From this number on: the last one that was seen, plus 1");
  command->add_option("--kind", o->kinds, "Only events of this kind; may be repeated")
      ->type_name("KIND")
      ->check(CLI::IsMember(kind_names()));
  command->add_option("--lane", o->lane, "Only events of this lane");
  add_id(*command, "--txn", o->transaction);
  command->callback([&c, &run, o] { run = [&c, o] { return events(c, *o); }; });
}

} // namespace chasqui
