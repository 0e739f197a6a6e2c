#include "actors/row_questions.hpp"

#include "messages/index_terms.hpp"
#include "messages/json_text.hpp"
#include "messages/record_scan.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace chasqui {

namespace {

bool is_integer(value_kind kind) {
  return kind == value_kind::int2 || kind == value_kind::int4 || kind == value_kind::int8;
}

/// Nothing is rounded, cut, padded or folded on its way into a column like this, nor compared in another way.
bool is_kept_exactly(const catalogue_column& c) {
  const bool is_known = is_integer(c.kind) || c.kind == value_kind::uuid ||
                        (c.kind == value_kind::text && c.typmod < 0 && !c.folds);
  return is_known && !c.is_array;
}

/// Whether every value of one column is a value of the other, and the same there.
bool fits(const catalogue_column& from, const catalogue_column& to) {
  static_assert(value_kind::int2 < value_kind::int4 && value_kind::int4 < value_kind::int8);
  return is_kept_exactly(from) && is_kept_exactly(to) &&
         (from.kind == to.kind || (is_integer(from.kind) && is_integer(to.kind) && from.kind < to.kind));
}

bool is_exact(const scanned_value& value) {
  return value.kind == json_kind::string ||
         (value.kind == json_kind::real && value.json.find_first_of(".eE") == std::string_view::npos);
}

const catalogue_column* find_column(const catalogue_table& table, const std::string& name) {
  const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                  [&](const catalogue_column& c) { return c.name == name; });
  return found == table.columns.end() ? nullptr : &*found;
}

/// The JSON text of a column's value; nothing where it is not given, is null, or may become another one.
std::optional<std::string_view> value_of(const record& row, const std::string& column) {
  record_scan scan{row.json};
  scanned_value value;
  for (const auto& name : row.columns) {
    if (!scan.next(value))
      return std::nullopt;
    if (name == column)
      return is_exact(value) ? std::optional{value.json} : std::nullopt;
  }
  return std::nullopt;
}

/// The values of `from` in `row`, as a condition on `to`.
std::optional<std::string> condition_on(const record& row, const std::vector<std::string>& from,
                                        const std::vector<std::string>& to) {
  constexpr std::size_t usual_bytes = 100;
  std::string json;
  json.reserve(usual_bytes);
  json += '{';
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto value = value_of(row, from[i]);
    if (!value)
      return std::nullopt;
    json += i > 0 ? "," : "";
    append_quoted(json, to[i]);
    json.append(":").append(*value);
  }
  json += '}';
  return json;
}

bool has_indexed(const std::vector<std::string>& columns) {
  return std::any_of(columns.begin(), columns.end(), [](const auto& c) { return is_indexed_column(c); });
}

bool may_be_asked_for(const catalogue_table& table, const catalogue_key& key) {
  return !key.is_partial && !key.is_deferrable && has_indexed(key.columns) &&
         std::all_of(key.columns.begin(), key.columns.end(), [&](const std::string& name) {
           const auto* column = find_column(table, name);
           return column != nullptr && is_kept_exactly(*column);
         });
}

/// A parent in parts may be there under another name.
bool may_be_asked_for(const catalogue_table& table, const catalogue_reference& reference,
                      const catalogue_table& parent) {
  const auto& to = reference.parent_columns;
  if (to.size() != reference.columns.size() || !has_indexed(to) || !parent.is_plain ||
      parent.insert_may_change || parent.update_may_change)
    return false;
  for (std::size_t i = 0; i < to.size(); ++i) {
    const auto* ours = find_column(table, reference.columns[i]);
    const auto* theirs = find_column(parent, to[i]);
    if (ours == nullptr || theirs == nullptr || theirs->is_computed || !fits(*ours, *theirs))
      return false;
  }
  return true;
}

std::string field_of(const row_question& question) {
  const auto& at = question.at;
  const json_path document;
  const json_path steps{document, "steps"};
  const json_path step{steps, at.step};
  const json_path rows{step, at.is_update ? "set" : "rows"};
  const json_path numbered{rows, at.row};
  const auto& row = at.is_update ? rows : numbered;
  return question.rule->is_about_parent ? json_path{row, question.rule->from.front()}.text() : row.text();
}

} // namespace

row_questioner::row_questioner(const std::vector<std::unique_ptr<table_rules>>& tables) {
  std::unordered_map<std::string_view, const table_rules*> by_name;
  for (const auto& table : tables)
    by_name.emplace(table->name(), table.get());
  std::set<std::pair<std::string, std::vector<std::string>>> referred_to;
  for (const auto& table : tables)
    for (const auto& r : table->about().references)
      referred_to.emplace(r.parent, r.parent_columns);
  for (const auto& table : tables) {
    auto& into = by_table_[table.get()];
    for (const auto& key : table->about().keys)
      if (may_be_asked_for(table->about(), key))
        into.keys.push_back(std::make_shared<const row_rule>(
            row_rule{table->name(), key.columns, key.columns, false,
                     referred_to.contains({table->name(), key.columns}), ""}));
    const auto& references = table->about().references;
    for (std::size_t which = 0; which < references.size(); ++which) {
      const auto& r = references[which];
      const auto found = by_name.find(r.parent);
      const auto* parent = found == by_name.end() ? table.get() : found->second;
      if (parent != table.get() && may_be_asked_for(table->about(), r, parent->about()))
        into.parents.push_back(
            {std::make_shared<const row_rule>(row_rule{parent->name(), r.parent_columns, r.columns, true,
                                                       false, table->text_of_reference(which)}),
             parent});
    }
  }
}

