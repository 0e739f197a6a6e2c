#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

/// `; did you mean NAME?` with the name nearest to what was written, or "" when none is near.
std::string suggestion(std::string_view written, const std::vector<std::string>& names);

} // namespace chasqui
