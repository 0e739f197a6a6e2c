#include "config/environment.hpp"

#include <algorithm>
#include <string_view>

#include <unistd.h>

namespace chasqui {

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> variables;
  for (char* const* variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text{*variable};
    const auto equals = std::min(text.find('='), text.size());
    variables.emplace(text.substr(0, equals), text.substr(std::min(equals + 1, text.size())));
  }
  return variables;
}

} // namespace chasqui
