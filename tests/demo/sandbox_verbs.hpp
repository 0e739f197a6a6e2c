#pragma once

#include <string>

namespace chasqui::night {

/// The sandbox that the night is played in: `tests/sandbox/sandbox VERB --dir DIR`. What goes wrong is thrown
/// as `std::runtime_error` with what the script said.
class sandbox_verbs {
public:
  sandbox_verbs(std::string program, std::string dir);

  void cut() const { run("cut"); }
  void heal() const { run("heal"); }

  [[nodiscard]] const std::string& primary_dsn() const noexcept { return primary_dsn_; } ///< Past the link.
  [[nodiscard]] const std::string& replica_dsn() const noexcept { return replica_dsn_; }

private:
  std::string run(const std::string& verb) const;

  std::string program_;
  std::string dir_;
  std::string primary_dsn_;
  std::string replica_dsn_;
};

/// Pulls the fibre; it is put back by `heal`, or when this goes away.
class cut_link {
public:
  explicit cut_link(const sandbox_verbs& sandbox) : sandbox_{sandbox} { sandbox_.cut(); }
  cut_link(const cut_link&) = delete;
  cut_link& operator=(const cut_link&) = delete;
  ~cut_link();

  void heal();

private:
  const sandbox_verbs& sandbox_;
  bool healed_ = false;
};

} // namespace chasqui::night
