#pragma once

#include <string_view>

namespace chasqui {

/// Ends the process, which is a find, unless the promise `holds`.
void promise(bool holds, std::string_view what);

/// Well-formed UTF-8, zero bytes included, as judged by the parser of JSON: none of ours.
bool is_utf8(std::string_view text);

} // namespace chasqui
