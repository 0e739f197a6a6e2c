#include "actors/preflight_core.hpp"

#include "actors/written_keys.hpp"
#include "messages/json_fields.hpp"
#include "messages/near_name.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace chasqui {

namespace {

constexpr auto refused = fault_code::refused_by_schema;

/// Every table has these, though nobody lists them.
bool is_system_column(std::string_view name) {
  constexpr std::array<std::string_view, 6> all{"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"};
  return std::find(all.begin(), all.end(), name) != all.end();
}

fault check_inserts(const table_rules& table, const step& s, const json_path& path) {
  const json_path rows{path, "rows"};
  for (std::size_t i = 0; i < s.rows.size(); ++i) {
    // Of several rows of one key in an upsert the last one counts.
    const bool counts = s.op == step_op::insert || i + 1 == s.rows.size();
    if (auto f = table.check_row(s.rows[i], {rows, i}, counts))
      return f;
  }
  if (s.op == step_op::upsert && !table.may_have_key(s.key))
    return refuse(refused, {path, "key"},
                  "is refused: table " + table.name() + " has no unique key of exactly these columns");
  return {};
}

} // namespace

preflight_core::preflight_core(catalogue schema) : schema_{std::move(schema)} {
  for (auto& table : std::exchange(schema_.tables, {})) {
    tables_.push_back(std::make_unique<table_rules>(std::move(table)));
    by_name_.emplace(tables_.back()->name(), tables_.back().get());
  }
  for (const auto& place : schema_.search_path)
    for (const auto& table : tables_)
      if (table->about().schema == place)
        by_name_.emplace(table->about().name, table.get());
  rows_.emplace(tables_);
}

fault preflight_core::check(const transaction& t) const {
  const json_path document;
  const json_path steps{document, "steps"};
  for (std::size_t i = 0; i < t.steps.size(); ++i)
    if (auto f = check_step(t.steps[i], {steps, i}))
      return f;
  written_keys keys;
  if (t.steps.size() > 1 || t.steps.front().rows.size() > 1)
    for (std::size_t i = 0; i < t.steps.size(); ++i)
      if (auto f = keys.add(find(t.steps[i].table), t.steps[i], {steps, i}))
        return f;
  return {};
}

std::vector<row_question> preflight_core::ask(const transaction& t) const {
  if (schema_.search_path.empty()) // Then nobody knows which table a bare name is.
    return {};
  return rows_->ask(t, [this](const std::string& table) { return find(table); });
}

const table_rules* preflight_core::find(const std::string& table) const {
  const auto found = by_name_.find(table);
  return found == by_name_.end() ? nullptr : found->second;
}

fault preflight_core::check_step(const step& s, const json_path& path) const {
  const auto* table = find(s.table);
  if (table == nullptr)
    return refuse_unknown(s.table, {path, "table"});
  if (auto f = check_rights(*table, s, {path, "table"}))
    return f;
  if (s.op == step_op::insert || s.op == step_op::upsert)
    return check_inserts(*table, s, path);
  // If no row is to change, nobody may ever look at the values.
  const bool counts = s.expect_rows > 0;
  if (s.op == step_op::update)
    if (auto f = table->check_set(s.set, {path, "set"}, counts))
      return f;
  return check_where(*table, s, {path, "where"});
}

/// A column that a condition names may be a function, too: t.f is f(t).
fault preflight_core::check_where(const table_rules& table, const step& s, const json_path& path) const {
  for (const auto& column : s.where.columns)
    if (!table.has_column(column) && !is_system_column(column) && !schema_.functions.contains(column))
      return table.refuse_unknown(column, {path, column});
  return s.expect_rows > 0 ? table.check_where(s.where, path) : fault{};
}

fault preflight_core::refuse_unknown(const std::string& table, const json_path& path) const {
  const auto dot = table.find('.');
  const auto schema = dot == std::string::npos ? "" : table.substr(0, dot);
  // What is PostgreSQL's own is not in the catalogue.
  if (table.starts_with("pg_") || schema == "information_schema" ||
      (schema.empty() && schema_.search_path.empty()))
    return {};
  std::vector<std::string_view> names;
  for (const auto& [name, known] : by_name_)
    names.push_back(name);
  std::sort(names.begin(), names.end());
  auto f = refuse(refused, path,
                  "is refused: there is no table " + table + " on the primary, as far as its replica knows");
  f.message += did_you_mean(table, names);
  return f;
}

fault preflight_core::check_rights(const table_rules& table, const step& s, const json_path& path) const {
  const auto& t = table.about();
  std::string lacking;
  if (schema_.closed.contains(t.schema))
    return refuse(refused, path,
                  "is refused: role " + schema_.role + " may not use schema " + t.schema +
                      ": on the primary, GRANT USAGE ON SCHEMA " + t.schema + " TO " + schema_.role);
  const bool inserts = s.op == step_op::insert || s.op == step_op::upsert;
  const bool updates =
      s.op == step_op::update || (s.op == step_op::upsert && s.rows.front().columns.size() > s.key.size());
  if (inserts && !t.may_insert)
    lacking = "INSERT";
  else if (updates && !t.may_update)
    lacking = "UPDATE";
  else if (s.op == step_op::erase && !t.may_delete)
    lacking = "DELETE";
  if (lacking.empty())
    return {};
  return refuse(refused, path,
                "is refused: role " + schema_.role + " may not " + lacking + " on table " + table.name() +
                    ": on the primary, GRANT " + lacking + " ON " + table.name() + " TO " + schema_.role);
}

} // namespace chasqui
