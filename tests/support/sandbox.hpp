#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace chasqui::test {

/// A whole observatory and Cologne on loopback (`tests/sandbox/sandbox`), up as long as this lives, and no
/// longer than the test's process, however that ends. What goes wrong is thrown as std::runtime_error with
/// what the script said.
class sandbox {
public:
  /// `options` of the verb `up`, such as `{"--store", "journal", "--rtt", "0"}`.
  explicit sandbox(const std::vector<std::string>& options = {});
  sandbox(const sandbox&) = delete;
  sandbox& operator=(const sandbox&) = delete;
  ~sandbox() = default;

  void cut() { run("cut"); }
  void heal() { run("heal"); }
  void link(const std::vector<std::string>& changes) { run("link", changes); } ///< `{"latency_ms=150"}`
  [[nodiscard]] std::string link_state() const { return run("link"); }         ///< As JSON.
  void kill(const std::string& part) { run("kill", {part}); }                  ///< SIGKILL
  void stop(const std::string& part) { run("stop", {part}); }                  ///< SIGSTOP
  void cont(const std::string& part) { run("cont", {part}); }
  void start(const std::string& part) { run("start", {part}); }
  void promote() { run("promote"); }
  void rejoin() {
    run("rejoin");
  } ///< After a promote: the old primary's place is taken, and there is a replica.

  [[nodiscard]] const std::string& dir() const noexcept { return dir_; }
  [[nodiscard]] const std::string& settings_file() const noexcept { return settings_file_; }
  [[nodiscard]] const std::string& redis_socket() const noexcept { return redis_socket_; } ///< "" without.
  [[nodiscard]] const std::string& primary_dsn() const noexcept { return primary_dsn_; } ///< Across the link.
  [[nodiscard]] const std::string& direct_dsn() const noexcept {
    return direct_dsn_;
  } ///< Past it, superuser.
  [[nodiscard]] const std::string& replica_dsn() const noexcept { return replica_dsn_; }

private:
  std::string run(const std::string& verb, const std::vector<std::string>& rest = {}) const;

  struct guardian_stop {
    void operator()(std::FILE* guardian) const noexcept;
  };
  std::string dir_;
  std::unique_ptr<std::FILE, guardian_stop> guardian_; ///< Takes the sandbox down when its stdin ends.
  std::string settings_file_;
  std::string redis_socket_;
  std::string primary_dsn_;
  std::string direct_dsn_;
  std::string replica_dsn_;
};

} // namespace chasqui::test
