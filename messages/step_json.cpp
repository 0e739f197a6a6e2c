#include "messages/json_fields.hpp"
#include "messages/near_name.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace chasqui {

namespace {

enum step_field : std::size_t { op, table, key, rows, where, set, expect_rows, step_field_count };

constexpr std::array<std::string_view, step_field_count> step_field_names{
    "op", "table", "key", "rows", "where", "set", "expect_rows"};

constexpr unsigned bits(auto... field) { return ((1U << field) | ...); }

struct op_form {
  unsigned required;
  unsigned optional;
};

// In the order of step_op.
constexpr std::array<std::string_view, 4> op_names{"insert", "upsert", "update", "delete"};
constexpr std::array<op_form, 4> op_forms{{{bits(op, table, rows), 0},
                                           {bits(op, table, key, rows), 0},
                                           {bits(op, table, where, set), bits(expect_rows)},
                                           {bits(op, table, where), bits(expect_rows)}}};

constexpr std::string_view op_name(step_op o) { return op_names[static_cast<std::size_t>(o)]; }

using step_members = std::array<json_value, step_field_count>;

/// Reads the fields of one step, whose place and limits all of them share.
class step_reader {
public:
  step_reader(const json_path& path, const transaction_limits& limits) : path_{path}, limits_{limits} {}

  fault read(json_value value, step& out);

private:
  [[nodiscard]] json_path at(step_field field) const { return {path_, step_field_names[field]}; }

  fault read_op(json_value value, step_op& out) const;
  [[nodiscard]] fault check_form(const step_members& found, step_op o) const;
  fault read_table(json_value value, std::string& out) const;
  fault read_key(json_value value, std::vector<std::string>& out) const;
  fault read_rows(json_value value, std::vector<record>& out) const;
  fault read_expect_rows(json_value value, std::int64_t& out) const;
  [[nodiscard]] fault check_key_in_rows(const step& s) const;

