#pragma once

#include "messages/fault.hpp"
#include "messages/identity.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

/// What a receipt's entry survives: `fsynced` a power cut, `buffered` a crash of the process.
enum class durability : std::uint8_t { buffered, fsynced };

/// Where an entry was kept.
enum class store_kind : std::uint8_t { redis, journal };

/// How far a transaction has come.
enum class stage : std::uint8_t {
  buffered,
  sent,
  committed,
  replicated,
  released,
  rejected,
  parked,
  discarded
};

/// Whether a lane has a mark for it, which passes over every entry.
constexpr bool is_mark(stage s) {
  return s == stage::committed || s == stage::replicated || s == stage::released;
}

std::string_view to_string(durability value);
std::string_view to_string(store_kind value);
std::string_view to_string(stage value);

/// The value of that name, if there is one.
std::optional<durability> parse_durability(std::string_view name);
std::optional<store_kind> parse_store_kind(std::string_view name);
std::optional<stage> parse_stage(std::string_view name);

/// A transaction as its maker wrote it: JSON text.
struct submission {
  std::string json;
  bool unchecked = false; ///< Keep it though the schema known here refuses it; the primary decides.
};

/// A well-formed transaction on its way into the log.
struct append {
  uuid id;
  std::string lane;
  std::string payload; ///< The transaction in canonical JSON.
};

/// Several for one lane, to be kept in this order.
struct append_group {
  std::vector<append> all;
};

/// Proof that an entry is kept.
struct receipt {
  uuid id;
  std::string lane;
  seqno seq = 0;
  chasqui::durability durability = durability::buffered;
  store_kind store = store_kind::redis;
  instant at; ///< When it was first kept.
  bool operator==(const receipt&) const = default;
};

/// What became of an append.
struct append_outcome {
  receipt proof; ///< Unless there is a problem.
  fault problem;
};

/// What became of a group: of each in its order.
struct group_outcome {
  std::vector<append_outcome> each;
};

/// A transaction in a lane's log.
struct entry {
  seqno seq = 0;
  uuid id;
  instant at; ///< When it was kept.
  std::string payload;
};

/// Asks for entries from `from_seq` on.
struct take {
  std::string lane;
  seqno from_seq = 1;
  std::uint64_t entries_max = 0;
  std::uint64_t bytes_max = 0; ///< Of payload; one entry is always given, however large.
};

/// Entries in order and without a gap; empty when the log holds none from there on.
struct batch {
  std::string lane;
  seqno from_seq = 1; ///< As asked.
  std::vector<entry> entries;
  seqno head = 0;         ///< Last seq in the log when it was read.
  bool goes_last = false; ///< A lane that comes first has more than it can send: leave it the link.
};

/// There are entries up to `head`: sent once to whoever took the last batch and got everything.
struct available {
  std::string lane;
  seqno head = 0;
};

/// Asks where a lane stands, before a forwarder starts.
struct locate {
  std::string lane;
};

/// Where a lane stands.
struct position {
  std::string lane;
  epoch_no epoch = 0;
  seqno first = 0; ///< Oldest entry still in the log; head + 1 when it is empty.
  seqno head = 0;
  seqno released = 0;
};

/// The primary has applied everything up to `cursor`, which was transaction `id` (nil is unknown).
struct align {
  std::string lane;
  seqno cursor = 0;
  uuid id;
};

/// Numbers that the log lacks are passed over in pieces of so many, so that their ids fit into a message.
inline constexpr std::size_t suspects_max = 5000;

/// How log and primary go on together: from `cursor + 1`, or, where the log has nothing in `cursor
/// + 1..skip_to`, once the primary's cursor stands at `skip_to`. Then align again.
struct alignment {
  std::string lane;
  seqno cursor = 0;
  seqno skip_to = 0; ///< 0: in step.
  std::vector<uuid>
      suspects;              ///< What once stood there, as far as it is known: the primary says which it has.
  std::uint64_t unnamed = 0; ///< Numbers of which nobody knows whose they were.
  std::uint64_t moved = 0;   ///< Numbers whose transactions have others by now.
  seqno head = 0;
};

