#pragma once

#include "messages/identity.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace chasqui {

/// An id as the logs keep it: 16 bytes, big-endian.
std::string to_bytes(const uuid& id);

/// The id of 16 such bytes; nothing for any other number of bytes.
std::optional<uuid> from_bytes(std::string_view bytes);

} // namespace chasqui
