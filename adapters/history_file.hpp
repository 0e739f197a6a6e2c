#pragma once

#include "adapters/event_history.hpp"
#include "adapters/held_file.hpp"
#include "adapters/sqlite.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace chasqui {

/// The file of a history while it is open. For one thread; everything may throw `sqlite_error`.
class history_file {
public:
  /// Makes the file ready, its directory included; throws std::exception with a sentence if it cannot be.
  history_file(const std::string& site, const history_settings& settings);

  /// Greatest number that may have been given.
  [[nodiscard]] std::uint64_t last() const noexcept { return last_; }

  /// Notes that no number up to `through` may be given again; it is on disk afterwards.
  void reserve(std::uint64_t through);

  /// The numbers that are given from now on have nothing to do with those before.
  void begin_run() noexcept { written_ = 0; }

  /// Adds events, whose numbers are greater than those before, and gives up the oldest. `run_from` is the
  /// first number that the run has given, kept or not; 0 if it is not known.
  void keep(const std::vector<event>& events, std::uint64_t run_from);
  [[nodiscard]] history_page read(const history_query& what);

  /// Ends it in order: `last` was the last number given, and the next runtime has nothing to wonder about.
  void close(std::uint64_t last);

private:
  void begin(const std::string& site);
  void note_end_of_earlier_run();
  void add(const event& e);

  history_settings settings_;
  held_file lock_;
  std::unique_ptr<sqlite_database> database_;
  std::uint64_t last_ = 0;    ///< Given, or reserved by an earlier run.
  std::uint64_t written_ = 0; ///< The last number that was kept in this run; 0 for none.
  std::uint64_t count_ = 0;
};

} // namespace chasqui
