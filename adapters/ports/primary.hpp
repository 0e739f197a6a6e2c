#pragma once

#include "adapters/ports/handler.hpp"
#include "messages/log.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace chasqui {

/// What a segment asks of the primary.
enum class segment_kind : std::uint8_t {
  apply,     ///< Advance the cursor and apply the entry; after an error neither has happened. Entries that
             ///< are sent together may share a transaction: then they share its error, too.
  attempt,   ///< The same, slower; but an entry that is wrong becomes a dead letter at once, and one that was
             ///< applied before is passed over, so that those behind it do not fail. The only way for entries
             ///< that stand alone, and for all while the lane has dead letters.
  realign,   ///< Move the cursor over numbers that the log has nothing for, durably.
  barrier,   ///< Make everything before it durable, then say up to where the WAL is flushed.
  heartbeat, ///< Answer.
};

/// Numbers that the log has nothing for any more.
struct jump {
  seqno from = 0; ///< Where the cursor stands.
  seqno to = 0;   ///< Where it shall stand.
  std::vector<uuid> suspects;
};

/// What is answered by itself. Tickets that follow each other are given to what is sent in a row.
struct segment {
  std::uint64_t ticket = 0; ///< Comes back with the answer; the next one's is greater by one.
  segment_kind kind = segment_kind::heartbeat;
  entry what;         ///< apply, attempt.
  jump over;          ///< realign.
  bool final = false; ///< attempt: what the entry depends on will not come any more.
};

/// What became of an entry that was attempted.
enum class entry_outcome : std::uint8_t {
  applied,
  skipped,  ///< It was applied, or discarded, before.
  rejected, ///< It is a dead letter.
  parked,   ///< It is put aside behind the dead letters that it depends on.
  waits,    ///< Nothing has happened: an entry that it depends on has not come.
  more      ///< A decision that is not carried out to the end: attempt it again.
};

/// The primary's answer to one segment; answers come in the order of the segments.
struct segment_answer {
  std::uint64_t ticket = 0;
  std::string sqlstate;                           ///< "" when it was carried out.
  std::string message;                            ///< What the primary said of the error.
  lsn flushed;                                    ///< barrier: the WAL is on disk up to here at least.
  std::uint32_t timeline = 0;                     ///< barrier.
  std::vector<uuid> missing;                      ///< realign: the suspects that never came.
  entry_outcome outcome = entry_outcome::applied; ///< attempt.
  std::string reject_sqlstate;                    ///< attempt, when rejected or parked: why.
  std::string reject_message;                     ///< attempt, when rejected or parked: why.
  std::vector<uuid> behind = {};                  ///< attempt, when parked: the dead letters it depends on.
  uuid waits_for = {};                            ///< attempt, when it waits: for this one.
  std::uint64_t letters = 0;                      ///< attempt: dead letters of the lane that are open now.
  std::vector<settled_letter> settled = {};       ///< attempt of a decision: what has become of dead letters.
};

/// A session with the primary is open, or `problem` says why not: `fenced` when a newer epoch owns the lane,
/// `diverged` when the chasqui schema is absent or of another version, else `link_lost`.
struct primary_opened {
  fault problem;
  seqno last_seq = 0;         ///< The cursor.
  uuid last_id;               ///< Whose number that is; nil is unknown.
  std::vector<rejected> dead; ///< Open dead letters of this lane with seq > the `dead_after` asked for.
  std::vector<resolved> decisions = {}; ///< And what decisions with such a seq have done.
  std::uint64_t letters = 0;            ///< Open dead letters of this lane in all.
};

/// What to open a session for.
struct primary_claim {
  std::string lane;
  epoch_no epoch = 0;
  seqno dead_after = 0;
  std::vector<std::string> passing; ///< SQLSTATEs, or how they begin, for which an attempt rejects nothing.
};

/// Segments that are given to a session together may be answered together, if they are not larger than this.
inline constexpr std::uint64_t segments_joined_bytes_max = 64U << 10U;

/// How far a connection itself has come with what it was given.
struct transmission {
  std::uint64_t acknowledged_bytes = 0; ///< By the other side's TCP, in all.
  std::uint64_t given_bytes = 0;        ///< To this machine's TCP, in all.
  bool waits = false;                   ///< There is more, that has not been given to it yet.
};

/// Hears from a session, on the I/O thread. Nothing is called after `lost`, nor after the session is
/// destroyed.
struct primary_listener {
  std::function<void(primary_opened)> opened;
  std::function<void(std::vector<segment_answer>)> answered; ///< All that arrived together.
  std::function<void(fault)> lost;                           ///< `link_lost`: the session is over.
  std::function<void(transmission)> moved = {};              ///< Answers `look`.
};

/// One connection to the primary, in pipeline mode. Destroying it closes the connection at once, without
/// waiting for anything, from any thread.
class primary_session {
public:
  primary_session() = default;
  primary_session(const primary_session&) = delete;
  primary_session& operator=(const primary_session&) = delete;
  virtual ~primary_session() = default;

  /// Queues segments; they leave in order, as fast as the connection takes them. Never blocks.
  virtual void send(std::vector<segment> segments) = 0;

  /// Asks how far the connection itself has come. One that cannot tell does not answer.
  virtual void look() {}
};

/// Where sessions come from.
class primary_port {
public:
  primary_port() = default;
  primary_port(const primary_port&) = delete;
  primary_port& operator=(const primary_port&) = delete;
  virtual ~primary_port() = default;

  /// Starts to connect, takes the epoch and reads the cursor; `opened` is called once, in any case.
  virtual std::unique_ptr<primary_session> open(primary_claim claim, primary_listener listener) = 0;

  /// Asks whether anything answers where the primary should be, without logging in: one small packet each
  /// way.
  virtual void ping(handler<fault> then) = 0;
};

} // namespace chasqui
