#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace chasqui {

/// The names of an enum's values, in the order of the values, which count from 0.
template <class Enum, std::size_t size> struct name_table {
  std::array<std::string_view, size> names;

  [[nodiscard]] constexpr std::string_view name(Enum value) const {
    const auto at = static_cast<std::size_t>(value);
    return at < size ? names[at] : "unknown";
  }

  [[nodiscard]] constexpr std::optional<Enum> value(std::string_view name) const {
    const auto* found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
      return std::nullopt;
    return static_cast<Enum>(found - names.begin());
  }

  /// True when there are as many names as values up to `last`: a table that a new value outgrew fails here.
  [[nodiscard]] constexpr bool ends_with(Enum last) const {
    return static_cast<std::size_t>(last) + 1 == size && !names.back().empty();
  }
};

} // namespace chasqui
