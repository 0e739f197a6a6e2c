#include "actors/written_keys.hpp"

#include "messages/json_fields.hpp"
#include "messages/record_scan.hpp"

#include <algorithm>

namespace chasqui {

namespace {

using values = std::vector<std::string_view>;

/// The JSON texts of a row, in the order of its columns.
values values_of(const record& row) {
  values out;
  scanned_value value;
  for (record_scan scan{row.json}; scan.next(value);)
    out.push_back(value.json);
  return out;
}

/// The key of a row as a text: the same text is the same key. "" if it has none, as a null equals nothing.
std::string key_of(const table_rules& table, const catalogue_key& key, const record& row,
                   const values& given) {
  std::string out = table.name();
  for (const auto& column : key.columns) {
    const auto found = std::find(row.columns.begin(), row.columns.end(), column);
    if (found == row.columns.end())
      return "";
    const auto value = given[static_cast<std::size_t>(found - row.columns.begin())];
    if (value == "null")
      return "";
    out.append(1, '\0').append(column).append(1, '\0').append(value);
  }
  return out;
}

bool is_certain(const table_rules& table, const catalogue_key& key) {
  const auto is_known = [&](const std::string& column) {
    return std::any_of(table.about().columns.begin(), table.about().columns.end(), [&](const auto& c) {
      return c.name == column && c.kind != value_kind::other && !c.is_array;
    });
  };
  return !key.is_partial && !key.is_deferrable &&
         std::all_of(key.columns.begin(), key.columns.end(), is_known);
}

} // namespace

fault written_keys::add(const table_rules* table, const step& s, const json_path& path) {
  const auto number = steps_++;
  const bool keeps_others = s.op == step_op::insert && table != nullptr && table->about().is_plain &&
                            !table->about().has_triggers && !table->about().insert_may_change;
  if (!keeps_others) {
    places_.clear();
    return {};
  }
  const json_path rows{path, "rows"};
  for (std::size_t i = 0; i < s.rows.size(); ++i)
    if (auto f = add_row(*table, s.rows[i], {number, i}, {rows, i}))
      return f;
  return {};
}

fault written_keys::add_row(const table_rules& table, const record& row, place at, const json_path& path) {
  values given;
  for (const auto& key : table.about().keys) {
    if (!is_certain(table, key))
      continue;
    if (given.empty())
      given = values_of(row);
    auto text = key_of(table, key, row, given);
    if (text.empty())
      continue;
    const auto [first, is_new] = places_.emplace(std::move(text), at);
    if (!is_new)
      return refuse(fault_code::refused_by_schema, path,
                    "is refused: table " + table.name() + " has a unique key (" + list_of(key.columns) +
                        "), and `steps[" + std::to_string(first->second.step) + "].rows[" +
                        std::to_string(first->second.row) + "]` inserts the same one");
  }
  return {};
}

} // namespace chasqui
