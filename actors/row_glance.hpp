#pragma once

#include "adapters/ports/row_source.hpp"
#include "messages/reading.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace chasqui {

/// Answers a glance from two questions that are asked at once: what of this the index of the log finds, and
/// which of the rows the replica has. A row is as expected if the replica says so and nothing is pending that
/// might change it: whatever would make a row with such a value, whatever picks rows by it, and whatever
/// cannot be found by a value. Not noticed is what picks the row by another column.
class row_glance {
public:
  explicit row_glance(glance what);

  /// For the log: of each lane, what an `id` finds, and what other columns do, of which there may be many.
  [[nodiscard]] std::vector<look_up> look_ups() const;
  /// Answers one of them, by its place.
  void on_found(std::size_t which, const looked_up& found);

  /// For the replica, to be taken once.
  [[nodiscard]] std::vector<rows_probed> wanted() { return std::move(wanted_); }
  void on_probed(const probe_result& result);

  /// What has not been answered leaves its rows in doubt.
  [[nodiscard]] glanced answer() const;

private:
  struct row {
    std::size_t kind;
    std::size_t terms_end;        ///< Of its own, in `terms_`; they begin where those of the row before end.
    std::optional<bool> is_there; ///< On the replica.
  };
  struct kind {
    bool are_there;      ///< What is expected.
    index_term wide;     ///< Of what might change any of them.
    std::size_t look;    ///< By which look into the log they are asked for.
    std::size_t records; ///< Among which of those that are wanted.
  };
  struct log_look {
    std::string lane;
    bool by_id;
    std::vector<index_term> terms;
    std::optional<std::set<index_term>> pending; ///< What all entries that it found are found by.
  };

  void add(const probe_kind& like, row_probe probe);
  std::size_t look_of(const std::string& lane, bool by_id);
  std::size_t records_of(const probe_kind& like);

  std::vector<kind> kinds_;
  std::vector<row> rows_;         ///< One a probe.
  std::vector<index_term> terms_; ///< Of what might change a row.
  std::vector<log_look> looks_;
  std::vector<rows_probed> wanted_;
  std::vector<std::vector<std::size_t>> members_; ///< Of each of these: which rows its records are.
  std::string replica_;                           ///< Why it is away.
};

} // namespace chasqui
