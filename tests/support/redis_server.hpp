#pragma once

#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace chasqui::test {

/// A real redis-server of the test's own, on a unix socket in a directory of its own. It keeps everything
/// with `appendfsync always` unless told otherwise.
class redis_server {
public:
  using settings = std::vector<std::pair<std::string, std::string>>;

  /// Starts it, and waits until it answers. Later settings override earlier ones.
  explicit redis_server(settings overrides = {});

  [[nodiscard]] std::string socket() const { return dir_.file("redis.sock"); }

  void start(); ///< On the same directory, as it was left; waits until it answers.
  void kill();  ///< SIGKILL.
  void stop();  ///< SIGSTOP: accepts connections, and never answers.
  void cont();  ///< SIGCONT.
  void wipe();  ///< Kills it and starts it with nothing in it.

  /// Sends one command; the reply as text, elements of a list each followed by a line end. Throws
  /// `std::runtime_error` when it cannot be reached; an error reply is text.
  std::string command(const std::vector<std::string>& words) const;

  /// One figure of INFO, such as `used_memory`; "" if it has none of that name.
  [[nodiscard]] std::string info(const std::string& name) const;

private:
  [[nodiscard]] bool answers() const;

  temp_dir dir_;
  settings settings_;
  std::unique_ptr<child_process> process_;
};

} // namespace chasqui::test
