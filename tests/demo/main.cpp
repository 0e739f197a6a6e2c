#include "config/settings.hpp"
#include "tests/demo/account.hpp"
#include "tests/demo/fixture.hpp"
#include "tests/demo/play.hpp"
#include "tests/demo/sandbox_verbs.hpp"
#include "tests/demo/session.hpp"

#include <CLI/CLI.hpp>

#include <atomic>
#include <csignal>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

namespace chasqui::night {

namespace {

constexpr int not_clean = 1;
constexpr int usage_error = 2;
constexpr int was_interrupted = 130;

std::atomic<bool> stop_asked{false};
static_assert(std::atomic<bool>::is_always_lock_free); // A signal handler sets it.

struct options {
  std::string config;
  std::string sandbox_dir;
  std::string sandbox_program = "tests/sandbox/sandbox";
  std::string fixture = "tests/demo/night.json";
  std::string account_file;
  bool quick = false;
  programme how;
};

void declare(CLI::App& app, options& o) {
  app.add_option("--config", o.config, "Settings of the chasquid to play through")->required();
  app.add_option("--sandbox-dir", o.sandbox_dir, "Directory of the sandbox that it runs in")->required();
  app.add_option("--sandbox", o.sandbox_program, "The sandbox's program")->capture_default_str();
  app.add_option("--fixture", o.fixture, "The night to play")->capture_default_str();
  app.add_option("--account", o.account_file, "Write the account there, as JSON");
  app.add_flag("--quick", o.quick, "Shorter: as --pace 250 --before-s 10 --outage-s 10");
  app.add_option("--pace", o.how.pace, "Transactions a second, all control processes together [400]")
      ->check(CLI::Range(1.0, 100'000.0));
  app.add_option_function<long>(
         "--before-s", [&o](long s) { o.how.before = std::chrono::seconds{s}; },
         "Seconds with the link open [40]")
      ->check(CLI::Range(1, 86'400));
  app.add_option_function<long>(
         "--outage-s", [&o](long s) { o.how.outage = std::chrono::seconds{s}; },
         "Seconds with the link cut, at least [100]")
      ->check(CLI::Range(1, 86'400));
}

void settle_quick(const CLI::App& app, options& o) {
  const programme quick{250, std::chrono::seconds{10}, std::chrono::seconds{10}};
  if (!o.quick)
    return;
  if (app.count("--pace") == 0)
    o.how.pace = quick.pace;
  if (app.count("--before-s") == 0)
    o.how.before = quick.before;
  if (app.count("--outage-s") == 0)
    o.how.outage = quick.outage;
}

remote_target target(const std::string& config) {
  const auto reading = read_settings_file(config, {}, {});
  if (!reading.errors.empty())
    throw std::runtime_error{to_string(reading.errors.front())};
  const auto found = target_of(reading.value);
  if (const auto* problem = std::get_if<fault>(&found))
    throw std::runtime_error{config + ": " + problem->message};
  return std::get<remote_target>(found);
}

site_access access_to(const remote_target& where) {
  const auto watching = std::make_shared<session>(where);
  return {[where]() -> submitter {
            const auto mine = std::make_shared<session>(where);
            return [mine](const std::string& json) { return mine->submit(json); };
          },
          [watching] { return watching->status(); }};
}

void write(const std::string& file, const account& a) {
  std::ofstream out{file};
  out << to_json_text(a) << std::endl;
  if (!out)
    throw std::runtime_error{"cannot write " + file};
}

int play_night(const options& o) {
  const auto night = read_night(o.fixture);
  const sandbox_verbs sandbox{o.sandbox_program, o.sandbox_dir};
  play p{night, o.how, access_to(target(o.config)), sandbox, stop_asked};
  const auto a = p.run();
  print(std::cout, a);
  if (!o.account_file.empty())
    write(o.account_file, a);
  return a.clean() ? 0 : not_clean;
}

int main_of(int argc, char** argv) {
  CLI::App app{"Plays a night at an observatory through chasquid, with a cut of the link in the middle."};
  options o;
  declare(app, o);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : usage_error;
  }
  settle_quick(app, o);
  for (const int s : {SIGINT, SIGTERM})
    std::signal(s, [](int) { stop_asked = true; });
  try {
    return play_night(o);
  } catch (const interrupted&) {
    std::cerr << "\nchasqui-night: broken off; there is no account\n";
    return was_interrupted;
  } catch (const std::exception& e) {
    std::cerr << "\nchasqui-night: " << e.what() << '\n';
    return not_clean;
  }
}

} // namespace

} // namespace chasqui::night

int main(int argc, char** argv) { return chasqui::night::main_of(argc, argv); }
