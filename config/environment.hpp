#pragma once

#include <map>
#include <string>

namespace chasqui {

/// All variables of this process. Call it before there are threads.
std::map<std::string, std::string> process_environment();

} // namespace chasqui
