#pragma once

#include <span>
#include <string>
#include <string_view>

namespace chasqui {

/// The one of `names` that whoever wrote `name` probably meant; "" when none is near.
std::string_view near_name(std::string_view name, std::span<const std::string_view> names);

/// ` Did you mean "table"?`, or "" when no name is near: the end of a sentence about an unknown name.
std::string did_you_mean(std::string_view name, std::span<const std::string_view> names);

} // namespace chasqui
