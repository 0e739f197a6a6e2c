#include "config/settings.hpp"

#include "config/settings_report.hpp"
#include "config/settings_schema.hpp"
#include "config/suggestion.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>

namespace chasqui {

namespace {

constexpr std::size_t file_bytes_max = 1U << 20U;

/// What lays values over the defaults, one source after another.
struct reader {
  std::string source;
  settings value;
  settings_report report;
};

settings_error place_of(const reader& r, const toml::source_region& region) {
  return {r.source, region.begin.line, region.begin.column, ""};
}

std::vector<std::string> all_names(std::string (*name_of)(const setting_key&)) {
  std::vector<std::string> names;
  for (const auto& key : setting_keys())
    if (auto name = name_of(key); !name.empty() && (names.empty() || names.back() != name))
      names.push_back(std::move(name));
  return names;
}

std::vector<std::string> key_names() {
  return all_names([](const setting_key& key) { return std::string{key.name}; });
}

std::vector<std::string> table_names() {
  return all_names([](const setting_key& key) { return std::string{table_of(key)}; });
}

bool is_table_name(const std::string& name) {
  const auto names = table_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string set_node(const setting_key& key, settings& s, const toml::node& node) {
  if (const auto* number = node.as_integer())
    return set_number(key, s, number->get());
  if (const auto* text = node.as_string())
    return set_text(key, s, text->get());
  const auto* array = node.as_array();
  if (array == nullptr)
    return wrong_kind(key);
  std::vector<std::string> items;
  for (const auto& item : *array) {
    if (!item.is_string())
      return wrong_kind(key);
    items.push_back(item.as_string()->get());
  }
  return set_list(key, s, std::move(items));
}

void lay_node(reader& r, const std::string& name, const toml::key& at, const toml::node& node) {
  if (const auto* key = find_setting(name)) {
    r.report.set(key->name, place_of(r, node.source()), set_node(*key, r.value, node));
    return;
  }
  auto error = place_of(r, at.source());
  error.message = "unknown key " + name + suggestion(name, key_names());
  r.report.add(std::move(error));
}

void lay_table(reader& r, const std::string& name, const toml::key& at, const toml::node& node) {
  const auto* table = node.as_table();
  auto error = place_of(r, at.source());
  if (!is_table_name(name))
    error.message = "unknown table [" + name + "]" + suggestion(name, table_names());
  else if (table == nullptr)
    error.message = name + " must be a table, [" + name + "]";
  if (table == nullptr || !error.message.empty()) {
    r.report.add(std::move(error));
    return;
  }
  for (const auto& [key, value] : *table)
    lay_node(r, name + '.' + std::string{key.str()}, key, value);
}

bool lay_toml(reader& r, const std::string& text) {
  try {
    const auto document = toml::parse(text, r.source);
    for (const auto& [key, node] : document) {
      const std::string name{key.str()};
      if (is_table_name(name) || node.is_table())
        lay_table(r, name, key, node);
      else
        lay_node(r, name, key, node);
    }
    return true;
  } catch (const toml::parse_error& e) {
    auto error = place_of(r, e.source());
    error.message = "not TOML: " + std::string{e.description()};
    r.report.add(std::move(error));
    return false;
  }
}

void lay_environment(reader& r, const std::map<std::string, std::string>& environment) {
  constexpr std::string_view prefix = "CHASQUI_";
  for (const auto& variable : environment) { // No binding: the lambda below could not see it under clang 14.
    const auto& name = variable.first;
    if (!name.starts_with(prefix) || name == "CHASQUI_CONFIG")
      continue;
    const auto keys = setting_keys();
    const auto key =
        std::find_if(keys.begin(), keys.end(), [&](const auto& k) { return environment_name_of(k) == name; });
    const settings_error place{name, 0, 0, ""};
    if (key != keys.end())
      r.report.set(key->name, place, set_from_text(*key, r.value, variable.second));
    else
      r.report.add({name, 0, 0, "unknown variable" + suggestion(name, all_names(environment_name_of))});
  }
}

void lay_overrides(reader& r, const std::map<std::string, std::string>& overrides) {
  for (const auto& [name, text] : overrides) {
    const settings_error place{"flag " + name, 0, 0, ""};
    if (const auto* key = find_setting(name))
      r.report.set(key->name, place, set_from_text(*key, r.value, text));
    else
      r.report.add({place.source, 0, 0, "unknown key" + suggestion(name, key_names())});
  }
}

/// The file's text, or why it cannot be had.
struct file_text {
  std::string text;
  std::string error;
};

file_text read_text(const std::string& path) {
  errno = 0;
  std::ifstream file{path, std::ios::binary};
  std::string text(file_bytes_max + 1, '\0');
  if (!file || (!file.read(text.data(), static_cast<std::streamsize>(text.size())) && file.bad()))
    return {"", "cannot be read: " + std::generic_category().message(errno == 0 ? EIO : errno)};
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > file_bytes_max)
    return {"", "is longer than " + std::to_string(file_bytes_max) + " bytes, too long for settings"};
  return {std::move(text), ""};
}

} // namespace

std::string to_string(const settings_error& e) {
  auto text = e.source;
  if (e.line != 0)
    text += ':' + std::to_string(e.line) + ':' + std::to_string(e.column);
  return text + ": " + e.message;
}

settings_reading read_settings(const std::string& toml, const std::string& source,
                               const std::map<std::string, std::string>& environment,
                               const std::map<std::string, std::string>& overrides, settings_reader who) {
  reader r{source, {}, settings_report{source}};
  const bool readable = lay_toml(r, toml);
  lay_environment(r, environment);
  lay_overrides(r, overrides);
  if (readable)
    check_settings(r.value, who, r.report);
  return {std::move(r.value), r.report.take()};
}

settings_reading read_settings_file(const std::string& path,
                                    const std::map<std::string, std::string>& environment,
                                    const std::map<std::string, std::string>& overrides,
                                    settings_reader who) {
  const auto file = read_text(path);
  if (!file.error.empty())
    return {{}, {{path, 0, 0, file.error}}};
  return read_settings(file.text, path, environment, overrides, who);
}

} // namespace chasqui
