#pragma once

#include "actors/row_line.hpp"
#include "actors/row_questions.hpp"
#include "messages/identity.hpp"
#include "messages/reading.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace chasqui {

/// A hash of what a row is called: equal values in another spelling are another name. Two rows that fall
/// together are taken for each other: one is looked at without need, or not at all.
using row_name = std::uint64_t;

/// A row that is being inserted.
struct row_insert {
  row_name row;
  bool may_be_parent;
};

/// A submission's rows: what is asked about them, and those it inserts.
struct submission_rows {
  std::vector<row_question> questions;  ///< That have not been settled.
  bool unsettles = false;               ///< As `unsettles_rows` says.
  std::vector<row_insert> inserts = {}; ///< Filled in by `row_memory`.
};

/// What need not be asked of anybody: which rows are being inserted by whoever is on the way into the log,
/// and which ones were seen a short while ago, or put into the log: parents of what comes next. Of these it
/// forgets the ones that were not wanted of late when it is full, and all when a row may be gone.
class row_memory {
public:
  row_memory(std::size_t rows_max, std::chrono::milliseconds lasts) : half_{rows_max / 2}, lasts_{lasts} {}

  /// One is on its way. Parents that are known are not asked for any more.
  row_concern enter(submission_rows& of, time_point now);
  /// It is not, without having come into the log.
  void leave(const submission_rows& of);
  /// It is in the log, on its way since version `since`.
  void arrive(const submission_rows& of, std::uint64_t since, time_point now);

  /// What a glance at all of `those`, begun in version `since`, says of them; gives those who still have
  /// questions, by their place.
  std::vector<std::size_t> settle(const std::vector<submission_rows*>& those, const glanced& answer,
                                  std::uint64_t since, time_point now);
  /// A parent was seen by a look that was begun in version `since`.
  void learn(const row_question& parent, std::uint64_t since, time_point now);
  /// Grows whenever everything seen is forgotten: what was found out before may not be so any more.
  [[nodiscard]] std::uint64_t version() const { return version_; }

private:
  using seen = std::unordered_map<row_name, time_point>;

  bool knows(row_name row, time_point now);
  void learn(row_name row, std::uint64_t since, time_point now);
  void keep(row_name row, time_point seen_at);
  void forget();

  std::size_t half_;
  std::chrono::milliseconds lasts_;
  seen young_;
  seen old_;
  std::uint64_t version_ = 0;
  std::unordered_map<row_name, std::uint64_t> inserting_; ///< How many do.
};

} // namespace chasqui
