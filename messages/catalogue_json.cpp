#include "messages/catalogue.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace chasqui {

namespace {

using nlohmann::json;

value_kind kind_of(std::string_view type) {
  using enum value_kind;
  constexpr std::array<std::pair<std::string_view, value_kind>, 18> kinds{{{"int2", int2},
                                                                           {"int4", int4},
                                                                           {"int8", int8},
                                                                           {"float4", float4},
                                                                           {"float8", float8},
                                                                           {"numeric", numeric},
                                                                           {"bool", boolean},
                                                                           {"uuid", uuid},
                                                                           {"text", text},
                                                                           {"varchar", text},
                                                                           {"bpchar", character},
                                                                           {"json", value_kind::json},
                                                                           {"jsonb", value_kind::json},
                                                                           {"date", date},
                                                                           {"timestamp", timestamp},
                                                                           {"timestamptz", timestamp},
                                                                           {"bytea", bytea},
                                                                           {"enum", enumeration}}};
  const auto* found =
      std::find_if(kinds.begin(), kinds.end(), [&](const auto& kind) { return kind.first == type; });
  return found == kinds.end() ? other : found->second;
}

bool flag(const json& j, const char* name) { return j.value(name, false); }

catalogue_column column_from(const json& j) {
  catalogue_column c;
  j.at("name").get_to(c.name);
  j.at("type").get_to(c.type);
  c.kind = kind_of(j.at("kind").get_ref<const std::string&>());
  c.is_array = flag(j, "array");
  c.typmod = j.value("typmod", -1);
  c.labels = j.value("labels", std::vector<std::string>{});
  c.not_null = flag(j, "not_null");
  c.has_default = flag(j, "default");
  c.is_computed = flag(j, "computed");
  c.folds = flag(j, "folds");
  return c;
}

catalogue_table table_from(const json& j) {
  catalogue_table t;
  j.at("schema").get_to(t.schema);
  j.at("name").get_to(t.name);
  const auto kind = j.at("kind").get<std::string>();
  const bool in_parts = kind == "p";
  t.is_plain = (kind == "r" || in_parts) && !flag(j, "rules");
  t.insert_may_change = in_parts || flag(j, "before_insert");
  t.update_may_change = in_parts || flag(j, "children") || flag(j, "before_update");
  t.has_triggers = flag(j, "triggers");
  t.may_insert = !flag(j, "no_insert");
  t.may_update = !flag(j, "no_update");
  t.may_delete = !flag(j, "no_delete");
  for (const auto& column : j.at("columns"))
    t.columns.push_back(column_from(column));
  for (const auto& key : j.value("keys", json::array()))
    t.keys.push_back(
        {key.at("columns").get<std::vector<std::string>>(), flag(key, "partial"), flag(key, "deferrable")});
  for (const auto& check : j.value("checks", json::array()))
    t.checks.push_back({check.at("name").get<std::string>(), check.at("rule").get<std::string>()});
  for (const auto& r : j.value("references", json::array()))
    t.references.push_back({r.at("name").get<std::string>(), r.at("columns").get<std::vector<std::string>>(),
                            r.at("parent").get<std::string>(),
                            r.at("parent_columns").get<std::vector<std::string>>()});
  return t;
}

} // namespace

std::variant<catalogue, fault> decode_catalogue(std::string_view document) {
  try {
    const auto j = json::parse(document);
    catalogue c;
    j.at("database").get_to(c.database);
    j.at("role").get_to(c.role);
    c.search_path = j.value("search_path", std::vector<std::string>{});
    for (const auto& [schema, is_open] : j.at("schemas").items()) {
      c.schemas.insert(schema);
      if (!is_open.get<bool>())
        c.closed.insert(schema);
    }
    j.at("functions").get_to(c.functions);
    for (const auto& table : j.at("tables"))
      c.tables.push_back(table_from(table));
    return c;
  } catch (const json::exception& e) {
    return fault{fault_code::malformed, std::string{"This is no catalogue: "} + e.what(), ""};
  }
}

} // namespace chasqui
