#include "tests/demo/fixture.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <set>
#include <stdexcept>
#include <string_view>

namespace chasqui::night {

namespace {

/// FNV-1a, 32 bits (Fowler, Noll, Vo), cut to a positive `integer`.
std::int32_t unit_id_of(std::string_view observation) {
  std::uint32_t hash = 2166136261U;
  for (const char c : observation)
    hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619U;
  return static_cast<std::int32_t>(hash & 0x3FFFFFFFU);
}

exposure read_exposure(const nlohmann::json& j) {
  const auto start = parse_instant(j.at("start").get<std::string>());
  if (!start)
    throw std::runtime_error{"not a time: " + j.at("start").dump()};
  exposure e;
  e.file = j.at("file");
  e.bytes = j.at("size");
  e.md5 = j.at("md5");
  e.target = j.at("target");
  e.ra_deg = j.at("ra_deg");
  e.dec_deg = j.at("dec_deg");
  e.start = *start;
  e.exposure_s = j.at("exposure_s");
  e.filter = j.at("filter");
  e.instrument = j.at("instrument");
  return e;
}

void add(std::vector<observation>& night, const nlohmann::json& j) {
  const std::string name = j.at("observation");
  if (night.empty() || night.back().name != name)
    night.push_back({unit_id_of(name), j.at("program"), name, {}});
  night.back().exposures.push_back(read_exposure(j));
}

void check(const std::vector<observation>& night) {
  std::set<std::int32_t> ids;
  for (const auto& o : night)
    if (!ids.insert(o.unit_id).second)
      throw std::runtime_error{o.name + " stands in two places, or shares its id with another observation"};
  if (night.empty())
    throw std::runtime_error{"no observations"};
}

} // namespace

std::vector<observation> read_night(const std::string& path) {
  std::ifstream file{path};
  if (!file)
    throw std::runtime_error{"cannot read " + path};
  try {
    std::vector<observation> night;
    for (const auto& record : nlohmann::json::parse(file))
      add(night, record);
    check(night);
    return night;
  } catch (const std::exception& e) {
    throw std::runtime_error{path + ": " + e.what()};
  }
}

} // namespace chasqui::night