/// The log has lost these entries, and the primary never had them.
struct missing {
  std::string lane;
  seqno from_seq = 0; ///< The numbers that were passed over.
  seqno to_seq = 0;
  std::vector<uuid> ids;
  std::uint64_t unnamed = 0; ///< Of these numbers, as the alignment said,
  std::uint64_t moved = 0;   ///< and likewise.
};

/// Everything up to `seq` is durable on the primary, whose log was flushed up to `flushed` afterwards.
struct committed {
  std::string lane;
  seqno seq = 0;
  lsn flushed;
  std::uint32_t timeline = 0; ///< 0 is unknown.
};

/// Everything up to `seq` is on the replica.
struct replicated {
  std::string lane;
  seqno seq = 0;
};

/// An entry that the primary has put aside for good; it stands in the primary's dead letters already. It was
/// refused; or it is *parked* behind others that were, because it depends on them.
struct rejected {
  std::string lane;
  seqno seq = 0;
  uuid id;
  std::string sqlstate;
  std::string message;
  instant at;
  std::vector<uuid> behind = {}; ///< parked: the dead letters that it depends on.
};

/// `rejected` or `parked`.
inline stage stage_of(const rejected& r) { return r.behind.empty() ? stage::rejected : stage::parked; }

/// What an operator may do about a dead letter.
enum class letter_action : std::uint8_t {
  retry,  ///< Try it again.
  edit,   ///< Try it again with other steps.
  discard ///< Never try it again.
};

std::string_view to_string(letter_action value);
std::optional<letter_action> parse_letter_action(std::string_view name);

/// An operator's decision about a dead letter. It becomes an entry in the log of the letter's lane, and takes
/// effect when it reaches the primary in its turn: then the letter's family is tried, too, in the order in
/// which it came.
struct decision {
  uuid id;     ///< Its own; nil: ingest makes one. The same id again changes nothing.
  uuid letter; ///< The dead letter's transaction.
  letter_action action = letter_action::retry;
  bool family = false;     ///< discard: all that is parked behind it, too.
  std::string made_by;     ///< Who decides.
  std::string reason;      ///< And why.
  std::string transaction; ///< edit: the transaction as it shall be, JSON.
  bool operator==(const decision&) const = default;
};

/// What became of one dead letter by a decision.
struct settled_letter {
  uuid id;
  chasqui::stage now = stage::committed; ///< `committed`, `discarded`, or `rejected` once more.
  std::string sqlstate;
  std::string message;
};

/// A decision was carried out on the primary, as entry `seq` of `lane`.
struct resolved {
  std::string lane;
  seqno seq = 0;
  uuid id;
  instant at;
  std::vector<settled_letter> letters;
};

/// Asks for the decisions that were carried out, newest first.
struct list_decisions {
  std::uint64_t entries_max = 100;
};

/// One of them, and what it has done.
struct past_decision {
  resolved what;
  std::string payload; ///< The decision in canonical JSON.
};

/// Decisions that were carried out.
struct past_decisions {
  std::vector<past_decision> decisions;
};

/// A refused entry with what it wanted.
struct dead_letter {
  rejected why;
  std::string payload;
};

/// Asks for dead letters, oldest first.
struct list_dead {
  uuid only; ///< Just this one, unless nil.
  std::uint64_t entries_max = 100;
};

/// Dead letters, and how many there are in all.
struct dead_letters {
  std::vector<dead_letter> letters;
  std::uint64_t total = 0;
};

/// Asks for one transaction's way so far.
struct find {
  uuid id;
};

/// When a stage was reached.
struct milestone {
  chasqui::stage stage = stage::buffered;
  instant at;
};

/// One transaction's way so far.
struct life {
  uuid id;
  std::string lane;
  seqno seq = 0;
  chasqui::stage stage = stage::buffered;
  lsn flushed;                    ///< Of the barrier that covers it, when known.
  std::vector<milestone> history; ///< Times this runtime saw itself; earlier ones are not kept.
  fault error;                    ///< Set for a dead letter.
  std::string payload;            ///< While the log or the dead letters have it.
};

