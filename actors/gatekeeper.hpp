#pragma once

#include "actors/gatekeeper_core.hpp"
#include "messages/interfaces.hpp"

#include <optional>
#include <string>

namespace chasqui {

/// Whom the gatekeeper opens the door to.
struct gatekeeper_peers {
  ingest_actor ingest;
  buffer_actor buffer;
  lsn_watcher_actor watcher;
  notifier_actor notifier;
  supervisor_actor supervisor;
  reader_actor reader;
  catalogue_actor catalogue = {}; ///< May be null.
};

struct gatekeeper_state {
  static inline const char* name = "gatekeeper";
  std::optional<gatekeeper_core> core;
  gatekeeper_peers peers;
  std::string site;
  std::string version;
};

/// Lets sessions from outside do what `rights` grant, and hands their questions on.
gatekeeper_actor::behavior_type gatekeeper(gatekeeper_actor::stateful_pointer<gatekeeper_state> self,
                                           gatekeeper_peers peers, gatekeeper_core core, std::string site,
                                           std::string version);

} // namespace chasqui