  const json_path& path_;
  const transaction_limits& limits_;
};

fault step_reader::read(json_value value, step& out) {
  step_members found;
  if (auto f = read_fields(value, path_, step_field_names, found))
    return f;
  if (auto f = read_op(found[op], out.op))
    return f;
  if (auto f = check_form(found, out.op))
    return f;
  if (auto f = read_table(found[table], out.table))
    return f;
  if (found[key])
    if (auto f = read_key(found[key], out.key))
      return f;
  if (found[rows])
    if (auto f = read_rows(found[rows], out.rows))
      return f;
  if (found[where])
    if (auto f = read_record(found[where], at(where), limits_, out.where))
      return f;
  if (found[set])
    if (auto f = read_record(found[set], at(set), limits_, out.set))
      return f;
  if (auto f = read_expect_rows(found[expect_rows], out.expect_rows))
    return f;
  if (!found[expect_rows] && found[where])
    out.expect_rows = 1;
  return check_key_in_rows(out);
}

fault step_reader::read_op(json_value value, step_op& out) const {
  if (!value)
    return refuse(fault_code::missing_field, at(op), "is missing: insert, upsert, update or delete");
  if (auto f = require_kind(value, at(op), json_kind::string))
    return f;
  const auto* name = std::find(op_names.begin(), op_names.end(), value.text());
  if (name == op_names.end()) {
    auto f = refuse(fault_code::malformed, at(op), "must be insert, upsert, update or delete");
    f.message += did_you_mean(value.text(), op_names);
    return f;
  }
  out = static_cast<step_op>(name - op_names.begin());
  return {};
}

fault step_reader::check_form(const step_members& found, step_op o) const {
  const auto& form = op_forms[static_cast<std::size_t>(o)];
  const auto of_op =
      "to " +
      std::string{o == step_op::insert || o == step_op::upsert || o == step_op::update ? "an " : "a "};
  for (std::size_t field = 0; field < step_field_count; ++field) {
    const auto bit = bits(field);
    const auto place = at(static_cast<step_field>(field));
    if (found[field] && ((form.required | form.optional) & bit) == 0)
      return refuse(fault_code::unknown_field, place,
                    "does not belong " + of_op + std::string{op_name(o)} + ": remove it");
    if (!found[field] && (form.required & bit) != 0)
      return refuse(fault_code::missing_field, place,
                    "is missing: it belongs " + of_op + std::string{op_name(o)});
  }
  return {};
}

fault step_reader::read_table(json_value value, std::string& out) const {
  if (auto f = require_kind(value, at(table), json_kind::string))
    return f;
  const auto name = value.text();
  const auto dot = name.find('.');
  if (dot != std::string_view::npos) {
    if (name.find('.', dot + 1) != std::string_view::npos)
      return refuse(fault_code::malformed, at(table), "must be `table` or `schema.table`");
    if (auto f = check_name(name.substr(0, dot), at(table), limits_))
      return f;
  }
  if (auto f = check_name(dot == std::string_view::npos ? name : name.substr(dot + 1), at(table), limits_))
    return f;
  out = name;
  return {};
}

fault step_reader::read_key(json_value value, std::vector<std::string>& out) const {
  // PostgreSQL's INDEX_MAX_KEYS.
  constexpr std::size_t key_columns_max = 32;
  const auto path = at(key);
  if (auto f = require_kind(value, path, json_kind::array))
    return f;
  if (value.empty())
    return refuse(fault_code::missing_field, path, "is empty: name the columns of a unique constraint");
  if (auto f = require_at_most(value, path, key_columns_max))
    return f;
  for (const auto column : value) {
    const json_path column_path{path, out.size()};
    if (auto f = require_kind(column, column_path, json_kind::string))
      return f;
    if (auto f = check_name(column.text(), column_path, limits_))
      return f;
    if (std::find(out.begin(), out.end(), column.text()) != out.end())
      return refuse(fault_code::malformed, column_path, "names a column again");
    out.emplace_back(column.text());
  }
  return {};
}

fault step_reader::read_rows(json_value value, std::vector<record>& out) const {
  const auto path = at(rows);
  if (auto f = require_kind(value, path, json_kind::array))
    return f;
  if (value.empty())
    return refuse(fault_code::missing_field, path, "is empty: give at least one row");
  if (auto f = require_at_most(value, path, limits_.rows_max))
    return f;
  out.reserve(value.size());
  for (const auto row : value) {
    const json_path row_path{path, out.size()};
    if (auto f = read_record(row, row_path, limits_, out.emplace_back()))
      return f;
  }
  return {};
}

fault step_reader::read_expect_rows(json_value value, std::int64_t& out) const {
  if (!value || value.kind() == json_kind::null)
    return {};
  std::int64_t count = -1;
  const auto digits = value.text();
  const auto* last = digits.data() + digits.size();
  if (value.kind() == json_kind::integer && std::from_chars(digits.data(), last, count).ptr == last &&
      count >= 0) {
    out = count;
    return {};
  }
  return refuse(fault_code::malformed, at(expect_rows),
                "must be a whole number from 0 on, or null for any number of rows");
}

fault step_reader::check_key_in_rows(const step& s) const {
  for (std::size_t index = 0; index < s.rows.size(); ++index) {
    const auto& columns = s.rows[index].columns;
    for (const auto& column : s.key) {
      if (std::find(columns.begin(), columns.end(), column) != columns.end())
        continue;
      const auto rows_path = at(rows);
      const json_path row_path{rows_path, index};
      return refuse(fault_code::missing_field, {row_path, column}, "is missing: it belongs to the key");
    }
  }
  return {};
}

void append_member(std::string& out, step_field field) {
  out += ',';
  append_quoted(out, step_field_names[field]);
  out += ':';
}

void append_list(std::string& out, const auto& elements, auto append_element) {
  auto separator = '[';
  for (const auto& element : elements) {
    out += separator;
    separator = ',';
    append_element(element);
  }
  out += ']';
}

} // namespace

fault read_step(json_value value, const json_path& path, const transaction_limits& limits, step& out) {
  return step_reader{path, limits}.read(value, out);
}

void append_step(std::string& out, const step& s) {
  const auto form = op_forms[static_cast<std::size_t>(s.op)];
  const auto has = [form](step_field field) { return ((form.required | form.optional) & bits(field)) != 0; };
  out += R"({"op":")";
  out += op_name(s.op);
  out += '"';
  append_member(out, table);
  append_quoted(out, s.table);
  if (has(key)) {
    append_member(out, key);
    append_list(out, s.key, [&out](const std::string& column) { append_quoted(out, column); });
  }
  if (has(rows)) {
    append_member(out, rows);
    append_list(out, s.rows, [&out](const record& row) { out += row.json; });
  }
  if (has(where)) {
    append_member(out, where);
    out += s.where.json;
  }
  if (has(set)) {
    append_member(out, set);
    out += s.set.json;
  }
  if (has(expect_rows) && s.expect_rows != 1) {
    append_member(out, expect_rows);
    out += s.expect_rows == any_rows ? "null" : std::to_string(s.expect_rows);
  }
  out += '}';
}

} // namespace chasqui
