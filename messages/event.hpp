#pragma once

#include "messages/identity.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

/// What an event is about.
enum class event_kind : std::uint8_t {
  buffered,    ///< Entries `from_seq..to_seq` of `lane` are kept.
  committed,   ///< ... are durable on the primary.
  replicated,  ///< ... are on the replica.
  released,    ///< ... are no longer owed.
  rejected,    ///< One of them is a dead letter.
  parked,      ///< One of them is parked behind a dead letter.
  settled,     ///< A dead letter is none any more: it was applied after all, or discarded.
  missing,     ///< One of them is lost: the store destroyed it before the primary had it.
  link,        ///< The link changed its phase.
  store,       ///< The store came, went or drifted.
  replica,     ///< The replica came, went or disagreed.
  supervision, ///< An actor was restarted, or the runtime stops.
  preflight,   ///< A transaction was taken that the primary will refuse, by the schema known here.
  gap,         ///< Events `from_seq..to_seq` were lost to a subscriber that was too slow.
};

std::string_view to_string(event_kind kind);

/// The kind of that name, if there is one.
std::optional<event_kind> parse_event_kind(std::string_view name);

/// Something happened. The notifier gives it its number.
struct event {
  std::uint64_t number = 0; ///< Contiguous from 1 in one run of the runtime.
  instant at;
  event_kind kind = event_kind::supervision;
  std::string lane;
  seqno from_seq = 0;
  seqno to_seq = 0;
  uuid id;            ///< rejected, parked, settled, missing, preflight: the transaction.
  std::string detail; ///< A phrase for people.
};

/// Asks for events from now on; the sender is the subscriber and gets `event_batch`.
struct subscribe {
  std::uint64_t backlog_max = 1000; ///< Events that may be under way to this subscriber before it loses some.
};

/// The subscriber has dealt with everything up to `number`.
struct acknowledge {
  std::uint64_t number = 0;
};

/// Events in order of their numbers.
struct event_batch {
  std::vector<event> events;
};

template <class I> auto inspect(I& f, event& x) {
  return f(x.number, x.at, x.kind, x.lane, x.from_seq, x.to_seq, x.id, x.detail);
}
template <class I> auto inspect(I& f, subscribe& x) { return f(x.backlog_max); }
template <class I> auto inspect(I& f, acknowledge& x) { return f(x.number); }
template <class I> auto inspect(I& f, event_batch& x) { return f(x.events); }

} // namespace chasqui