/// What somebody waits for.
enum class condition : std::uint8_t {
  ready,      ///< Submissions are kept.
  drained,    ///< All that was in the log when asked is committed.
  replicated, ///< All that was in the log when asked is on the replica.
  transaction ///< `id` has reached `reached`, or is a dead letter.
};

/// Asks for an answer once `what` holds.
struct await {
  condition what = condition::ready;
  uuid id;
  stage reached = stage::replicated;
  std::chrono::milliseconds timeout{30'000};
};

/// It holds.
struct reached {
  condition what = condition::ready;
  chasqui::stage stage = stage::buffered; ///< Of the transaction, where one was asked for.
};

template <class I> auto inspect(I& f, submission& x) { return f(x.json, x.unchecked); }
template <class I> auto inspect(I& f, append& x) { return f(x.id, x.lane, x.payload); }
template <class I> auto inspect(I& f, append_group& x) { return f(x.all); }
template <class I> auto inspect(I& f, receipt& x) {
  return f(x.id, x.lane, x.seq, x.durability, x.store, x.at);
}
template <class I> auto inspect(I& f, append_outcome& x) { return f(x.proof, x.problem); }
template <class I> auto inspect(I& f, group_outcome& x) { return f(x.each); }
template <class I> auto inspect(I& f, entry& x) { return f(x.seq, x.id, x.at, x.payload); }
template <class I> auto inspect(I& f, take& x) { return f(x.lane, x.from_seq, x.entries_max, x.bytes_max); }
template <class I> auto inspect(I& f, batch& x) {
  return f(x.lane, x.from_seq, x.entries, x.head, x.goes_last);
}
template <class I> auto inspect(I& f, available& x) { return f(x.lane, x.head); }
template <class I> auto inspect(I& f, locate& x) { return f(x.lane); }
template <class I> auto inspect(I& f, position& x) { return f(x.lane, x.epoch, x.first, x.head, x.released); }
template <class I> auto inspect(I& f, align& x) { return f(x.lane, x.cursor, x.id); }
template <class I> auto inspect(I& f, alignment& x) {
  return f(x.lane, x.cursor, x.skip_to, x.suspects, x.unnamed, x.moved, x.head);
}
template <class I> auto inspect(I& f, missing& x) {
  return f(x.lane, x.from_seq, x.to_seq, x.ids, x.unnamed, x.moved);
}
template <class I> auto inspect(I& f, committed& x) { return f(x.lane, x.seq, x.flushed, x.timeline); }
template <class I> auto inspect(I& f, replicated& x) { return f(x.lane, x.seq); }
template <class I> auto inspect(I& f, rejected& x) {
  return f(x.lane, x.seq, x.id, x.sqlstate, x.message, x.at, x.behind);
}
template <class I> auto inspect(I& f, decision& x) {
  return f(x.id, x.letter, x.action, x.family, x.made_by, x.reason, x.transaction);
}
template <class I> auto inspect(I& f, settled_letter& x) { return f(x.id, x.now, x.sqlstate, x.message); }
template <class I> auto inspect(I& f, resolved& x) { return f(x.lane, x.seq, x.id, x.at, x.letters); }
template <class I> auto inspect(I& f, list_decisions& x) { return f(x.entries_max); }
template <class I> auto inspect(I& f, past_decision& x) { return f(x.what, x.payload); }
template <class I> auto inspect(I& f, past_decisions& x) { return f(x.decisions); }
template <class I> auto inspect(I& f, dead_letter& x) { return f(x.why, x.payload); }
template <class I> auto inspect(I& f, list_dead& x) { return f(x.only, x.entries_max); }
template <class I> auto inspect(I& f, dead_letters& x) { return f(x.letters, x.total); }
template <class I> auto inspect(I& f, find& x) { return f(x.id); }
template <class I> auto inspect(I& f, milestone& x) { return f(x.stage, x.at); }
template <class I> auto inspect(I& f, life& x) {
  return f(x.id, x.lane, x.seq, x.stage, x.flushed, x.history, x.error, x.payload);
}
template <class I> auto inspect(I& f, await& x) { return f(x.what, x.id, x.reached, x.timeout); }
template <class I> auto inspect(I& f, reached& x) { return f(x.what, x.stage); }

} // namespace chasqui
