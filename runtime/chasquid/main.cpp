#include "config/environment.hpp"
#include "config/primary_sql.hpp"
#include "config/settings.hpp"
#include "runtime/chasquid/daemon_log.hpp"
#include "runtime/chasquid/options.hpp"
#include "runtime/runtime.hpp"
#include "runtime/version.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <malloc.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace chasqui {

namespace {

constexpr int usage_error = 2;

/// Signals and the runtime's own end, as file descriptors to wait for.
class wake_ups {
public:
  wake_ups() {
    sigset_t set;
    sigemptyset(&set);
    for (const int s : {SIGTERM, SIGINT, SIGHUP})
      sigaddset(&set, s);
    pthread_sigmask(SIG_BLOCK, &set, nullptr); // Before any thread starts: they all inherit it.
    signals_ = signalfd(-1, &set, SFD_CLOEXEC);
    ended_ = eventfd(0, EFD_CLOEXEC);
  }
  wake_ups(const wake_ups&) = delete;
  wake_ups& operator=(const wake_ups&) = delete;
  ~wake_ups() {
    close(signals_);
    close(ended_);
  }

  void runtime_ended() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(ended_, &one, sizeof one);
  }

  /// The signal that came, or 0 when the runtime ended.
  [[nodiscard]] int wait() const {
    pollfd fds[] = {{signals_, POLLIN, 0}, {ended_, POLLIN, 0}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR) {
    }
    signalfd_siginfo info{};
    if ((fds[0].revents & POLLIN) != 0 && read(signals_, &info, sizeof info) == sizeof info)
      return static_cast<int>(info.ssi_signo);
    return 0;
  }

private:
  int signals_ = -1;
  int ended_ = -1;
};

settings_reading read(const daemon_options& o) {
  return read_settings_file(o.config, process_environment(), o.overrides);
}

bool complain_about(const settings_reading& reading) {
  for (const auto& e : reading.errors)
    std::cerr << to_string(e) << '\n';
  return !reading.errors.empty();
}

/// Nothing that actors hold can change under them yet; what SIGHUP can do is say whether a restart would
/// succeed.
void check_again(const daemon_options& o, daemon_log& log) {
  const auto reading = read(o);
  for (const auto& e : reading.errors)
    log.complain("the settings would not be accepted: " + to_string(e));
  if (reading.errors.empty())
    log.say("the settings are good; what changed in them takes effect with the next start");
}

int serve(const daemon_options& o, const settings& s, const wake_ups& wake) {
  daemon_log log{o.json_log};
  log.say("chasquid " + std::string{chasqui_version()} + " for site " + s.site);
  runtime site{s};
  site.subscribe([&log](const event& e) { log.record(e); }, from_this_run);
  site.when_ended([&wake](const fault&) { wake.runtime_ended(); });
  for (int signal = wake.wait(); signal != 0; signal = wake.wait()) {
    if (signal == SIGHUP) {
      check_again(o, log);
      continue;
    }
    log.say("stopping: finishing what is under way, for " + std::to_string(s.daemon.grace_ms.count()) +
            " ms at most");
    site.stop(s.daemon.grace_ms);
    log.say("stopped");
    return 0;
  }
  const auto why = site.ended().value_or(fault{});
  log.complain("stopped: " + why.message);
  return why ? 1 : 0;
}

} // namespace

} // namespace chasqui

int main(int argc, char** argv) {
  using namespace chasqui;
  // A burst leaves nothing behind: each arena keeps what its threads once needed, and more than this at its
  // end.
  mallopt(M_ARENA_MAX, 2);              // NOLINT(concurrency-mt-unsafe): there are no others yet.
  mallopt(M_TRIM_THRESHOLD, 128 << 10); // NOLINT(concurrency-mt-unsafe)
  int exit_code = 0;
  const auto options = parse_options(argc, argv, exit_code);
  if (!options)
    return exit_code;
  if (options->print_primary_sql) {
    std::cout << primary_sql();
    return 0;
  }
  const auto reading = read(*options);
  if (complain_about(reading))
    return usage_error;
  if (options->check_config) {
    std::cout << options->config << ": good\n";
    return 0;
  }
  const wake_ups wake;
  return serve(*options, reading.value, wake);
}
