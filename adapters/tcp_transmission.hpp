#pragma once

#include "adapters/ports/primary.hpp"

#include <optional>

namespace chasqui {

/// What the kernel knows of what was sent through a socket; nothing if it is not TCP.
std::optional<transmission> transmission_of(int socket);

} // namespace chasqui
