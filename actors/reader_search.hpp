#pragma once

#include "adapters/ports/row_source.hpp"
#include "messages/fault.hpp"
#include "messages/reading.hpp"
#include "messages/transaction.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace chasqui {

/// A column and a value in the form of `index_value`.
using column_value = std::pair<std::string, std::string>;

/// The values of a record by which it can be found; nulls, and what is no scalar, are left out.
using indexed_values = std::map<std::string, std::string>;
indexed_values indexed_values_of(const record& r);

/// A step on the table that is read.
struct table_step {
  step what;
  std::vector<indexed_values> rows;
  indexed_values where;
  indexed_values set;
};

/// A pending entry that touches the table.
struct pending_entry {
  std::string lane;
  seqno seq = 0;
  uuid id;
  instant at;
  std::vector<table_step> steps; ///< Those on the table.
};

/// A look into the index, of whatever lane.
using search_term = std::tuple<term_kind, std::string, std::string>;

/// Finds out which entries can concern the rows that are wanted, and which rows of the replica these entries
/// change: what is found tells what to look for next, until there is nothing more.
///
/// A row is *relevant* if it may be wanted in the end: because it has the wanted value in the pivot column
/// now, because a pending row has it, or because an update sets it. Whatever picks a relevant row by one of
/// its values is looked for. Without a pivot every entry of the table is.
class entry_search {
public:
  /// `table` as the replica calls it. `pivot`: the part of the where by which entries are found.
  entry_search(table_shape table, std::optional<column_value> pivot);

  void add_row(const indexed_values& row);
  /// Adds an entry once, if it touches the table.
  void add_entry(const std::string& lane, const entry& e);

  /// Follows what was added. What it then wants is to be asked before the next turn.
  void expand();
  std::vector<search_term> take_terms() { return std::exchange(to_ask_, {}); }
  std::vector<rows_wanted> take_wanted() { return std::exchange(to_fetch_, {}); }

  /// Every entry of the table is looked for from now on.
  void look_at_whole_table();

  /// In the order in which they count: of one lane by number, and between lanes by time.
  [[nodiscard]] std::vector<const pending_entry*> entries() const;
  [[nodiscard]] std::size_t terms_asked() const { return asked_.size(); }

private:
  [[nodiscard]] bool is_of_table(const std::string& name) const;
  [[nodiscard]] bool is_relevant(const indexed_values& row) const;
  void expand_step(const table_step& s);
  void expand_insert(const table_step& s, std::size_t row);
  void expand_where(const indexed_values& where, const record& full, const std::vector<std::string>& columns);
  void ask(term_kind kind, const std::string& column = "", const std::string& value = "");
  void ask_by(const indexed_values& row);
  void want(const record& full, const std::vector<std::string>& columns);

  table_shape table_;
  std::optional<column_value> pivot_; ///< None: the whole table.
  std::set<std::pair<std::string, seqno>> seen_;
  std::map<std::string, std::map<seqno, pending_entry>> lanes_;
  std::set<column_value> relevant_;
  std::set<search_term> asked_;
  std::vector<search_term> to_ask_;
  std::set<std::string> wanted_;
  std::vector<rows_wanted> to_fetch_;
};

} // namespace chasqui
