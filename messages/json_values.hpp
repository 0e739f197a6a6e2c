#pragma once

#include "messages/identity.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>
#include <string>

namespace chasqui {

/// The version of the forms below `messages/json.hpp`; it rises when one of them loses or changes a field.
constexpr int json_schema_version = 1;

/// The text of a time or a log position, null for "never" and "unknown".
template <class T> nlohmann::json json_or_null(const T& value) {
  auto text = to_string(value);
  return text.empty() ? nlohmann::json{} : nlohmann::json(std::move(text));
}

/// What `parse` makes of the string `j`; throws when that is nothing.
template <class Parse> auto parsed(const nlohmann::json& j, Parse parse) {
  constexpr int unreadable = 501;
  const auto& text = j.get_ref<const std::string&>();
  if (auto value = parse(text))
    return *value;
  throw nlohmann::json::other_error::create(unreadable, "not a value of this field: " + text, &j);
}

/// Reads the whole number `j`; throws when it is none, or one that `x` cannot hold.
template <class Number> void read_number(const nlohmann::json& j, Number& x) {
  constexpr int out_of_range = 501;
  const bool is_whole = j.is_number_unsigned() || (j.is_number_integer() && j.get<std::int64_t>() >= 0);
  if (!is_whole || j.get<std::uint64_t>() > std::numeric_limits<Number>::max())
    throw nlohmann::json::other_error::create(out_of_range, "not a number of this field: " + j.dump(), &j);
  x = j.get<Number>();
}

/// As `parsed`, and the value that means "never" or "unknown" for null.
template <class Parse> auto parsed_or_null(const nlohmann::json& j, Parse parse) {
  return j.is_null() ? decltype(parsed(j, parse)){} : parsed(j, parse);
}

} // namespace chasqui
