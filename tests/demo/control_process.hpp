#pragma once

#include "messages/fault.hpp"
#include "messages/log.hpp"
#include "tests/demo/fixture.hpp"
#include "tests/demo/ledger.hpp"
#include "tests/demo/script.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <variant>

namespace chasqui::night {

/// Hands one transaction to chasquid and waits for its receipt.
using submitter = std::function<std::variant<receipt, fault>(const std::string& json)>;

/// Lets its caller go on at even intervals. Who comes late goes on at once, and what was missed stays missed.
class pacer {
public:
  explicit pacer(std::chrono::nanoseconds interval) : interval_{interval} {}
  void wait(const std::stop_token& stop);

private:
  std::chrono::nanoseconds interval_;
  time_point next_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::condition_variable_any tick_;
};

/// What all control processes of a night share.
struct observing_plan {
  std::span<const observation> night;
  std::atomic<std::uint64_t> next{0}; ///< Counts executions; the night begins anew when it is through.
  std::atomic<bool> no_more{false};   ///< Finish what was begun, and begin nothing.
};

/// One program of the observatory. It submits a transaction when it holds the receipt of the one before.
class control_process {
public:
  control_process(std::size_t number, std::string name, ledger& records, submitter submit,
                  std::chrono::nanoseconds interval);

  /// Plans the units of the night.
  void plan_units(const observing_plan& plan, const std::stop_token& stop);

  /// Executes observations until there are no more to begin.
  void observe(observing_plan& plan, const std::stop_token& stop);

private:
  bool say(const std::vector<draft>& drafts, const std::stop_token& stop);
  bool say(const draft& d, const std::stop_token& stop);

  std::size_t number_;
  std::string name_;
  ledger& records_;
  submitter submit_;
  pacer pace_;
  id_source ids_;
};

} // namespace chasqui::night
