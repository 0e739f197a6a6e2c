#include "actors/overlay.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace chasqui {

namespace {

using ranks = std::vector<std::int64_t>;

bool contains(const column_list& columns, std::size_t column) {
  return std::find(columns.begin(), columns.end(), column) != columns.end();
}

/// The rows as they are while changes are carried out.
class row_set {
public:
  explicit row_set(const overlay_input& in) : in_{in} {
    for (std::size_t i = 0; i < in.base_rows; ++i)
      add({std::vector<std::size_t>(in.columns, i), std::vector<bool>(in.columns), i, {}, true});
  }

  /// Upserts whose row is given once more in the same statement, by their place among the changes.
  [[nodiscard]] std::vector<bool> replaced() const {
    std::vector<bool> out(in_.changes.size());
    std::set<std::pair<std::size_t, ranks>> seen;
    for (auto i = in_.changes.size(); i-- > 0;) {
      const auto& c = in_.changes[i];
      if (c.op == step_op::upsert && has_all(c.values, c.where_columns))
        out[i] = !seen.emplace(c.statement, wanted(c.values, c.where_columns)).second;
    }
    return out;
  }

  void carry_out(const overlay_change& c) {
    switch (c.op) {
    case step_op::insert:
      return insert(c);
    case step_op::upsert:
      return upsert(c);
    case step_op::update:
      return update(c);
    case step_op::erase:
      for (const auto at : picked(c.where, c.where_columns))
        rows_[at].alive = false;
    }
  }

  overlay_result take() {
    overlay_result out;
    for (auto& row : rows_)
      if (row.alive && (!in_.where || equals(row, *in_.where, in_.where_columns)))
        out.found.push_back(std::move(row));
    for (const auto& row : out.found)
      for (const auto& [column, descends] : in_.order)
        notice(row, column);
    std::stable_sort(out.found.begin(), out.found.end(),
                     [this](const auto& a, const auto& b) { return is_before(a, b); });
    out.undecided = undecided_;
    return out;
  }

private:
  [[nodiscard]] std::int64_t rank(const overlay_row& row, std::size_t column) const {
    return in_.atoms[row.from[column]].ranks[column];
  }

  void notice(const overlay_row& row, std::size_t column) {
    if (row.unknown[column])
      undecided_ = column;
  }

  [[nodiscard]] ranks wanted(std::size_t atom, const column_list& columns) const {
    ranks out;
    for (const auto column : columns)
      out.push_back(in_.atoms[atom].ranks[column]);
    return out;
  }

  // A null in a where means IS NULL, and has rank 0 as the nulls of rows do.
  bool equals(const overlay_row& row, std::size_t atom, const column_list& columns) {
    for (const auto column : columns) {
      notice(row, column);
      if (rank(row, column) != in_.atoms[atom].ranks[column])
        return false;
    }
    return true;
  }

  [[nodiscard]] bool is_before(const overlay_row& a, const overlay_row& b) const {
    for (const auto& [column, descends] : in_.order) {
      const auto x = rank(a, column);
      const auto y = rank(b, column);
      if (x == y)
        continue;
      if (x == 0 || y == 0) // Nulls are greater than everything else.
        return (y == 0) != descends;
      return (x < y) != descends;
    }
    return false;
  }

  using found_by_value = std::map<ranks, std::set<std::size_t>>;

  void file(found_by_value& index, const column_list& columns, std::size_t at) {
    ranks value;
    for (const auto column : columns)
      value.push_back(rank(rows_[at], column));
    index[value].insert(at);
  }

  void file_everywhere(std::size_t at) {
    for (auto& [columns, index] : indexes_)
      file(index, columns, at);
  }

  void add(overlay_row row) {
    rows_.push_back(std::move(row));
    file_everywhere(rows_.size() - 1);
  }

  /// Rows that are alive and equal an atom. An index may name one that has changed.
  std::vector<std::size_t> picked(std::size_t atom, const column_list& columns) {
    const auto [index, is_new] = indexes_.try_emplace(columns);
    if (is_new)
      for (std::size_t at = 0; at < rows_.size(); ++at)
        file(index->second, columns, at);
    std::vector<std::size_t> found;
    for (const auto at : index->second[wanted(atom, columns)])
      if (rows_[at].alive && equals(rows_[at], atom, columns))
        found.push_back(at);
    return found;
  }

  void set(std::size_t at, const overlay_change& c, const column_list& but) {
    auto& row = rows_[at];
    for (const auto column : c.columns) {
      if (contains(but, column))
        continue;
      row.from[column] = c.values;
      row.unknown[column] = false;
    }
    for (const auto column : in_.generated)
      row.unknown[column] = true;
    if (row.entries.empty() || row.entries.back() != c.entry)
      row.entries.push_back(c.entry);
    file_everywhere(at);
  }

  void create(const overlay_change& c) {
    overlay_row row{std::vector<std::size_t>(in_.columns, c.values), in_.is_unknown, {}, {c.entry}, true};
    for (const auto column : c.columns)
      row.unknown[column] = false;
    add(std::move(row));
  }

  /// Rows of one key are one row; one with a null in its key is like no other.
  [[nodiscard]] bool has_all(std::size_t atom, const column_list& columns) const {
    return !columns.empty() && std::all_of(columns.begin(), columns.end(), [&](std::size_t column) {
      return in_.atoms[atom].ranks[column] != 0;
    });
  }

  // One whose key is there already will be refused, unless what is there goes first: it is taken at its word.
  void insert(const overlay_change& c) {
    if (has_all(c.values, in_.key))
      for (const auto at : picked(c.values, in_.key))
        rows_[at].alive = false;
    create(c);
  }

  void upsert(const overlay_change& c) {
    const auto same =
        has_all(c.values, c.where_columns) ? picked(c.values, c.where_columns) : std::vector<std::size_t>{};
    if (same.empty())
      return create(c);
    if (c.columns.size() == c.where_columns.size()) // There is nothing to set.
      return;
    for (const auto at : same)
      set(at, c, c.where_columns);
  }

  void update(const overlay_change& c) {
    const auto found = picked(c.where, c.where_columns);
    for (const auto at : found)
      set(at, c, {});
    if (!found.empty() || !in_.partial)
      return;
    overlay_row row{
        std::vector<std::size_t>(in_.columns, c.where), std::vector<bool>(in_.columns, true), {}, {}, true};
    row.partial = true;
    for (const auto column : c.where_columns)
      row.unknown[column] = false;
    add(std::move(row));
    set(rows_.size() - 1, c, {});
  }

  const overlay_input& in_;
  std::vector<overlay_row> rows_;
  std::map<column_list, found_by_value> indexes_;
  std::optional<std::size_t> undecided_;
};

} // namespace

overlay_result lay_over(const overlay_input& in) {
  row_set all{in};
  const auto replaced = all.replaced();
  for (std::size_t i = 0; i < in.changes.size(); ++i)
    if (!replaced[i])
      all.carry_out(in.changes[i]);
  return all.take();
}

} // namespace chasqui
