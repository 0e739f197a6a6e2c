#pragma once

#include "messages/fault.hpp"

namespace chasqui {

/// How one step of a longer piece of work ended.
struct progress {
  fault problem;
  bool more = false; ///< Another step is needed.
};

} // namespace chasqui
