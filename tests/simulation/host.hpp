#pragma once

#include "config/settings.hpp"
#include "runtime/topology.hpp"
#include "tests/simulation/actor_stage.hpp"
#include "tests/simulation/checker.hpp"
#include "tests/simulation/lifetime.hpp"
#include "tests/simulation/log_access.hpp"
#include "tests/simulation/primary_access.hpp"
#include "tests/simulation/replica_server.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace chasqui::simulation {

/// What the runtime meets.
struct surroundings {
  world& events;
  checker& account;
  log_access* redis;
  log_access* journal;
  std::size_t machine;
  primary_access& primary;
  replica_server& replica;
  std::uint64_t& lives; ///< So far, of all runtimes.
};

/// The observatory's computer: it runs the runtime, with the supervisor and the child table that the daemon
/// has. It can lose it at any moment and start it anew; nothing of one life is left in the next.
class host {
public:
  host(actor_stage& s, surroundings around, const settings& how, std::uint64_t seed);
  ~host() { kill(); }
  host(const host&) = delete;
  host& operator=(const host&) = delete;

  void start();
  /// Takes all actors away between two messages. Nobody is told anything.
  void kill();

  [[nodiscard]] bool is_running() const noexcept { return life_ != nullptr; }
  /// Why the runtime stopped by itself.
  [[nodiscard]] const std::optional<fault>& ended() const noexcept { return ended_; }

  /// Steps of the wall's clock so far.
  sim_time wall_offset{0};

  using receipts = std::function<void(receipt)>;
  using failures = std::function<void(fault)>;
  /// Submits, as a control process does. Nothing is called once the runtime was killed.
  void submit(std::string text, receipts then, failures otherwise);
  void wait_for(const await& what, std::function<void(reached)> then, failures otherwise);
  void steer(steering what);
  void ask_log(std::function<void(log_report)> then);

private:
  template <class Answer, class Handle, class Question>
  void ask(const Handle& whom, Question what, std::function<void(Answer)> then, failures otherwise);
  [[nodiscard]] wall_clock wall() const;

  actor_stage& stage_;
  surroundings around_;
  const settings& settings_;
  dice chance_;
  lifetime_ptr life_;
  std::shared_ptr<directory> actors_;
  std::shared_ptr<std::vector<caf::actor>> started_; ///< All actors of this life.
  caf::actor bridge_;
  supervisor_actor boss_;
  std::optional<fault> ended_;
};

} // namespace chasqui::simulation
