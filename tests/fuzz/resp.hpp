#pragma once

#include <string>
#include <string_view>

namespace chasqui {

/// Redis' protocol, one value a line: `*3` a list of three, `:5` an integer, `+text` a status, `-text` an
/// error, `$text` a string, `@uuid` the 16 bytes of an id, anything else nil. Lengths are made here, so that
/// a change of a text keeps its shape.
std::string resp_of(std::string_view lines);

} // namespace chasqui
