#pragma once

#include "adapters/ports/row_source.hpp"
#include "messages/reading.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
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

  /// For the log, one a lane.
  [[nodiscard]] std::vector<look_up> look_ups() const;
  void on_found(const looked_up& found);

  /// For the replica.
  [[nodiscard]] std::vector<rows_probed> wanted() const;
  void on_probed(const probe_result& result);

  /// A lane that has not answered leaves its rows in doubt, and so does the replica.
  [[nodiscard]] glanced answer() const;

private:
  struct row {
    std::vector<index_term> terms; ///< Of what might change it.
    bool is_found = false;         ///< On the replica.
  };
  /// Rows that are asked for together.
  struct group {
    rows_probed what;
    std::vector<std::size_t> members;
  };
  void file(std::size_t place);

  std::vector<row_probe> probes_;
  std::vector<row> rows_; ///< One a probe.
  std::vector<group> groups_;
  std::map<std::string, std::set<index_term>>
      pending_;         ///< By lane that has answered: what is pending for it.
  std::string replica_; ///< Why it is away.
  bool is_probed_ = false;
};

} // namespace chasqui
