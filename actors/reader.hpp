#pragma once

#include "actors/reader_core.hpp"
#include "actors/row_glance.hpp"
#include "actors/shell.hpp"
#include "adapters/ports/row_source.hpp"
#include "messages/interfaces.hpp"

#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace chasqui {

/// How much the reader does at once.
struct reader_policy {
  reader_limits limits;
  std::size_t reads_max = 4;                        ///< Under way, each with a connection to the replica.
  std::size_t waiting_max = 1000;                   ///< Beyond them; more are refused.
  std::chrono::milliseconds timeout_max{60'000};    ///< Of one read.
  std::chrono::milliseconds replica_patience{2000}; ///< Then it counts as away.
};

/// One read under way.
struct read_under_way {
  read_under_way(read_rows what, std::vector<std::string> lanes, reader_limits limits, time_point until,
                 caf::typed_response_promise<found_rows> to)
      : core{std::move(what), std::move(lanes), limits}, deadline{until}, promise{std::move(to)} {}

  reading core;
  time_point deadline;
  caf::typed_response_promise<found_rows> promise;
  std::unique_ptr<row_snapshot> snapshot;
  std::vector<looked_up> found; ///< Of the lanes that have answered.
  std::size_t awaited = 0;      ///< Lanes that have not.
};

/// One glance under way.
struct glance_under_way {
  row_glance core;
  caf::typed_response_promise<glanced> promise;
  std::size_t awaited = 0; ///< Answers that have not come.
};

struct reader_state {
  static inline const char* name = "reader";
  reader_policy policy;
  std::shared_ptr<row_source> source;
  buffer_actor buffer;
  std::vector<std::string> lanes;
  std::set<std::shared_ptr<read_under_way>> running;
  std::deque<std::shared_ptr<read_under_way>> waiting;
  std::set<std::shared_ptr<glance_under_way>> glances; ///< As many as whoever asks has at once.
};

using reader_shell = with_shell<reader_actor>;

/// Reads rows of the replica with everything that is still buffered laid over them.
reader_shell::behavior_type reader(reader_shell::stateful_pointer<reader_state> self,
                                   std::shared_ptr<row_source> source, buffer_actor buffer,
                                   std::vector<std::string> lanes, reader_policy policy);

} // namespace chasqui
