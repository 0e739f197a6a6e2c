#include "messages/near_name.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace chasqui {

namespace {

constexpr std::size_t name_bytes_max = 31;

using distances = std::array<std::size_t, name_bytes_max + 1>;

/// Characters to insert, remove, replace, or swap with their neighbour (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
  distances before{};
  distances last{};
  distances row{};
  for (std::size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto differ = a[i - 1] == b[j - 1] ? 0U : 1U;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + differ});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

} // namespace

std::string_view near_name(std::string_view name, std::span<const std::string_view> names) {
  if (name.empty() || name.size() > name_bytes_max)
    return "";
  std::string_view nearest;
  auto least = std::max<std::size_t>(name.size() / 2, 1) + 1;
  least = std::min<std::size_t>(least, 3);
  for (const auto candidate : names) {
    if (candidate.size() > name_bytes_max)
      continue;
    if (const auto d = distance(name, candidate); d < least) {
      least = d;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string did_you_mean(std::string_view name, std::span<const std::string_view> names) {
  const auto nearest = near_name(name, names);
  return nearest.empty() ? "" : " Did you mean \"" + std::string{nearest} + "\"?";
}

} // namespace chasqui
