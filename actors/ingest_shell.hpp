#pragma once

// What the parts of ingest's shell share.

#include "actors/ingest.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace chasqui::ingest_parts {

using self_pointer = ingest_shell::stateful_pointer<ingest_state>;
constexpr std::chrono::seconds local_timeout{5};

/// Puts a submission into the line of those whose rows are looked at (actors/ingest_line.cpp).
void line_up(self_pointer self, std::uint64_t arrival, row_candidate c);

/// Time has passed for those in the line and with the buffer.
void on_tick(self_pointer self);

/// Tells whoever listens what speaks against an entry that is kept all the same.
void warn(self_pointer self, const append& kept, const fault& doubt);

/// Who submits an id again gets the first receipt, whatever the schema is by now.
void refuse(self_pointer self, std::uint64_t arrival, append kept, const fault& doubt);

/// What those are told for whom there is no room.
fault crowded();

inline void quit_if_idle(self_pointer self) {
  if (self->state.stopping && self->state.handed_on.empty())
    self->quit(caf::exit_reason::user_shutdown);
}

/// Whoever is not there any more was answered when ingest left.
inline std::optional<caf::typed_response_promise<receipt>> take_promise(ingest_state& s,
                                                                        std::uint64_t arrival) {
  auto found = s.waiting.extract(arrival);
  if (found.empty())
    return std::nullopt;
  return std::move(found.mapped());
}

inline void answer(ingest_state& s, std::uint64_t arrival, const caf::error& problem) {
  if (auto promise = take_promise(s, arrival))
    promise->deliver(problem);
}

inline void answer(ingest_state& s, std::uint64_t arrival, const fault& problem) {
  answer(s, arrival, to_error(problem));
}

} // namespace chasqui::ingest_parts
