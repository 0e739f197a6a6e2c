#pragma once

#include "runtime/remote_client.hpp"
#include "tests/soak/account.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace chasqui::soak {

/// How many, and how often.
struct call_rate {
  int callers = 6;
  double per_second = 25; ///< Of each caller.
};

/// Control processes, each with a session of its own. Each submits its next transaction when it has the
/// receipt of the last; what is refused is submitted again under the same id. One in a hundred is bad.
class callers {
public:
  callers(const remote_target& daemon, call_rate how, std::uint64_t seed);
  ~callers() { stop(std::chrono::seconds{0}); }
  callers(const callers&) = delete;
  callers& operator=(const callers&) = delete;

  /// Begins nothing new, and insists on what was begun for so long.
  void stop(std::chrono::seconds patience);

  [[nodiscard]] std::size_t submitted() const { return submitted_; }
  [[nodiscard]] std::size_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::size_t refused() const { return refused_; } ///< Answers other than a receipt.

  [[nodiscard]] std::size_t in_journal() const { return in_journal_; } ///< Receipts of the journal's.
  [[nodiscard]] std::size_t buffered() const {
    return buffered_;
  } ///< Receipts that promise less than a flush.

  [[nodiscard]] ledger told() const;
  /// Milliseconds that an answer took, of receipts: that share of them took no longer.
  [[nodiscard]] double took_ms(double share) const;

private:
  struct caller {
    std::vector<soak::acknowledged> receipts;
    std::vector<double> took_ms;
    std::vector<uuid> unanswered;
  };
  void work(std::size_t number, const remote_target& daemon, std::uint64_t seed);

  call_rate how_;
  std::atomic<bool> no_more_ = false;
  std::atomic<bool> give_up_ = false;
  std::atomic<std::size_t> submitted_ = 0;
  std::atomic<std::size_t> acknowledged_ = 0;
  std::atomic<std::size_t> refused_ = 0;
  std::atomic<std::size_t> in_journal_ = 0;
  std::atomic<std::size_t> buffered_ = 0;
  std::atomic<int> working_ = 0;
  mutable std::mutex mutex_;
  std::vector<caller> callers_;
  std::vector<std::thread> threads_;
};

} // namespace chasqui::soak
