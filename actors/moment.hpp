#pragma once

#include "messages/identity.hpp"

#include <functional>

namespace chasqui {

/// Now, on both clocks: the steady one to reckon with, the wall's to tell people.
struct moment {
  time_point steady;
  instant wall;
};

/// Tells the wall's time. Actors are given one, so that tests can step it.
using wall_clock = std::function<instant()>;

} // namespace chasqui
