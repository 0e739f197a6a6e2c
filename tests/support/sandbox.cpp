#include "tests/support/sandbox.hpp"

#include "tests/support/child_process.hpp"
#include "tests/support/wait_until.hpp"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace chasqui::test {

namespace {

using namespace std::chrono_literals;

std::string script() {
  const char* dir =
      std::getenv("SANDBOX_SOURCE_DIR"); // NOLINT(concurrency-mt-unsafe): nobody sets it meanwhile.
  if (dir == nullptr) {
    throw std::runtime_error{"SANDBOX_SOURCE_DIR is not set: run the test through ctest"};
  }
  return std::string{dir} + "/tests/sandbox/sandbox";
}

/// Directly below /tmp, where the user `postgres` can reach it, too.
std::string unused_dir() {
  static std::atomic<int> made{0};
  return "/tmp/chasqui-test-" + std::to_string(getpid()) + "-" + std::to_string(++made);
}

std::string contents_of(const std::string& file) {
  std::ifstream stream{file};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

/// The guardian has a session of its own, so that what ends the test does not end it, too.
std::FILE* start_guardian(const std::string& dir) {
  const std::string command =
      "exec setsid sh -c 'cat >/dev/null; exec " + script() + " down --dir " + dir + "'";
  auto* guardian = popen(command.c_str(), "we");
  if (guardian == nullptr) {
    throw std::runtime_error{"cannot run " + command};
  }
  return guardian;
}

} // namespace

void sandbox::guardian_stop::operator()(std::FILE* guardian) const noexcept { pclose(guardian); }

sandbox::sandbox(const std::vector<std::string>& options)
    : dir_{unused_dir()}, guardian_{start_guardian(dir_)} {
  run("up", options);
  const auto env = nlohmann::json::parse(run("env"));
  settings_file_ = env.at("settings");
  primary_dsn_ = env.at("primary").at("dsn");
  direct_dsn_ = env.at("primary").at("direct_dsn");
  replica_dsn_ = env.at("replica").at("dsn");
  if (env.at("redis").is_object()) {
    redis_socket_ = env.at("redis").at("socket");
  }
}

std::string sandbox::run(const std::string& verb, const std::vector<std::string>& rest) const {
  const std::string said = dir_ + ".out";
  std::vector<std::string> command{script(), verb, "--dir", dir_};
  command.insert(command.end(), rest.begin(), rest.end());
  child_process::options how;
  how.output = said;
  child_process child{command, how};
  const auto status = child.wait(in(2 * long_enough));
  auto output = contents_of(said);
  std::filesystem::remove(said);
  if (status != 0) {
    throw std::runtime_error{"sandbox " + verb + " failed: " + output};
  }
  return output;
}

} // namespace chasqui::test
