#pragma once

#include "actors/catalogue_core.hpp"
#include "actors/shell.hpp"
#include "messages/interfaces.hpp"

#include <caf/typed_response_promise.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace chasqui {

/// Where the schema comes from and is kept; `keeper` may be null.
struct catalogue_sources {
  std::shared_ptr<schema_source> source;
  std::shared_ptr<schema_keeper> keeper;
};

struct catalogue_state {
  using waiting = std::vector<caf::typed_response_promise<schema_document>>;

  static inline const char* name = "catalogue";
  std::optional<catalogue_core> core;
  catalogue_sources from;
  notifier_actor notifier;
  wall_clock wall;
  std::chrono::milliseconds poll{1000};
  schema_reader_actor reader;
  bool looking = false;
  waiting asked;             ///< Before the look that is under way.
  waiting asked_for_another; ///< Since.
};

using catalogue_shell = with_shell<catalogue_actor>;

/// Looks for changes of the schema every `poll`, and keeps what it has seen.
catalogue_shell::behavior_type catalogue_keeper(catalogue_shell::stateful_pointer<catalogue_state> self,
                                                catalogue_sources from, notifier_actor notifier,
                                                wall_clock wall, std::chrono::milliseconds poll,
                                                catalogue_core core);

} // namespace chasqui
