#pragma once

#include "tests/demo/control_process.hpp"
#include "tests/demo/fixture.hpp"
#include "tests/demo/ledger.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <vector>

namespace chasqui::night {

/// Opens one more session with chasquid.
using session_opener = std::function<submitter()>;

/// The control processes of an observatory, each on a thread and a session of its own: `tcs` plans the night,
/// then the cameras observe.
class team {
public:
  /// `pace` is in transactions a second, of all cameras together.
  team(std::span<const observation> night, ledger& records, const session_opener& open, double pace);
  team(const team&) = delete;
  team& operator=(const team&) = delete;
  ~team() = default; ///< Breaks off.

  static std::size_t size();

  /// Plans the units; returns when the plan is kept.
  void plan();
  void start_observing();
  /// Ends the observations that were begun, and begins none; returns when all is said.
  void finish();

private:
  observing_plan plan_;
  std::vector<std::unique_ptr<control_process>> members_; ///< The first is `tcs`.
  std::vector<std::jthread> threads_;
};

} // namespace chasqui::night
