#pragma once

#include "messages/identity.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace chasqui::test {

/// A program that a test started. It dies with the thread that started it, at the latest, or with this
/// object.
class child_process {
public:
  struct options {
    std::string output; ///< File that takes stdout and stderr, appended; "" for /dev/null.
    std::string folder; ///< Where it runs; "" for here.
  };

  /// Starts `argv[0]`, looked up in PATH. Throws `std::system_error` if there is no such program.
  explicit child_process(const std::vector<std::string>& argv, const options& how);
  explicit child_process(const std::vector<std::string>& argv) : child_process{argv, options{}} {}
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;
  ~child_process(); ///< Kills it, if it still runs.

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  /// Sends a signal; does nothing once it has ended.
  void signal(int number);

  /// True while it runs (or is stopped).
  [[nodiscard]] bool running();

  /// Its exit code, or 128 + the signal that ended it; nothing if it still runs at the deadline.
  std::optional<int> wait(time_point deadline);

  /// SIGKILL, and waits until it is gone.
  void kill_and_wait();

private:
  void reap(bool blocking);

  pid_t pid_ = -1;
  std::optional<int> ended_;
};

} // namespace chasqui::test
