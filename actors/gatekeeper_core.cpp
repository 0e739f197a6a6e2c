#include "actors/gatekeeper_core.hpp"

namespace chasqui {

std::string_view to_string(right r) {
  switch (r) {
  case right::read:
    return "read";
  case right::submit:
    return "submit";
  case right::steer:
    return "steer";
  }
  return "";
}

gatekeeper_core::gatekeeper_core(const std::vector<std::string>& rights)
    : rights_{rights.begin(), rights.end()} {}

fault gatekeeper_core::check(right wanted) const {
  if (rights_.contains(to_string(wanted)))
    return {};
  return {fault_code::forbidden,
          "Remote sessions may not " + std::string{to_string(wanted)} +
              " here. The settings of the runtime grant it (remote.rights).",
          ""};
}

} // namespace chasqui
