#include "tests/fuzz/promise.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <iostream>
#include <string>

namespace chasqui {

void promise(bool holds, std::string_view what) {
  if (holds)
    return;
  std::cerr << "A promise is broken: " << what << '\n';
  std::abort();
}

bool is_utf8(std::string_view text) {
  try {
    static_cast<void>(nlohmann::json(std::string{text}).dump());
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

} // namespace chasqui
