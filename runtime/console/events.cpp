#include "runtime/console/commands.hpp"
#include "runtime/console/mailbox.hpp"

#include <CLI/CLI.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <array>
#include <csignal>

#include <poll.h>
#include <sys/signalfd.h>

namespace chasqui {

namespace {

/// What the subscriber hears: events, or that there will be no more.
struct news {
  std::vector<event> events;
  std::optional<refusal> end;
};

using news_box = mailbox<news>;

subscriber_actor::behavior_type subscriber(subscriber_actor::pointer self, const gatekeeper_actor& door,
                                           const std::shared_ptr<news_box>& box) {
  self->set_down_handler([box](const caf::down_msg& down) { box->push({{}, to_refusal(down.reason)}); });
  self->monitor(door);
  self->send(door, subscriber_actor{self}, subscribe{});
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
bool print_news(const console& c, const subscriber_actor& self, const gatekeeper_actor& door, news_box& box) {
  for (const auto& item : box.drain()) {
    if (item.end)
      throw stop{unreachable, item.end->why.message};
    std::string text;
    for (const auto& e : item.events)
      text += event_line(e, c.form);
    if (!write_out(text))
      return false;
    if (!item.events.empty())
      caf::anon_send(door, self, acknowledge{item.events.back().number});
  }
  return true;
}

void follow(console& c, const subscriber_actor& self, const stop_signals& signals, news_box& box) {
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
    if (!print_news(c, self, door, box))
      return;
  }
}

int events(console& c, bool does_follow) {
  if (!does_follow) {
    say("events of the past are not kept; -f shows those to come");
    return done;
  }
  const stop_signals signals;
  c.ask<status_report>(get_report{}); // A subscription has no answer that could say "forbidden".
  auto box = std::make_shared<news_box>();
  auto& client = c.connected();
  const auto self = client.system().spawn(subscriber, client.gatekeeper(), box);
  struct goodbye {
    const subscriber_actor& to;
    ~goodbye() { caf::anon_send_exit(to, caf::exit_reason::user_shutdown); }
  } const at_end{self};
  if (write_out(event_header(c.form)))
    follow(c, self, signals, *box);
  return done;
}

} // namespace

void add_events(CLI::App& app, console& c, action& run) {
  auto does_follow = std::make_shared<bool>(false);
  auto* const command = app.add_subcommand("events", "What happens, as it happens");
  command->add_flag("-f,--follow", *does_follow, "Until interrupted");
  command->callback([&c, &run, does_follow] { run = [&c, does_follow] { return events(c, *does_follow); }; });
}

} // namespace chasqui
