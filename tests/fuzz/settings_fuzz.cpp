// The settings: a TOML file, then after a line "---" the environment, then after another one the flags, one
// NAME=VALUE a line. Whatever is accepted keeps to the schema, and reads the same again when it is written
// down.

#include "config/settings.hpp"
#include "config/settings_schema.hpp"
#include "tests/fuzz/promise.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace chasqui {

namespace {

using variables = std::map<std::string, std::string>;

/// What stands before the next line "---"; it is taken off.
std::string_view take_part(std::string_view& text) {
  constexpr std::string_view end = "\n---\n";
  const auto at = text.find(end);
  const auto part = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + end.size());
  return part;
}

variables read_variables(std::string_view text) {
  variables found;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (const auto equals = line.find('='); equals != std::string_view::npos)
      found.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return found;
}

std::string quoted(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || c == '"' || c == '\\' || c == '\x7f')
      ((out += "\\u00") += digits[code >> 4U]) += digits[code & 0xFU];
    else
      out += c;
  }
  return out + '"';
}

std::string toml_of(const std::string& text) { return quoted(text); }
std::string toml_of(milliseconds value) { return std::to_string(value.count()); }
std::string toml_of(std::uint64_t value) { return std::to_string(value); }
std::string toml_of(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const auto& item : items)
    out += quoted(item) + ",";
  return out + "]";
}

std::string written(settings& s) {
  std::string out;
  std::string_view table;
  for (const auto& key : setting_keys()) {
    if (table_of(key) != table)
      out += "[" + std::string{table = table_of(key)} + "]\n";
    out += std::string{short_name_of(key)} + " = ";
    out += std::visit([](const auto* member) { return toml_of(*member); }, key.member(s)) + "\n";
  }
  return out;
}

void check_item(const setting_key& key, const std::string& item) {
  promise(is_utf8(item), "a text is UTF-8");
  promise(key.refuse == nullptr || key.refuse(item).empty(), "a text is one that its key takes");
}

void check_value(const setting_key& key, const std::string& text) {
  promise(!key.required || !text.empty(), "what is required is there");
  if (key.required || !text.empty())
    check_item(key, text);
}

void check_value(const setting_key& key, const std::vector<std::string>& items) {
  promise(!key.required || !items.empty(), "what is required is there");
  for (const auto& item : items)
    check_item(key, item);
}

void check_number(const setting_key& key, std::uint64_t value) {
  promise(value >= static_cast<std::uint64_t>(key.range.min) &&
              value <= static_cast<std::uint64_t>(key.range.max),
          "a number is within its range");
}

void check_value(const setting_key& key, milliseconds value) {
  promise(value.count() >= 0, "no time is negative");
  check_number(key, static_cast<std::uint64_t>(value.count()));
}

template <class Number>
requires std::is_unsigned_v<Number>
void check_value(const setting_key& key, Number value) { check_number(key, value); }

void check_accepted(settings s) {
  for (const auto& key : setting_keys())
    std::visit([&key](const auto* member) { check_value(key, *member); }, key.member(s));
  const auto text = written(s);
  auto again = read_settings(text, "written", {}, {});
  promise(again.errors.empty(), "what is accepted can be written down");
  promise(written(again.value) == text, "what is written down reads the same");
}

void read(std::string_view input) {
  const std::string toml{take_part(input)};
  const auto environment = read_variables(take_part(input));
  const auto overrides = read_variables(take_part(input));
  const auto lines = static_cast<std::uint32_t>(std::count(toml.begin(), toml.end(), '\n')) + 1;
  auto reading = read_settings(toml, "file", environment, overrides);
  for (const auto& e : reading.errors) {
    promise(!e.source.empty() && !e.message.empty(), "an error says what and where");
    promise(e.line <= lines, "an error's line is in the file");
    promise(e.source != "file" || is_utf8(to_string(e)), "an error in a file is text");
  }
  if (reading.errors.empty())
    check_accepted(std::move(reading.value));
}

} // namespace

} // namespace chasqui

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  chasqui::read({data, size});
  return 0;
}
