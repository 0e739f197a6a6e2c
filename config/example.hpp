#pragma once

#include <string>

namespace chasqui {

/// A settings file with every key, its meaning, range and default; those that have no default hold an
/// example.
std::string example_settings();

} // namespace chasqui
