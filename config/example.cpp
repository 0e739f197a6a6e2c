#include "config/example.hpp"

#include "config/settings_schema.hpp"

#include <type_traits>
#include <variant>

namespace chasqui {

namespace {

std::string quoted(std::string_view text) { return '"' + std::string{text} + '"'; }

std::string toml_text(const std::string& text) { return quoted(text); }

std::string toml_text(const std::vector<std::string>& items) {
  std::string text = "[";
  for (const auto& item : items)
    text += (text.size() > 1 ? ", " : "") + quoted(item);
  return text + "]";
}

std::string toml_text(milliseconds value) { return std::to_string(value.count()); }

std::string toml_text(std::uint64_t value) { return std::to_string(value); }

std::string default_of(const setting_key& key) {
  settings defaults;
  return std::visit([](const auto* member) { return toml_text(*member); }, key.member(defaults));
}

std::string comment_of(const setting_key& key) {
  auto text = "# " + std::string{key.description} + '.';
  if (key.range.max == 0)
    return text;
  text += ' ' + std::to_string(key.range.min) + " to " + std::to_string(key.range.max);
  if (const auto unit = unit_of(key); !unit.empty())
    (text += ' ') += unit;
  return text + '.';
}

} // namespace

std::string example_settings() {
  std::string text =
      "# Settings of Chasqui: what is commented out shows the default. The environment overrides the\n"
      "# file, buffer.retain_entries as CHASQUI_BUFFER_RETAIN_ENTRIES; lists are comma separated there.\n"
      "# `chasquid --config FILE --check-config` says what is wrong with a file.\n";
  std::string_view table;
  for (const auto& key : setting_keys()) {
    if (table_of(key) != table) {
      table = table_of(key);
      text += "\n[" + std::string{table} + "]\n";
    } else if (table.empty()) {
      text += '\n';
    }
    text += comment_of(key) + '\n';
    text += key.example.empty() ? "# " : "";
    text += std::string{short_name_of(key)} + " = ";
    text += (key.example.empty() ? default_of(key) : quoted(key.example)) + '\n';
  }
  return text;
}

} // namespace chasqui
