#pragma once

#include "messages/identity.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

/// An id as the logs keep it: 16 bytes, big-endian.
std::string to_bytes(const uuid& id);

/// The id of 16 such bytes; nothing for any other number of bytes.
std::optional<uuid> from_bytes(std::string_view bytes);

/// Ids one behind the other; what is left of them at the end is no id.
std::string to_bytes(const std::vector<uuid>& ids);
std::vector<uuid> ids_from_bytes(std::string_view bytes);

} // namespace chasqui
