#include "actors/table_rules.hpp"

#include "actors/column_rules.hpp"
#include "messages/json_fields.hpp"
#include "messages/near_name.hpp"

#include <algorithm>

namespace chasqui {

namespace {

constexpr auto refused = fault_code::refused_by_schema;

} // namespace

std::string list_of(const std::vector<std::string>& columns) {
  std::string out;
  for (const auto& column : columns)
    out += (out.empty() ? "" : ", ") + column;
  return out;
}

table_rules::table_rules(catalogue_table about)
    : about_{std::move(about)}, name_{about_.schema + "." + about_.name} {
  for (const auto& c : about_.columns) {
    const bool is_required = c.not_null && !c.has_default && !c.is_computed;
    required_ += is_required ? 1 : 0;
    columns_.emplace(c.name, rules{&c, is_required, {}});
  }
  for (const auto& r : about_.references)
    references_.push_back("(" + list_of(r.columns) + ") of table " + name_ + " refers to (" +
                          list_of(r.parent_columns) + ") of table " + r.parent + " (" + r.name + ")");
  for (std::size_t check = 0; check < about_.checks.size(); ++check)
    add_limits(check);
}

void table_rules::add_limits(std::size_t check) {
  auto comparisons = read_check(about_.checks[check].rule);
  if (!comparisons)
    return;
  for (auto& one : *comparisons)
    if (const auto found = columns_.find(one.column); found != columns_.end())
      found->second.limits.push_back({std::move(one), check});
}

const table_rules::rules* table_rules::find(const std::string& column) const {
  const auto found = columns_.find(column);
  return found == columns_.end() ? nullptr : &found->second;
}

std::string table_rules::column_text(const catalogue_column& c) const {
  return "column " + c.name + " (" + c.type + ") of table " + name_;
}

fault table_rules::refuse_unknown(const std::string& column, const json_path& path) const {
  std::vector<std::string_view> names;
  for (const auto& c : about_.columns)
    names.push_back(c.name);
  auto f = refuse(refused, path, "is refused: table " + name_ + " has no column " + column);
  f.message += did_you_mean(column, names);
  return f;
}

fault table_rules::check_value(const rules& of, const scanned_value& value, const json_path& path,
                               bool is_stored) const {
  const auto& c = *of.column;
  if (value.kind == json_kind::null) {
    if (!is_stored || !c.not_null)
      return {};
    return refuse(refused, path, "is refused: " + column_text(c) + " is NOT NULL, and this is null");
  }
  if (const auto why = refusal_of(c, value); !why.empty())
    return refuse(refused, path, "is refused by " + column_text(c) + ": " + why);
  if (is_stored)
    for (const auto& one : of.limits)
      if (fails(one.what, c, value)) {
        const auto& check = about_.checks[one.check];
        return refuse(refused, path,
                      "is refused by " + column_text(c) + ": " + clip(value.json) + " fails " + check.name +
                          ", CHECK " + clip(check.rule, 200));
      }
  return {};
}

fault table_rules::check_record(const record& r, const json_path& path, bool is_looked_at, bool is_stored,
                                std::size_t& required) const {
  record_scan scan{r.json};
  scanned_value value;
  for (const auto& column : r.columns) {
    const auto* known = find(column);
    if (known == nullptr)
      return refuse_unknown(column, {path, column});
    if (about_.is_plain && known->column->is_computed)
      return refuse(refused, {path, column},
                    "is refused: the primary computes " + column_text(*known->column) + ": leave it out");
    required += known->is_required ? 1 : 0;
    if (!is_looked_at)
      continue;
    scan.next(value);
    if (auto f = check_value(*known, value, {path, column}, is_stored))
      return f;
  }
  return {};
}

fault table_rules::check_missing(const record& row, const json_path& path) const {
  const auto is_given = [&](const std::string& column) {
    return std::find(row.columns.begin(), row.columns.end(), column) != row.columns.end();
  };
  for (const auto& c : about_.columns)
    if (columns_.at(c.name).is_required && !is_given(c.name))
      return refuse(refused, path,
                    "is refused: it has no value for " + column_text(c) +
                        ", which is NOT NULL and has no default");
  return {};
}

fault table_rules::check_row(const record& row, const json_path& path, bool counts) const {
  std::size_t required = 0;
  if (auto f = check_record(row, path, about_.is_plain, counts && !about_.insert_may_change, required))
    return f;
  return about_.is_plain && !about_.insert_may_change && required < required_ ? check_missing(row, path)
                                                                              : fault{};
}

fault table_rules::check_set(const record& set, const json_path& path, bool counts) const {
  std::size_t required = 0;
  return check_record(set, path, about_.is_plain && counts, !about_.update_may_change, required);
}

fault table_rules::check_where(const record& where, const json_path& path) const {
  if (!about_.is_plain)
    return {};
  record_scan scan{where.json};
  scanned_value value;
  for (const auto& column : where.columns) {
    scan.next(value);
    if (const auto* known = find(column)) // Others are functions.
      if (auto f = check_value(*known, value, {path, column}, false))
        return f;
  }
  return {};
}

bool table_rules::may_have_key(const std::vector<std::string>& columns) const {
  return !about_.is_plain || std::any_of(about_.keys.begin(), about_.keys.end(), [&](const auto& key) {
    return std::is_permutation(key.columns.begin(), key.columns.end(), columns.begin(), columns.end());
  });
}

} // namespace chasqui
