#include "runtime/version.hpp"

#ifndef CHASQUI_VERSION
#define CHASQUI_VERSION "unknown"
#endif

namespace chasqui {

std::string_view chasqui_version() { return CHASQUI_VERSION; }

} // namespace chasqui
