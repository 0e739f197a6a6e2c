#include "actors/reader_overlay.hpp"

#include "messages/index_terms.hpp"
#include "messages/json_tape.hpp"
#include "messages/json_text.hpp"
#include "messages/row_groups.hpp"

#include <algorithm>
#include <charconv>
#include <map>

namespace chasqui {

namespace {

void append_member(std::string& object, const std::string& name, const std::optional<std::string>& value) {
  object += object.empty() ? '{' : ',';
  append_quoted(object, name);
  object += ':' + value.value_or("null");
}

std::string closed(const std::string& object) { return object.empty() ? "{}" : object + '}'; }

std::string object_of(const std::vector<table_column>& columns,
                      const std::vector<std::optional<std::string>>& values) {
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i)
    append_member(out, columns[i].name, values[i]);
  return closed(out);
}

/// How a value is compared when its type is not known.
struct plain_value {
  bool is_number = false;
  double number = 0;
  std::string text;
  bool operator<(const plain_value& o) const {
    if (is_number != o.is_number)
      return is_number;
    if (is_number && number != o.number)
      return number < o.number;
    return text < o.text;
  }
};

plain_value plain_value_of(json_value v, const std::string& json, bool indexed) {
  plain_value out;
  const bool number = v.kind() == json_kind::integer || v.kind() == json_kind::real;
  if (number && !indexed) {
    out.is_number = true;
    std::from_chars(v.text().data(), v.text().data() + v.text().size(), out.number);
  }
  const bool scalar = v.kind() != json_kind::array && v.kind() != json_kind::object;
  out.text = !scalar ? json : indexed || number ? index_value(v.text()) : std::string{v.text()};
  return out;
}

/// Values of one object, by column, as they stand in the text.
std::map<std::string, std::string> members_of(const std::string& object);

} // namespace

reader_overlay::reader_overlay(table_shape table, bool without_replica)
    : table_{std::move(table)}, open_ended_{without_replica} {
  in_.partial = without_replica;
  for (const auto& c : table_.columns)
    add_column(c.absent);
  if (const auto key = places(table_.key))
    in_.key = *key;
}

std::optional<std::size_t> reader_overlay::place(const std::string& column) {
  auto& all = table_.columns;
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.name == column; });
  if (found != all.end())
    return static_cast<std::size_t>(found - all.begin());
  if (!open_ended_)
    return std::nullopt;
  all.push_back({column, column_default::unknown, false});
  add_column(column_default::unknown);
  return all.size() - 1;
}

void reader_overlay::add_column(column_default absent) {
  const bool is_generated = absent == column_default::generated;
  if (is_generated)
    in_.generated.push_back(in_.is_unknown.size());
  in_.is_unknown.push_back(is_generated || absent == column_default::unknown);
}

std::optional<column_list> reader_overlay::places(const std::vector<std::string>& columns) {
  column_list out;
  for (const auto& column : columns) {
    const auto at = place(column);
    if (!at)
      return std::nullopt;
    out.push_back(*at);
  }
  return out;
}

std::size_t reader_overlay::add_record(std::string json) {
  records_.push_back(std::move(json));
  return base_.size() + records_.size() - 1;
}

void reader_overlay::add_base(const base_row& row) {
  base_.push_back(row.json);
  in_.base_rows = base_.size();
}

void reader_overlay::add_entry(const pending_entry& e) {
  std::vector<overlay_change> changes;
  for (const auto& s : e.steps)
    if (!add_step(s.what, changes))
      return notes_.push_back("Transaction " + to_string(e.id) +
                              " names a column that the table does not have: it is left out.");
  for (auto& c : changes)
    c.entry = entries_.size();
  in_.changes.insert(in_.changes.end(), changes.begin(), changes.end());
  entries_.push_back(e.id);
}

bool reader_overlay::add_step(const step& s, std::vector<overlay_change>& to) {
  overlay_change c;
  c.op = s.op;
  const bool by_rows = s.op == step_op::insert || s.op == step_op::upsert;
  const auto picked = places(by_rows ? s.key : s.where.columns);
  if (!picked)
    return false;
  c.where_columns = *picked;
  if (!by_rows) {
    const auto set = places(s.set.columns);
    if (!set)
      return false;
    c.columns = *set;
    c.where = add_record(s.where.json);
    c.values = s.op == step_op::update ? add_record(s.set.json) : c.where;
    to.push_back(std::move(c));
    return true;
  }
  auto group_end = s.rows.begin();
  for (auto row = s.rows.begin(); row != s.rows.end(); ++row) {
    const auto columns = places(row->columns);
    if (!columns)
      return false;
    if (row == group_end) {
      group_end = end_of_group(s, row);
      ++statements_;
    }
    c.statement = statements_;
    c.columns = *columns;
    c.values = c.where = add_record(row->json);
    to.push_back(c);
  }
  return true;
}

void reader_overlay::set_question(const record& where, const std::vector<order_column>& order) {
  if (!where.columns.empty()) {
    in_.where_columns = places(where.columns).value_or(column_list{});
    in_.where = add_record(where.json);
  }
  for (const auto& o : order)
    if (const auto at = place(o.column))
      in_.order.emplace_back(*at, o.descending);
  in_.columns = table_.columns.size();
}

