#pragma once

#include "tests/simulation/world.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace chasqui::simulation {

/// One life of the runtime. Once it is over, whatever its actors still say on their way out is unsaid.
struct lifetime {
  std::uint64_t number = 0; ///< Counted from 1.
  std::size_t machine = 0;  ///< Where it runs.
  std::uint64_t turn = 0;   ///< As owner of the log: whoever opened it last has the highest.
  bool lasts = true;
  sim_time ended{0};
};

using lifetime_ptr = std::shared_ptr<lifetime>;

} // namespace chasqui::simulation
