#include "actors/row_questions.hpp"

#include "messages/index_terms.hpp"
#include "messages/json_text.hpp"
#include "messages/record_scan.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

namespace chasqui {

namespace {

bool is_integer(value_kind kind) {
  return kind == value_kind::int2 || kind == value_kind::int4 || kind == value_kind::int8;
}

/// Nothing is rounded, cut, padded or folded on its way into a column like this, nor compared in another way.
bool is_exact(const catalogue_column& c) {
  const bool is_known = is_integer(c.kind) || c.kind == value_kind::uuid ||
                        (c.kind == value_kind::text && c.typmod < 0 && !c.folds);
  return is_known && !c.is_array;
}

/// Whether every value of one column is a value of the other, and the same there.
bool fits(const catalogue_column& from, const catalogue_column& to) {
  static_assert(value_kind::int2 < value_kind::int4 && value_kind::int4 < value_kind::int8);
  return is_exact(from) && is_exact(to) &&
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
std::optional<std::string> condition(const record& row, const std::vector<std::string>& from,
                                     const std::vector<std::string>& to) {
  std::string json = "{";
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto value = value_of(row, from[i]);
    if (!value)
      return std::nullopt;
    json += i > 0 ? "," : "";
    append_quoted(json, to[i]);
    json.append(":").append(*value);
  }
  return json + "}";
}

class questioner {
public:
  questioner(const transaction& t, const std::function<const table_rules*(const std::string&)>& find)
      : transaction_{t}, find_{find} {}

  std::vector<row_question> ask() && {
    const json_path steps{document_, "steps"};
    for (std::size_t i = 0; i < transaction_.steps.size(); ++i) {
      const auto& s = transaction_.steps[i];
      const auto* table = find_(s.table);
      if (table == nullptr || !table->about().is_plain || table->about().has_triggers)
        break; // Whatever this one does may decide about those behind it.
      ask_about(*table, s, {steps, i});
      touched_.insert(table->name());
      inserts_only_ = inserts_only_ && s.op == step_op::insert;
    }
    return std::move(out_);
  }

private:
  void ask_about(const table_rules& table, const step& s, const json_path& path) {
    const auto& about = table.about();
    const bool inserts = s.op == step_op::insert || s.op == step_op::upsert;
    if (inserts && !about.insert_may_change) {
      const json_path rows{path, "rows"};
      for (std::size_t i = 0; i < s.rows.size(); ++i) {
        if (s.op == step_op::insert && inserts_only_ && !about.update_may_change &&
            !touched_.contains(table.name()))
          ask_for_same(table, s.rows[i], {rows, i});
        // Of several rows of one key in an upsert the last one counts.
        if (s.op == step_op::insert || i + 1 == s.rows.size())
          ask_for_parents(table, s.rows[i], {rows, i});
      }
    } else if (s.op == step_op::update && s.expect_rows > 0 && !about.update_may_change) {
      ask_for_parents(table, s.set, {path, "set"});
    }
  }

  void ask_for_same(const table_rules& table, const record& row, const json_path& path) {
    for (const auto& key : table.about().keys) {
      const auto is_good = [&](const std::string& name) {
        const auto* column = find_column(table.about(), name);
        return column != nullptr && is_exact(*column);
      };
      if (key.is_partial || key.is_deferrable ||
          !std::all_of(key.columns.begin(), key.columns.end(), is_good))
        continue;
      add(nullptr, path, table.name(), key.columns, condition(row, key.columns, key.columns));
    }
  }

  void ask_for_parents(const table_rules& table, const record& row, const json_path& path) {
    const auto& references = table.about().references;
    for (std::size_t which = 0; which < references.size(); ++which) {
      const auto& reference = references[which];
      const auto* parent = find_(reference.parent);
      const auto& to = reference.parent_columns;
      // A parent in parts, or made by others' steps, may be there under another name.
      if (parent == nullptr || parent == &table || touched_.contains(parent->name()) ||
          to.size() != reference.columns.size() || !transaction_.depends_on.empty() ||
          !parent->about().is_plain || parent->about().insert_may_change || parent->about().update_may_change)
        continue;
      if (!inserts_only_ && !parent->about().references.empty())
        continue; // A cascade may have given it this key.
      bool alike = true;
      for (std::size_t i = 0; i < to.size(); ++i) {
        const auto* ours = find_column(table.about(), reference.columns[i]);
        const auto* theirs = find_column(parent->about(), to[i]);
        alike = alike && ours != nullptr && theirs != nullptr && !theirs->is_computed && fits(*ours, *theirs);
      }
      if (alike)
        add(&table.text_of_reference(which), {path, reference.columns.front()}, parent->name(), to,
            condition(row, reference.columns, to));
    }
  }

  /// `reference`: what is told of it, if this is about a parent.
  void add(const std::string* reference, const json_path& path, const std::string& table,
           const std::vector<std::string>& columns, const std::optional<std::string>& where) {
    const bool is_about_parent = reference != nullptr;
    if (!where || out_.size() == row_questions_max ||
        !std::any_of(columns.begin(), columns.end(), [](const auto& c) { return is_indexed_column(c); }) ||
        !asked_.insert({table, *where, is_about_parent}).second)
      return;
    row_question question;
    question.what.table = table;
    question.what.where = *where;
    question.what.limit = 1;
    question.lane = transaction_.lane;
    question.columns = columns;
    question.is_about_parent = is_about_parent;
    question.field = path.text();
    if (is_about_parent)
      question.reference = *reference;
    out_.push_back(std::move(question));
  }

  const transaction& transaction_;
  const std::function<const table_rules*(const std::string&)>& find_;
  json_path document_;
  std::vector<row_question> out_;
  std::set<std::string> touched_; ///< Tables that steps before this one write to.
  bool inserts_only_ = true;      ///< Before this one: else a row may be gone by now, by a cascade perhaps.
  std::set<std::tuple<std::string, std::string, bool>> asked_;
};

} // namespace

std::vector<row_question> questions_about(const transaction& t,
                                          const std::function<const table_rules*(const std::string&)>& find) {
  return questioner{t, find}.ask();
}

bool unsettles_rows(const transaction& t) {
  return std::any_of(t.steps.begin(), t.steps.end(), [](const step& s) {
    const auto& sets = s.set.columns;
    return s.op == step_op::erase ||
           std::any_of(sets.begin(), sets.end(), [](const auto& c) { return is_indexed_column(c); });
  });
}

fault judge(const row_question& question, const found_rows& answer) {
  // What another lane still has may come before or after this.
  for (const auto& lane : answer.positions)
    if (lane.lane != question.lane && lane.head > lane.cursor)
      return {};
  if (!answer.replica.empty() || !answer.notes.empty() || answer.found.empty() != question.is_about_parent)
    return {};
  fault out{fault_code::refused_by_schema, "`" + question.field + "` is refused: ", question.field};
  if (question.is_about_parent) {
    out.message += question.reference + ", and there is no row " + question.what.where +
                   ", neither on the replica nor pending";
    return out;
  }
  const auto& row = answer.found.front();
  out.message += "table " + question.what.table + " has a unique key (" + list_of(question.columns) +
                 "), and there is a row " + question.what.where + " already, ";
  if (row.origin == row_origin::replica || row.transactions.empty())
    out.message += "on the replica";
  else
    out.message += "pending in transaction " + to_string(row.transactions.front());
  return out;
}

} // namespace chasqui
