#pragma once

#include "actors/ingest_core.hpp"
#include "actors/moment.hpp"
#include "actors/row_line.hpp"
#include "actors/row_memory.hpp"
#include "actors/shell.hpp"
#include "messages/interfaces.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace chasqui {

/// What becomes of a transaction that the primary would refuse by the schema known here.
enum class preflight_mode : std::uint8_t { off, warn, enforce };

/// How ingest treats what it doubts.
struct ingest_policy {
  preflight_mode preflight = preflight_mode::off;
  preflight_mode rows = preflight_mode::off;     ///< The same for what rows decide.
  std::chrono::milliseconds confirm_timeout{50}; ///< For another look at the schema.
  std::chrono::milliseconds keep_timeout{5000};  ///< For the buffer's answer to who went through the line.
  std::uint64_t held_max = 10'000;               ///< Submissions that wait for a look, at it or at rows.
  std::size_t group_max = 500;                   ///< Of one lane, handed to the buffer as one message.
  row_line_limits line;
  std::size_t rows_known_max = 10'000;       ///< Parents that need not be looked for again,
  std::chrono::milliseconds known_for{1000}; ///< for so long.
};

/// Whom ingest talks to; `catalogue` may be null, and then no schema is ever known. `reader` is needed for
/// looks at rows alone.
struct ingest_peers {
  buffer_actor buffer;
  notifier_actor notifier;
  catalogue_actor catalogue;
  reader_actor reader;
};

/// A submission in the line, and then with the buffer.
struct row_candidate {
  append kept;
  bool may_be_repeated = false; ///< It came with an id.
  submission_rows rows;
  std::uint64_t judged_by = 0; ///< The number of the schema that the questions come from.

  caf::typed_response_promise<receipt> promise = {}; ///< Of one that the buffer has.
};

/// Submissions of one lane that left the line together and are with the buffer.
struct handed_group {
  std::vector<std::shared_ptr<row_candidate>> all;
  std::uint64_t since = 0; ///< The version of the memory when they left.
  time_point deadline;     ///< Until when they wait for the buffer.
};

struct ingest_state {
  static inline const char* name = "ingest";
  std::optional<ingest_core> core;
  ingest_peers peers;
  ingest_policy policy;
  wall_clock wall;
  std::random_device random; ///< Ids must not collide between sites, so no seeded generator.
  bool confirming = false;   ///< The schema is being looked at; what comes meanwhile is held, in order.
  std::uint64_t arrivals = 0;
  std::uint64_t confirmed = 0; ///< Submissions up to this one came before the last look at the schema began.
  std::deque<std::function<void()>> held;
  std::optional<row_line> line;
  std::map<std::uint64_t, std::shared_ptr<row_candidate>> in_line; ///< By arrival.
  std::uint64_t groups = 0;                                        ///< That were handed on, ever.
  std::map<std::uint64_t, handed_group> handed_on;                 ///< By number, and so by deadline.
  std::optional<row_memory> rows;
  /// Everybody that ingest has to answer, whatever they wait for; by arrival.
  std::map<std::uint64_t, caf::typed_response_promise<receipt>> waiting;
  bool is_timed = false; ///< A tick is on its way for those in the line and with the buffer.
  bool stopping = false;
};

using ingest_shell = ingest_actor::extend<caf::reacts_to<schema_document>, caf::reacts_to<tick>>;

/// Checks transactions and hands the good ones to the buffer, which answers.
ingest_shell::behavior_type ingest(ingest_shell::stateful_pointer<ingest_state> self, ingest_peers peers,
                                   wall_clock wall, ingest_core core, ingest_policy policy);

} // namespace chasqui
