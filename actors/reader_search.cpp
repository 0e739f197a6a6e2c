#include "actors/reader_search.hpp"

#include "messages/index_terms.hpp"
#include "messages/json.hpp"
#include "messages/json_tape.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

namespace chasqui {

namespace {

/// The log has taken them: there is nothing to refuse.
transaction_limits no_limits() {
  constexpr auto any = std::numeric_limits<std::size_t>::max();
  transaction_limits out;
  out.bytes_max = out.steps_max = out.rows_max = out.depends_on_max = any;
  return out;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

table_step with_values(step s) {
  table_step out;
  for (const auto& row : s.rows)
    out.rows.push_back(indexed_values_of(row));
  out.where = indexed_values_of(s.where);
  out.set = indexed_values_of(s.set);
  out.what = std::move(s);
  return out;
}

/// As the index is made: by one value, and that of `id` says the most.
const indexed_values::value_type* best_of(const indexed_values& where) {
  const auto id = where.find("id");
  if (id != where.end())
    return &*id;
  return where.empty() ? nullptr : &*where.begin();
}

} // namespace

indexed_values indexed_values_of(const record& r) {
  indexed_values out;
  const auto outcome = json_tape::read(r.json);
  if (const auto* tape = std::get_if<json_tape>(&outcome))
    for (const auto value : tape->root())
      if (is_indexed_column(value.key()) && value.kind() != json_kind::null &&
          value.kind() != json_kind::array && value.kind() != json_kind::object)
        out.emplace(value.key(), index_value(value.text()));
  return out;
}

entry_search::entry_search(table_shape table, std::optional<column_value> pivot)
    : table_{std::move(table)}, pivot_{std::move(pivot)} {
  if (!pivot_) {
    look_at_whole_table();
    return;
  }
  ask(term_kind::wide);
  relevant_.insert(*pivot_);
}

void entry_search::look_at_whole_table() {
  pivot_.reset();
  to_ask_.clear();
  ask(term_kind::table);
}

bool entry_search::is_of_table(const std::string& name) const {
  const auto dot = name.find('.');
  if (dot == std::string::npos)
    return table_.visible && name == table_.name;
  return name.compare(0, dot, table_.schema) == 0 &&
         name.compare(dot + 1, std::string::npos, table_.name) == 0;
}

void entry_search::add_row(const indexed_values& row) {
  if (pivot_)
    ask_by(row);
}

void entry_search::add_entry(const std::string& lane, const entry& e) {
  if (!seen_.emplace(lane, e.seq).second || is_decision(e.payload))
    return;
  auto outcome = decode_transaction(e.payload, no_limits());
  auto* const t = std::get_if<transaction>(&outcome);
  if (t == nullptr)
    return;
  pending_entry out{lane, e.seq, e.id, e.at, {}};
  for (auto& s : t->steps)
    if (is_of_table(s.table))
      out.steps.push_back(with_values(std::move(s)));
  if (!out.steps.empty())
    lanes_[lane].emplace(e.seq, std::move(out));
}

void entry_search::expand() {
  std::size_t before = 0;
  do {
    before = relevant_.size();
    for (const auto& [column, value] : relevant_) {
      ask(term_kind::row, column, value);
      ask(term_kind::where, column, value);
    }
    for (const auto& [lane, entries] : lanes_)
      for (const auto& [seq, e] : entries)
        for (const auto& s : e.steps)
          expand_step(s);
  } while (relevant_.size() != before);
}

bool entry_search::is_relevant(const indexed_values& row) const {
  return !pivot_ ||
         std::any_of(row.begin(), row.end(), [this](const auto& v) { return relevant_.contains(v); });
}

void entry_search::expand_step(const table_step& s) {
  const auto& what = s.what;
  for (std::size_t row = 0; row < what.rows.size(); ++row)
    expand_insert(s, row);
  if (what.where.columns.empty())
    return;
  if (!pivot_)
    return want(what.where, what.where.columns);
  ask_by(s.set);
  if (is_relevant(s.set))
    expand_where(s.where, what.where, what.where.columns);
}

void entry_search::expand_insert(const table_step& s, std::size_t row) {
  const auto& values = s.rows[row];
  if (!is_relevant(values))
    return;
  if (pivot_)
    ask_by(values);
  if (s.what.op != step_op::upsert)
    return;
  indexed_values key;
  std::copy_if(values.begin(), values.end(), std::inserter(key, key.end()),
               [&](const auto& v) { return contains(s.what.key, v.first); });
  expand_where(key, s.what.rows[row], s.what.key);
}

// The rows that it picks are relevant. Other entries may change them first: they are found by the one value,
// and not by all of them.
void entry_search::expand_where(const indexed_values& where, const record& full,
                                const std::vector<std::string>& columns) {
  const auto* const best = pivot_ ? best_of(where) : nullptr;
  want(full, best != nullptr ? std::vector<std::string>{best->first} : columns);
  if (!pivot_)
    return;
  if (best != nullptr)
    relevant_.insert(*best);
  else
    look_at_whole_table();
}

void entry_search::ask(term_kind kind, const std::string& column, const std::string& value) {
  if (!pivot_ && kind != term_kind::table)
    return;
  search_term term{kind, column, value};
  if (asked_.insert(term).second)
    to_ask_.push_back(std::move(term));
}

void entry_search::ask_by(const indexed_values& row) {
  for (const auto& [column, value] : row)
    ask(term_kind::where, column, value);
}

void entry_search::want(const record& full, const std::vector<std::string>& columns) {
  std::vector<std::string> nulls;
  for (const auto& column : columns) {
    const auto& all = table_.columns;
    if (std::none_of(all.begin(), all.end(), [&](const auto& c) { return c.name == column; }))
      return; // The primary will refuse it.
    if (contains(full.null_columns, column))
      nulls.push_back(column);
  }
  std::string mark = full.json;
  for (const auto& column : columns)
    mark += '\0' + column;
  if (!wanted_.insert(std::move(mark)).second)
    return;
  for (auto& group : to_fetch_)
    if (group.columns == columns && group.null_columns == nulls)
      return group.records.push_back(full.json);
  to_fetch_.push_back({columns, nulls, {full.json}, {}, 0});
}

std::vector<const pending_entry*> entry_search::entries() const {
  using range = std::pair<std::map<seqno, pending_entry>::const_iterator,
                          std::map<seqno, pending_entry>::const_iterator>;
  std::vector<range> left;
  for (const auto& [lane, entries] : lanes_)
    left.emplace_back(entries.begin(), entries.end());
  std::vector<const pending_entry*> out;
  for (;;) {
    std::erase_if(left, [](const range& r) { return r.first == r.second; });
    const auto next = std::min_element(left.begin(), left.end(), [](const range& a, const range& b) {
      return a.first->second.at < b.first->second.at;
    });
    if (next == left.end())
      return out;
    out.push_back(&next->first->second);
    ++next->first;
  }
}

} // namespace chasqui
