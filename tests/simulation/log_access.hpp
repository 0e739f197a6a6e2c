#pragma once

#include "adapters/ports/journal_store.hpp"
#include "adapters/ports/shared_store.hpp"
#include "tests/simulation/checker.hpp"
#include "tests/simulation/lifetime.hpp"
#include "tests/simulation/log_server.hpp"
#include "tests/simulation/world.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace chasqui::simulation {

/// What became of the store's process.
enum class log_condition : std::uint8_t { running, down, hanging };

class log_connection;

/// All that happens between runtimes and a log store: connections that break, calls that hang.
class log_access {
public:
  /// Of the stores that a runtime has, `first` says whose turn it is.
  log_access(world& w, checker& c, store_kind kind, const log_server* first = nullptr)
      : world_{w}, checker_{c}, server_{w, kind}, first_{first == nullptr ? server_ : *first} {}

  std::function<void()> crashed = [] {}; ///< Told when it crashes.

  /// The port of one runtime.
  std::shared_ptr<shared_store> port_for(lifetime_ptr life, std::uint64_t group_entries_max);
  /// The same of a journal.
  std::shared_ptr<journal_store> journal_for(lifetime_ptr life, std::uint64_t group_entries_max);

  /// Stops, hangs or comes back. What hung is carried out, or not, when it goes on.
  void become(log_condition next);
  /// Crashes at the call number `calls` from now on, before or after it is carried out, and starts again a
  /// while later; 0 is not at all.
  void crash_in(std::uint64_t calls) { crash_in_ = calls; }
  /// Who renews its lease sees soon that the store has forgotten it.
  void forget_owner();
  [[nodiscard]] log_condition condition() const noexcept { return condition_; }
  [[nodiscard]] log_server& server() noexcept { return server_; }
  [[nodiscard]] const log_server& server() const noexcept { return server_; }
  [[nodiscard]] const log_contents& holds() const noexcept { return server_.holds(); }

private:
  friend class log_connection;
  template <class Port> friend class log_access_port;
  /// Whether this call is the one.
  bool crashes_now();

  world& world_;
  checker& checker_;
  log_server server_;
  const log_server& first_;
  log_condition condition_ = log_condition::running;
  std::uint64_t crash_in_ = 0;
  std::vector<std::weak_ptr<log_connection>> connections_;
};

} // namespace chasqui::simulation
