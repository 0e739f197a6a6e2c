#pragma once

#include <string_view>

namespace chasqui {

/// The version of this build, such as `0.1.0`.
std::string_view chasqui_version();

} // namespace chasqui
