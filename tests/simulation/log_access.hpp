#pragma once

#include "adapters/ports/log_store.hpp"
#include "tests/simulation/checker.hpp"
#include "tests/simulation/lifetime.hpp"
#include "tests/simulation/log_server.hpp"
#include "tests/simulation/world.hpp"

#include <memory>
#include <vector>

namespace chasqui::simulation {

/// What became of the store's process.
enum class log_condition : std::uint8_t { running, down, hanging };

class log_connection;

/// All that happens between runtimes and a log store: connections that break, calls that hang.
class log_access {
public:
  log_access(world& w, checker& c, log_server& s) : world_{w}, checker_{c}, server_{s} {}

  /// The port of one runtime. A second store is a second `log_access` over a server of its own.
  std::shared_ptr<log_store> port_for(lifetime_ptr life, std::uint64_t group_entries_max);

  /// Stops, hangs or comes back. What hung is carried out, or not, when it goes on.
  void become(log_condition next);
  /// Crashes at the call number `calls` from now on, before or after it is carried out, and starts again a
  /// while later; 0 is not at all.
  void crash_in(std::uint64_t calls) { crash_in_ = calls; }
  [[nodiscard]] log_condition condition() const noexcept { return condition_; }
  [[nodiscard]] log_server& server() noexcept { return server_; }

private:
  friend class log_connection;
  friend class log_access_port;
  /// Whether this call is the one.
  bool crashes_now();

  world& world_;
  checker& checker_;
  log_server& server_;
  log_condition condition_ = log_condition::running;
  std::uint64_t crash_in_ = 0;
  std::vector<std::weak_ptr<log_connection>> connections_;
};

} // namespace chasqui::simulation
