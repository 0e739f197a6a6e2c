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
  sent,        ///< ... were taken to be sent, for the first time since this runtime started.
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
  lag,         ///< The replica's lag is of another class: `current`, `behind`, `far_behind` or `unknown`.
  supervision, ///< An actor was restarted, or the runtime stops.
  preflight,   ///< A transaction was taken that the primary will refuse, by the schema known here.
  gap,         ///< The events numbered `from_seq..to_seq` cannot be told: they are not in the history.
};

std::string_view to_string(event_kind kind);

/// The kind of that name, if there is one.
std::optional<event_kind> parse_event_kind(std::string_view name);

/// Something happened. The notifier gives it its number. Numbers of a site only grow: within one run of the
/// runtime they follow each other, and the next run begins with a greater one. A number that is passed over
/// without a `gap` was never given.
struct event {
  std::uint64_t number = 0; ///< gap: the last one that is missing.
  instant at;
  event_kind kind = event_kind::supervision;
  std::string lane;
  seqno from_seq = 0;
  seqno to_seq = 0;
  uuid id;            ///< rejected, parked, settled, missing, preflight: the transaction.
  std::string detail; ///< A phrase for people.
};

/// Numbers that `subscribe::from` has a meaning of its own for.
inline constexpr std::uint64_t from_now_on = 0;
inline constexpr std::uint64_t from_the_oldest = 1; ///< All that the history has, without a gap before it.
inline constexpr std::uint64_t from_this_run = UINT64_MAX; ///< Since the runtime started.

/// Asks for events; who is named beside it is the subscriber, and gets `event_batch`.
struct subscribe {
  std::uint64_t backlog_max = 1000; ///< Events that may be under way to it; the others come from the history.
  std::uint64_t from = from_now_on; ///< The first number wanted: the last one seen, plus 1.
};

/// The subscriber has dealt with everything up to `number`.
struct acknowledge {
  std::uint64_t number = 0;
};

/// Events in order of their numbers.
struct event_batch {
  std::vector<event> events;
};

/// Which events of the past are meant; what is empty, 0 or nil asks for nothing.
struct event_filter {
  std::vector<event_kind> kinds; ///< One of these.
  std::string lane;
  seqno seq = 0; ///< About this entry of `lane`, or about `id`.
  uuid id;
};

/// Whether the event is one of these. Gaps always are.
bool matches(const event& e, const event_filter& wanted);

/// Asks for events of the past.
struct list_events {
  std::uint64_t from = from_the_oldest;
  std::uint64_t events_max = 1000; ///< In one answer; a thousand at most.
  event_filter only;
};

/// Events of the past, as far as one answer goes. Ask again from `next` on, until that is beyond `last`.
struct past_events {
  std::vector<event> events; ///< With the gaps between them.
  std::uint64_t next = 0;
  std::uint64_t last = 0; ///< The last number that was given when it was asked.
};

template <class I> auto inspect(I& f, event& x) {
  return f(x.number, x.at, x.kind, x.lane, x.from_seq, x.to_seq, x.id, x.detail);
}
template <class I> auto inspect(I& f, subscribe& x) { return f(x.backlog_max, x.from); }
template <class I> auto inspect(I& f, acknowledge& x) { return f(x.number); }
template <class I> auto inspect(I& f, event_batch& x) { return f(x.events); }
template <class I> auto inspect(I& f, event_filter& x) { return f(x.kinds, x.lane, x.seq, x.id); }
template <class I> auto inspect(I& f, list_events& x) { return f(x.from, x.events_max, x.only); }
template <class I> auto inspect(I& f, past_events& x) { return f(x.events, x.next, x.last); }

} // namespace chasqui
