#pragma once

#include "tests/soak/plan.hpp"
#include "tests/support/observatory.hpp"
#include "tests/support/small_disk.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace chasqui::soak {

/// What faults strike.
struct target {
  test::observatory& site;
  test::small_disk& journal_disk;
  std::uint64_t commits_undone = 0; ///< By failovers, at least: they must be sent again.
};

/// A kind of fault, how it is done, and how it is healed.
struct fault_case {
  fault_kind kind;
  std::function<void(target&, std::uint64_t draw)> strike;
  std::function<void(target&)> heal;
};

/// All of them. What cannot be done is thrown as `std::runtime_error`.
const std::vector<fault_case>& fault_cases();

} // namespace chasqui::soak
