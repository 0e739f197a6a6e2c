#pragma once

#include "adapters/ports/log_store.hpp"

#include <string>
#include <vector>

namespace chasqui {

/// Who has which number.
struct roll_line {
  std::string lane;
  seqno seq = 0;
  uuid id; ///< Nil: what had this number has another one by now.
  instant at;
};

/// Lines of the roll, in order of seq, or a `problem`.
struct roll_page {
  fault problem;
  std::vector<roll_line> lines;
};

/// A log on the local disk that also keeps the *roll*: the ids of the entries that another store keeps, so
/// that they can be named if that store loses them. What the journal appends or imports itself is on the
/// roll, too. `open` tells as head the greater of its own and the roll's; `append` knows the ids of the roll,
/// and answers them as repeated. What `mark` trims, and what lies beyond the end that `adopt` sets, leaves
/// the roll with it.
class journal_store : public log_store {
public:
  /// Writes lines down, and the epoch of the owner; without a flush to disk, so that a power cut may take the
  /// last ones back. The same line again changes nothing. An id that has another number gives that one up,
  /// and a line without an id says that its number was given up.
  virtual void note(epoch_no epoch, std::vector<roll_line> lines, handler<fault> then) = 0;

  /// The lines of `lane` from `from` to `to`, `lines_max` at most; a number that nobody noted has none.
  virtual void call_roll(std::string lane, seqno from, seqno to, std::uint64_t lines_max,
                         handler<roll_page> then) = 0;

  /// Strikes the lines of `lane` up to `through` from the roll.
  virtual void strike(std::string lane, seqno through, handler<fault> then) = 0;

  /// Removes every entry of the lanes that it was opened with, durably; the roll and the marks stay.
  /// `follows` is false afterwards. Appends wait for it: it takes no longer for more entries.
  virtual void clear(handler<fault> then) = 0;
};

} // namespace chasqui
