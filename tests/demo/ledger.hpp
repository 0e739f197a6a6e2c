#pragma once

#include "messages/fault.hpp"
#include "messages/log.hpp"
#include "tests/demo/domain.hpp"
#include "tests/demo/script.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace chasqui::night {

/// How long submits took, by the caller's steady clock.
struct latency {
  std::size_t count = 0;
  double p50_ms = 0;
  double p99_ms = 0;
};

/// A receipt, and whose it is.
struct held_receipt {
  uuid id;
  std::string lane;
  seqno seq = 0;
};

/// All that the control processes know: what they hold a receipt for, and so what must be in Cologne.
struct night_records {
  std::uint64_t submitted = 0;
  std::uint64_t refused = 0;
  std::string first_refusal;
  std::vector<std::vector<held_receipt>> receipts; ///< By origin, in the order of their submission.
  domain_rows rows;                                ///< As they must be.
};

/// Keeps the records of all control processes. May be called from any thread.
class ledger {
public:
  explicit ledger(std::size_t origins) { records_.receipts.resize(origins); }

  void submitted();
  void refused(const fault& why);
  void acknowledged(std::size_t origin, const draft& what, const receipt& proof, time_point asked,
                    time_point answered);

  /// Of the submits that were asked and answered within `from..to`.
  [[nodiscard]] latency latency_of(time_point from, time_point to) const;
  [[nodiscard]] night_records records() const;

private:
  struct submit_times {
    time_point asked;
    time_point answered;
  };

  mutable std::mutex mutex_;
  night_records records_;
  std::vector<submit_times> times_; ///< By `answered`, but for what threads do between clock and lock.
};

} // namespace chasqui::night
