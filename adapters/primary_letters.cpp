#include "adapters/primary_letters.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>

namespace chasqui {

std::vector<uuid> uuids_of(std::string_view array) {
  constexpr std::size_t id_bytes = 36;
  std::vector<uuid> ids;
  for (std::size_t at = 1; at + id_bytes < array.size(); at += id_bytes + 1) {
    ids.push_back(parse_uuid(array.substr(at, id_bytes)).value_or(uuid{}));
  }
  return ids;
}

stage stage_of_letter(std::string_view state) {
  return state == "applied"     ? stage::committed
         : state == "discarded" ? stage::discarded
         : state == "parked"    ? stage::parked
                                : stage::rejected;
}

std::vector<settled_letter> settled_letters_of(std::string_view json) {
  std::vector<settled_letter> letters;
  const auto list = nlohmann::json::parse(json, nullptr, false);
  if (!list.is_array()) {
    return letters;
  }
  const auto text = [](const nlohmann::json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  for (const auto& one : list) {
    if (one.is_object()) {
      letters.push_back({parse_uuid(text(one, "id")).value_or(uuid{}), stage_of_letter(text(one, "state")),
                         text(one, "code"), text(one, "reason")});
    }
  }
  return letters;
}

} // namespace chasqui