std::vector<std::size_t> reader_overlay::ranked_columns() const {
  std::set<std::size_t> out{in_.where_columns.begin(), in_.where_columns.end()};
  for (const auto& [column, descends] : in_.order)
    out.insert(column);
  if (!in_.changes.empty())
    out.insert(in_.key.begin(), in_.key.end());
  for (const auto& c : in_.changes)
    out.insert(c.where_columns.begin(), c.where_columns.end());
  return {out.begin(), out.end()};
}

// Not every type takes its own JSON for a value (hstore does not): what is not compared stays here.
std::vector<std::string> reader_overlay::records() const {
  std::vector<std::string> out;
  const auto columns = ranked_columns();
  for (const auto& row : base_) {
    std::string json;
    for (const auto c : columns)
      append_member(json, table_.columns[c].name, row[c]);
    out.push_back(closed(json));
  }
  out.insert(out.end(), records_.begin(), records_.end());
  return out;
}

void reader_overlay::take_ranks(const ranking& answer, const std::vector<std::size_t>& columns) {
  for (const auto& line : answer.lines) {
    atom a{line.json, std::vector<std::int64_t>(in_.columns)};
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (a.json[columns[i]])
        a.ranks[columns[i]] = line.ranks[i];
    if (in_.atoms.size() < base_.size())
      a.json = base_[in_.atoms.size()];
    in_.atoms.push_back(std::move(a));
  }
}

void reader_overlay::rank_by_text() {
  std::vector<std::vector<std::optional<plain_value>>> values;
  for (const auto& text : records_) {
    auto& line = values.emplace_back(in_.columns);
    atom a{std::vector<std::optional<std::string>>(in_.columns), std::vector<std::int64_t>(in_.columns)};
    const auto members = members_of(text);
    for (std::size_t c = 0; c < in_.columns; ++c) {
      const auto& name = table_.columns[c].name;
      const auto found = members.find(name);
      if (found == members.end() || found->second == "null")
        continue;
      a.json[c] = found->second;
      const auto tape = json_tape::read(found->second);
      line[c] = plain_value_of(std::get<json_tape>(tape).root(), found->second, is_indexed_column(name));
    }
    in_.atoms.push_back(std::move(a));
  }
  for (const auto c : ranked_columns()) {
    std::set<plain_value> all;
    for (const auto& line : values)
      if (line[c])
        all.insert(*line[c]);
    std::map<plain_value, std::int64_t> ranks;
    for (const auto& v : all)
      ranks.emplace(v, static_cast<std::int64_t>(ranks.size()) + 1);
    for (std::size_t i = 0; i < values.size(); ++i)
      if (values[i][c])
        in_.atoms[i].ranks[c] = ranks.at(*values[i][c]);
  }
}

overlay_result reader_overlay::lay() {
  auto out = lay_over(in_);
  if (out.undecided)
    notes_.push_back("Column " + table_.columns[*out.undecided].name +
                     " of some pending row gets its value on the primary: until then it counts as null.");
  return out;
}

bool reader_overlay::is_in_its_place(const overlay_row& row) const {
  return std::all_of(in_.order.begin(), in_.order.end(), [&](const auto& by) {
    return row.from[by.first] == *row.base && !row.unknown[by.first];
  });
}

found_row reader_overlay::describe_base(const base_row& row) const {
  found_row out;
  out.json = object_of(table_.columns, row.json);
  return out;
}

found_row reader_overlay::describe(const overlay_row& row) const {
  found_row out;
  out.origin = row.origin();
  std::vector<std::optional<std::string>> values;
  for (std::size_t c = 0; c < in_.columns; ++c) {
    values.push_back(in_.atoms[row.from[c]].json[c]);
    if (row.unknown[c]) {
      values.back().reset();
      out.unknown.push_back(table_.columns[c].name);
    }
  }
  out.json = object_of(table_.columns, values);
  for (const auto e : row.entries)
    out.transactions.push_back(entries_[e]);
  return out;
}

namespace {

void append_value(std::string& out, json_value v) {
  if (v.kind() == json_kind::string)
    return append_quoted(out, v.text());
  if (v.kind() != json_kind::array && v.kind() != json_kind::object) {
    out += v.text();
    return;
  }
  const bool object = v.kind() == json_kind::object;
  out += object ? '{' : '[';
  bool first = true;
  for (const auto one : v) {
    out += first ? "" : ",";
    first = false;
    if (object) {
      append_quoted(out, one.key());
      out += ':';
    }
    append_value(out, one);
  }
  out += object ? '}' : ']';
}

std::map<std::string, std::string> members_of(const std::string& object) {
  std::map<std::string, std::string> out;
  const auto outcome = json_tape::read(object);
  if (const auto* tape = std::get_if<json_tape>(&outcome))
    for (const auto v : tape->root())
      append_value(out[std::string{v.key()}], v);
  return out;
}

} // namespace

} // namespace chasqui
