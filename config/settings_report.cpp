#include "config/settings_report.hpp"

#include <algorithm>
#include <tuple>

namespace chasqui {

void settings_report::set(std::string_view key, const settings_error& place, const std::string& error) {
  places_[key] = place;
  if (error.empty())
    return;
  refused_.insert(key);
  add({place.source, place.line, place.column, error});
}

void settings_report::refuse(std::string_view key, const std::string& message) {
  if (!refused_.insert(key).second)
    return;
  const auto found = places_.find(key);
  auto error = found == places_.end() ? settings_error{source_, 0, 0, ""} : found->second;
  error.message = message;
  add(std::move(error));
}

std::vector<settings_error> settings_report::take() {
  std::stable_sort(errors_.begin(), errors_.end(), [](const auto& a, const auto& b) {
    return std::make_tuple(a.line == 0, a.line, a.column) < std::make_tuple(b.line == 0, b.line, b.column);
  });
  return std::move(errors_);
}

} // namespace chasqui
