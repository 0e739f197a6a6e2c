#pragma once

#include "messages/log.hpp"

#include <cstdint>
#include <string_view>

namespace chasqui {

/// A checksum over all there is to an entry: the first 63 bits of its SHA-256.
std::uint64_t sum_of(std::string_view lane, const entry& e);

} // namespace chasqui