/// One transaction, step by step.
class row_questioner::round {
public:
  round(const transaction& t, const std::unordered_map<const table_rules*, rules>& by_table)
      : transaction_{t}, by_table_{by_table} {}

  std::vector<row_question> ask(const finder& find) && {
    for (std::size_t i = 0; i < transaction_.steps.size(); ++i) {
      const auto& s = transaction_.steps[i];
      const auto* table = find(s.table);
      if (table == nullptr || !table->about().is_plain || table->about().has_triggers)
        break; // Whatever this one does may decide about those behind it.
      ask_about(*table, s, i);
      touched_.push_back(table);
      inserts_only_ = inserts_only_ && s.op == step_op::insert;
    }
    return std::move(out_);
  }

private:
  void ask_about(const table_rules& table, const step& s, std::size_t number) {
    const auto& about = table.about();
    const auto& known = by_table_.at(&table);
    if (out_.empty())
      out_.reserve(std::min(row_questions_max, known.keys.size() + known.parents.size()));
    const bool inserts = s.op == step_op::insert || s.op == step_op::upsert;
    if (inserts && !about.insert_may_change) {
      const bool asks_for_same =
          s.op == step_op::insert && inserts_only_ && !about.update_may_change && !has_touched(table);
      for (std::size_t i = 0; i < s.rows.size(); ++i) {
        const row_place place{number, i, false};
        if (asks_for_same)
          for (const auto& key : known.keys)
            add(key, s.rows[i], place);
        // Of several rows of one key in an upsert the last one counts.
        if (s.op == step_op::insert || i + 1 == s.rows.size())
          ask_for_parents(known, s.rows[i], place);
      }
    } else if (s.op == step_op::update && s.expect_rows > 0 && !about.update_may_change) {
      ask_for_parents(known, s.set, {number, 0, true});
    }
  }

  void ask_for_parents(const rules& known, const record& row, const row_place& place) {
    if (!transaction_.depends_on.empty()) // Others' steps may make it.
      return;
    for (const auto& one : known.parents) {
      const bool may_come_by_cascade = !inserts_only_ && !one.parent->about().references.empty();
      if (!has_touched(*one.parent) && !may_come_by_cascade)
        add(one.what, row, place);
    }
  }

  [[nodiscard]] bool has_touched(const table_rules& table) const {
    return std::find(touched_.begin(), touched_.end(), &table) != touched_.end();
  }

  void add(const rule& what, const record& row, const row_place& place) {
    if (out_.size() == row_questions_max)
      return;
    auto where = condition_on(row, what->from, what->columns);
    const bool is_new = where && std::none_of(out_.begin(), out_.end(), [&](const row_question& q) {
                          return q.where == *where && q.rule->table == what->table &&
                                 q.rule->is_about_parent == what->is_about_parent;
                        });
    if (is_new)
      out_.push_back({what, std::move(*where), place});
  }

  const transaction& transaction_;
  const std::unordered_map<const table_rules*, rules>& by_table_;
  std::vector<row_question> out_;
  std::vector<const table_rules*> touched_; ///< Steps before this one write to them.
  bool inserts_only_ = true; ///< Before this one: else a row may be gone by now, by a cascade perhaps.
};

std::vector<row_question> row_questioner::ask(const transaction& t, const finder& find) const {
  return round{t, by_table_}.ask(find);
}

read_rows to_read(const row_question& question) {
  read_rows out;
  out.table = question.rule->table;
  out.where = question.where;
  out.limit = 1;
  return out;
}

bool unsettles_rows(const transaction& t) {
  return std::any_of(t.steps.begin(), t.steps.end(), [](const step& s) {
    const auto& sets = s.set.columns;
    return s.op == step_op::erase ||
           std::any_of(sets.begin(), sets.end(), [](const auto& c) { return is_indexed_column(c); });
  });
}

fault judge(const row_question& question, std::string_view lane, const found_rows& answer) {
  const auto& rule = *question.rule;
  // What another lane still has may come before or after this.
  for (const auto& position : answer.positions)
    if (position.lane != lane && position.head > position.cursor)
      return {};
  if (!answer.replica.empty() || !answer.notes.empty() || answer.found.empty() != rule.is_about_parent)
    return {};
  const auto field = field_of(question);
  fault out{fault_code::refused_by_schema, "`" + field + "` is refused: ", field};
  if (rule.is_about_parent) {
    out.message +=
        rule.reference + ", and there is no row " + question.where + ", neither on the replica nor pending";
    return out;
  }
  const auto& row = answer.found.front();
  out.message += "table " + rule.table + " has a unique key (" + list_of(rule.columns) +
                 "), and there is a row " + question.where + " already, ";
  if (row.origin == row_origin::replica || row.transactions.empty())
    out.message += "on the replica";
  else
    out.message += "pending in transaction " + to_string(row.transactions.front());
  return out;
}

} // namespace chasqui
