#pragma once

#include <string>
#include <string_view>

namespace chasqui {

/// The text with everything replaced by U+FFFD that PostgreSQL does not take as UTF-8 text: zero bytes, and
/// bytes that are no part of a well-formed sequence (Unicode 15, table 3-7).
std::string valid_utf8(std::string_view text);

} // namespace chasqui
