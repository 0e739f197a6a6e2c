#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace chasqui::bench {

/// How far a drain was when: seconds since it began, and transactions that were durable on the primary.
using drain_curve = std::vector<std::pair<double, double>>;

struct drained {
  double seconds = 0; ///< Until the last one was durable on the primary.
  drain_curve curve;
};

/// What the forwarder would say for so many transactions of the workload: the same statements, each for as
/// many transactions at once, but made beforehand.
class ready_statements {
public:
  explicit ready_statements(std::uint64_t transactions);

  struct together {
    std::uint64_t first = 1;
    std::uint64_t count = 0;
    std::string ids;  ///< As PostgreSQL reads an array.
    std::string rows; ///< JSON.
  };
  [[nodiscard]] const std::vector<together>& all() const { return all_; }
  [[nodiscard]] const std::string& insert() const { return insert_; }

private:
  std::vector<together> all_;
  std::string insert_;
};

/// Sends them as a bare client of libpq's pipeline mode does that has nothing else to do: as many under way
/// as the socket takes, a synchronous barrier every 1000 transactions and at the end, as the forwarder has
/// them. In a lane of its own.
drained drain_by_bare_pipeline(const std::string& dsn, const ready_statements& what);

} // namespace chasqui::bench
