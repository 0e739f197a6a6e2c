#pragma once

#include "messages/identity.hpp"
#include "messages/log.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

/// What the way to the primary is doing.
enum class link_phase : std::uint8_t { connecting, streaming, backing_off, paused, fenced, diverged };

std::string_view to_string(link_phase phase);

/// The phase of that name, if there is one.
std::optional<link_phase> parse_link_phase(std::string_view name);

/// The way to the primary, and why it is as it is.
struct link_status {
  link_phase phase = link_phase::connecting;
  instant since;
  std::uint32_t attempt = 0; ///< Attempts since the link last worked.
  instant next_try_at;       ///< Never, unless backing off.
  std::string reason;
};

/// How far one lane has come: marks are the last seq that has passed each stage.
struct lane_status {
  std::string lane;
  epoch_no epoch = 0;
  seqno head = 0;
  seqno sent = 0;
  seqno committed = 0;
  seqno replicated = 0;
  seqno released = 0;
  double oldest_age_s = 0; ///< Age of the oldest entry that is not replicated, seconds; 0 when there is none.
};

/// Where entries are kept, and what that is worth.
struct store_status {
  store_kind kind = store_kind::redis;
  chasqui::durability durability = durability::buffered;
  std::string state; ///< `open`, `opening` or `unavailable: why`.
};

/// What the buffer knows.
struct log_report {
  std::vector<lane_status> lanes;
  store_status store;
  std::uint64_t dead_letters = 0;
  std::uint64_t missing = 0; ///< Entries that the store lost, since this runtime started.
};

/// What the replica says of itself.
struct replica_status {
  std::string
      state; ///< `streaming`, `waiting` (no WAL comes), `disagrees: why`, `unreachable: why`, `unknown`.
  std::uint64_t lag_bytes = 0; ///< Flushed on the primary, as far as we know, and not replayed.
  double lag_s = 0;            ///< Age of the oldest commit that is not replayed, seconds.
  lsn receive_lsn;
  lsn replay_lsn;
  std::uint32_t timeline = 0;
};

/// What is known of the primary's schema, and since when.
struct catalogue_status {
  std::string state = "off"; ///< `current`, `kept: why it is not current`, `unknown: why`, or `off`.
  std::uint64_t tables = 0;
  instant read_at;      ///< When the replica was first seen to have it.
  instant confirmed_at; ///< When it last was, in this run.
};

/// One actor, as its supervisor sees it.
struct actor_status {
  std::string name;
  std::string state;          ///< `running`, `stopped`, or the link phase of a forwarder.
  std::uint64_t restarts = 0; ///< For faults of ours and for faults of the link.
};

/// What the supervisor knows.
struct supervision_report {
  link_status link;
  std::vector<actor_status> actors;
};

/// The whole state on one page.
struct status_report {
  std::string site;
  std::string version;
  link_status link;
  log_report log;
  replica_status replica;
  std::vector<actor_status> actors;
  catalogue_status catalogue = {};
};

/// Asks an actor what it knows.
struct get_report {};

/// What an operator may do to the link.
enum class steering : std::uint8_t { pause, resume };

/// Steers the link.
struct steer {
  steering what = steering::pause;
  std::string reason; ///< Why, for those who find it paused.
};

template <class I> auto inspect(I& f, link_status& x) {
  return f(x.phase, x.since, x.attempt, x.next_try_at, x.reason);
}
template <class I> auto inspect(I& f, lane_status& x) {
  return f(x.lane, x.epoch, x.head, x.sent, x.committed, x.replicated, x.released, x.oldest_age_s);
}
template <class I> auto inspect(I& f, store_status& x) { return f(x.kind, x.durability, x.state); }
template <class I> auto inspect(I& f, log_report& x) {
  return f(x.lanes, x.store, x.dead_letters, x.missing);
}
template <class I> auto inspect(I& f, replica_status& x) {
  return f(x.state, x.lag_bytes, x.lag_s, x.receive_lsn, x.replay_lsn, x.timeline);
}
template <class I> auto inspect(I& f, catalogue_status& x) {
  return f(x.state, x.tables, x.read_at, x.confirmed_at);
}
template <class I> auto inspect(I& f, actor_status& x) { return f(x.name, x.state, x.restarts); }
template <class I> auto inspect(I& f, supervision_report& x) { return f(x.link, x.actors); }
template <class I> auto inspect(I& f, status_report& x) {
  return f(x.site, x.version, x.link, x.log, x.replica, x.actors, x.catalogue);
}
template <class I> auto inspect(I& f, get_report&) { return f(); }
template <class I> auto inspect(I& f, steer& x) { return f(x.what, x.reason); }

} // namespace chasqui
