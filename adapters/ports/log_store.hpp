#pragma once

#include "adapters/ports/handler.hpp"
#include "messages/log.hpp"
#include "messages/reading.hpp"

#include <optional>
#include <string>
#include <vector>

namespace chasqui {

/// How far a lane had come when its marks were last saved.
struct lane_marks {
  std::string lane;
  seqno first = 1; ///< Oldest entry still in the log; head + 1 when it is empty.
  seqno head = 0;
  seqno committed = 0;
  seqno replicated = 0;
  seqno released = 0;
  instant oldest_at;    ///< When entry replicated + 1 was kept; never, if there is none.
  bool follows = false; ///< Its numbers follow those of the store it took over from, as `adopt` said.
};

/// The log is open for its owner, or `problem` says why not.
struct log_opened {
  fault problem;
  epoch_no epoch = 0; ///< This owner's; every earlier owner is fenced from now on.
  store_kind kind = store_kind::redis;
  chasqui::durability durability = durability::buffered;
  std::vector<lane_marks> lanes;
  std::vector<std::string>
      drift; ///< Settings of the store that promise less than they should, one sentence each.
  std::uint64_t dead_letters = 0;
};

/// One transaction to keep under the next seq of its lane.
struct append_item {
  uuid id;
  std::string lane;
  std::string payload;
  instant at;
};

/// Where one item of an append went.
struct append_slot {
  std::string lane;
  seqno seq = 0;
  instant at;            ///< When it was first kept.
  bool repeated = false; ///< The id was in the log already; nothing was added.
  /// repeated: it stands in the other store, which promised so much.
  std::optional<chasqui::durability> elsewhere{};
};

/// One slot an item, in order, or a `problem`: `store_full` and `fenced` mean that nothing was kept,
/// `outcome_unknown` that nobody can tell before the log is opened again.
struct append_result {
  fault problem;
  std::vector<append_slot> slots;
  store_kind store = store_kind::redis;
  chasqui::durability durability = durability::buffered;
};

/// Entries as read, or a `problem`: `diverged` when the log lacks entries from `from_seq` on.
struct log_slice {
  fault problem;
  std::vector<entry> entries;
  seqno missing_to = 0; ///< diverged: `from_seq..missing_to` are gone.
};

/// Where an id stands, or a `problem` (`not_found` for an id that the log does not know).
struct log_place {
  fault problem;
  std::string lane;
  seqno seq = 0;
  instant at;
  std::string payload; ///< "" once the entry is gone.
  bool dead = false;   ///< It is a dead letter, as `why` says.
  rejected why;
  bool settled = false;  ///< It was one, and this is where the decision about it stands, payload included.
  bool in_doubt = false; ///< Whether it is one cannot be known now.
};

/// Dead letters as read, or a `problem`.
struct dead_page {
  fault problem;
  dead_letters page;
};

/// Decisions as read, newest first, or a `problem`.
struct decisions_page {
  fault problem;
  past_decisions page;
};

/// Entries as the index found them, or a `problem`.
struct lookup_page {
  fault problem;
  looked_up found;
};

/// Decisions that are kept at most; the oldest are forgotten here, and stand on the primary.
inline constexpr std::uint64_t decisions_max = 10'000;

/// An ordered, durable log per lane, with one owner. Calls are carried out in the order they are made. After
/// an answer with the problem `store_unavailable` or `outcome_unknown` the log is closed until `open` is
/// called again.
class log_store {
public:
  log_store() = default;
  log_store(const log_store&) = delete;
  log_store& operator=(const log_store&) = delete;
  virtual ~log_store() = default;

  /// Connects, checks the store's own settings, becomes the owner and reads the marks of `lanes`.
  virtual void open(std::vector<std::string> lanes, handler<log_opened> then) = 0;

  /// Appends all items or none, with one flush to disk for all; checks that the caller is still the owner.
  virtual void append(std::vector<append_item> items, handler<append_result> then) = 0;

  /// Reads entries from `from_seq` on, in order, up to either limit, and at least one if there is one.
  virtual void read(take what, handler<log_slice> then) = 0;

  /// Saves the marks of a lane, and removes entries up to `trim_through` with all that was kept about them.
  virtual void mark(lane_marks marks, seqno trim_through, handler<fault> then) = 0;

  /// Keeps an entry as a dead letter, or as parked behind others, payload included. The same entry again
  /// changes nothing. `diverged` if another transaction has this number, or this one has another number.
  virtual void bury(rejected why, handler<fault> then) = 0;

  /// Writes down what has become of dead letters: those that are none any more stand where the decision
  /// stands from now on, the others keep their new reason. Keeps the decision, with the payload that its
  /// entry has, among the last `decisions_max`. The same again changes nothing.
  virtual void settle(resolved what, handler<fault> then) = 0;

  /// Reads decisions, newest first.
  virtual void list_decisions(chasqui::list_decisions what, handler<decisions_page> then) = 0;

  /// Finds a transaction by its id.
  virtual void find(uuid id, handler<log_place> then) = 0;

  /// Reads dead letters, oldest first.
  virtual void list_dead(chasqui::list_dead what, handler<dead_page> then) = 0;

  /// Finds entries through the index, which is written with them and goes with them.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): those that have one move them.
  virtual void look_up(chasqui::look_up, handler<lookup_page> then) {
    then({{fault_code::unavailable, "This log has no index.", ""}, {}});
  }

  /// Makes a lane end at `marks.head` and saves the marks: entries beyond it are removed, and if it ends
  /// before, the numbers in between are given to nobody.
  virtual void adopt(lane_marks marks, handler<fault> then) = 0;

  /// Appends entries that have their numbers already, all or none, with one flush to disk: the first follows
  /// the head. An id that the log knows from elsewhere points here from now on.
  virtual void import(std::string lane, std::vector<entry> entries, handler<fault> then) = 0;

  /// Gives every entry of a lane a new number, in the same order and without a gap from `first` on, which is
  /// greater than the head; the marks but the head stay.
  virtual void renumber(std::string lane, seqno first, handler<fault> then) = 0;

  /// Lets go of the store; calls under way are answered `store_unavailable`.
  virtual void close() = 0;
};

} // namespace chasqui
