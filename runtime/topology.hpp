#pragma once

#include "actors/store_pair.hpp"
#include "actors/supervisor.hpp"
#include "adapters/io_thread.hpp"
#include "adapters/ports/event_history.hpp"
#include "adapters/ports/event_publisher.hpp"
#include "adapters/ports/primary.hpp"
#include "adapters/ports/replica.hpp"
#include "adapters/ports/row_source.hpp"
#include "adapters/ports/schema.hpp"
#include "config/settings.hpp"
#include "messages/interfaces.hpp"
#include "messages/transaction.hpp"

#include <caf/actor_system.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace chasqui {

/// The outside world, behind its ports.
struct outside_world {
  log_stores stores;
  std::shared_ptr<primary_port> primary;
  std::shared_ptr<replica_probe> replica;
  std::shared_ptr<row_source> rows;
  std::shared_ptr<event_publisher> publisher;
  std::shared_ptr<event_history> history;
  std::shared_ptr<schema_source> schema;      ///< Null: no preflight.
  std::shared_ptr<schema_keeper> kept_schema; ///< Null: it is forgotten at the end.
};

/// The adapters that the settings name.
outside_world open_outside_world(io_thread& io, const settings& s);

/// What a transaction may measure.
transaction_limits limits_of_transactions(const settings& s);

/// The actors that run now, by role. A restart replaces a handle.
class directory {
public:
  struct handles {
    notifier_actor notifier;
    buffer_actor buffer;
    lsn_watcher_actor watcher;
    catalogue_actor catalogue;
    ingest_actor ingest;
    reader_actor reader;
    gatekeeper_actor gatekeeper;
  };
  [[nodiscard]] handles now() const;
  template <class Handle> void put(Handle handles::*member, Handle value) {
    const std::lock_guard lock{mutex_};
    now_.*member = std::move(value);
  }
  void clear();

private:
  mutable std::mutex mutex_;
  handles now_;
};

/// Lets the gatekeeper be reached from outside, or says why not.
using publisher = std::function<fault(const gatekeeper_actor&)>;

/// The child table: who runs, in start order, and how each is made. Adding an actor is one row here.
std::vector<child_row> make_topology(caf::actor_system& system, const settings& s, const outside_world& world,
                                     std::shared_ptr<directory> actors, wall_clock wall, publisher publish);

/// The supervisor's bounds, from the settings.
supervision_policy make_supervision_policy(const settings& s);

} // namespace chasqui
