#include "config/suggestion.hpp"

#include <algorithm>
#include <numeric>

namespace chasqui {

namespace {

/// Levenshtein's distance: letters to insert, delete or replace.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

/// What people forget is a key's table, or the unit at its end.
bool is_half_remembered(std::string_view written, std::string_view name) {
  return written.substr(written.rfind('.') + 1) == name.substr(name.rfind('.') + 1) ||
         (name.starts_with(written) && name.substr(written.size()).starts_with('_'));
}

} // namespace

std::string suggestion(std::string_view written, const std::vector<std::string>& names) {
  constexpr std::size_t written_max = 200; // The distance takes time with the square of it.
  if (written.size() > written_max)
    return "";
  const std::string* nearest = nullptr;
  auto least = std::max<std::size_t>(2, written.size() / 4) + 1;
  for (const auto& name : names) {
    const auto d = is_half_remembered(written, name) ? 1 : distance(written, name);
    if (d < least) {
      least = d;
      nearest = &name;
    }
  }
  return nearest == nullptr ? "" : "; did you mean " + *nearest + "?";
}

} // namespace chasqui
