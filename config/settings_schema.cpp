#include "config/settings_schema.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <type_traits>

namespace chasqui {

namespace {

template <class T> bool holds(const setting_key& key) {
  settings any;
  return std::holds_alternative<T*>(key.member(any));
}

std::string trimmed(const std::string& text) {
  constexpr auto blanks = " \t";
  const auto first = text.find_first_not_of(blanks);
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> items;
  for (std::size_t at = 0; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    if (auto item = trimmed(text.substr(at, comma - at)); !item.empty())
      items.push_back(std::move(item));
    at = comma + 1;
  }
  return items;
}

std::string in_words(const setting_key& key, std::int64_t value) {
  auto text = std::to_string(value);
  if (const auto unit = unit_of(key); !unit.empty())
    (text += ' ') += unit;
  return text;
}

} // namespace

const setting_key* find_setting(std::string_view name) {
  const auto keys = setting_keys();
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const auto& key) { return key.name == name; });
  return found == keys.end() ? nullptr : &*found;
}

std::string_view table_of(const setting_key& key) {
  const auto dot = key.name.find('.');
  return dot == std::string_view::npos ? std::string_view{} : key.name.substr(0, dot);
}

std::string_view short_name_of(const setting_key& key) {
  const auto dot = key.name.find('.');
  return dot == std::string_view::npos ? key.name : key.name.substr(dot + 1);
}

std::string environment_name_of(const setting_key& key) {
  std::string name = "CHASQUI_";
  for (const char c : key.name)
    name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::string_view unit_of(const setting_key& key) {
  return holds<milliseconds>(key) ? "milliseconds" : key.unit;
}

std::string kind_of(const setting_key& key) {
  if (holds<std::string>(key))
    return "a string";
  if (holds<std::vector<std::string>>(key))
    return "a list of strings";
  const auto unit = unit_of(key);
  return unit.empty() ? "an integer" : "an integer number of " + std::string{unit};
}

std::string wrong_kind(const setting_key& key) { return std::string{key.name} + " must be " + kind_of(key); }

std::string set_number(const setting_key& key, settings& s, std::int64_t value) {
  if (holds<std::string>(key) || holds<std::vector<std::string>>(key))
    return wrong_kind(key);
  if (value < key.range.min || value > key.range.max)
    return std::string{key.name} + " must be " + std::to_string(key.range.min) + " to " +
           in_words(key, key.range.max) + ", not " + std::to_string(value);
  std::visit(
      [&](auto* member) {
        using held = std::remove_pointer_t<decltype(member)>;
        if constexpr (std::is_same_v<held, milliseconds>)
          *member = milliseconds{value};
        else if constexpr (std::is_integral_v<held>)
          *member = static_cast<held>(value);
      },
      key.member(s));
  return "";
}

std::string set_text(const setting_key& key, settings& s, const std::string& value) {
  const auto member = key.member(s);
  auto* const* text = std::get_if<std::string*>(&member);
  if (text == nullptr)
    return wrong_kind(key);
  if (value.find('\0') != std::string::npos)
    return std::string{key.name} + " must not contain a zero byte";
  if (key.refuse != nullptr && !value.empty())
    if (const auto why = key.refuse(value); !why.empty())
      return std::string{key.name} + ": " + why;
  **text = value;
  return "";
}

std::string set_list(const setting_key& key, settings& s, std::vector<std::string> items) {
  const auto member = key.member(s);
  auto* const* list = std::get_if<std::vector<std::string>*>(&member);
  if (list == nullptr)
    return wrong_kind(key);
  for (auto item = items.begin(); item != items.end(); ++item) {
    if (const auto why = key.refuse == nullptr ? "" : key.refuse(*item); !why.empty())
      return std::string{key.name} + ": " + why;
    if (std::find(items.begin(), item, *item) != item)
      return std::string{key.name} + " names '" + *item + "' twice";
  }
  **list = std::move(items);
  return "";
}

std::string set_from_text(const setting_key& key, settings& s, const std::string& text) {
  if (holds<std::string>(key))
    return set_text(key, s, text);
  if (holds<std::vector<std::string>>(key))
    return set_list(key, s, split_at_commas(text));
  const auto digits = trimmed(text);
  std::int64_t value = 0;
  const auto* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (stop != end || (error != std::errc{} && error != std::errc::result_out_of_range) || digits.empty())
    return wrong_kind(key) + ", not '" + text + "'";
  if (error == std::errc::result_out_of_range)
    value = digits.front() == '-' ? std::numeric_limits<std::int64_t>::min()
                                  : std::numeric_limits<std::int64_t>::max();
  return set_number(key, s, value);
}

} // namespace chasqui
