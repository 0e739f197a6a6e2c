#pragma once

#include "actors/overlay.hpp"
#include "actors/reader_search.hpp"
#include "adapters/ports/row_source.hpp"
#include "messages/reading.hpp"
#include "messages/transaction.hpp"

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace chasqui {

/// What is laid over what, put together from the replica's rows and from entries, and what came out of it.
class reader_overlay {
public:
  /// Without a replica the table's columns are those that somebody names.
  reader_overlay(table_shape table, bool without_replica);

  void add_base(const base_row& row); ///< All of them before any entry.
  void add_entry(const pending_entry& e);
  void set_question(const record& where, const std::vector<order_column>& order);

  /// What is to be ranked, and in which columns: of the replica's rows these alone.
  [[nodiscard]] std::vector<std::string> records() const;
  [[nodiscard]] std::vector<std::size_t> ranked_columns() const;

  void take_ranks(const ranking& answer, const std::vector<std::size_t>& columns);
  /// Compares what can be compared without knowing types: ids in any form, numbers by value, texts by bytes.
  void rank_by_text();

  /// The rows that are wanted, in order; `base` of each is its number among those added.
  overlay_result lay();
  /// Of a row that the replica has: whether what decides the order is as it is there.
  [[nodiscard]] bool is_in_its_place(const overlay_row& row) const;
  [[nodiscard]] found_row describe(const overlay_row& row) const;
  [[nodiscard]] found_row describe_base(const base_row& row) const;
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

private:
  std::optional<std::size_t> place(const std::string& column);
  void add_column(column_default absent);
  std::optional<column_list> places(const std::vector<std::string>& columns);
  std::size_t add_record(std::string json);
  bool add_step(const step& s, std::vector<overlay_change>& to);

  table_shape table_;
  bool open_ended_; ///< The table has whatever columns are named.
  overlay_input in_;
  std::vector<std::string> records_;                          ///< Behind the replica's rows.
  std::vector<std::vector<std::optional<std::string>>> base_; ///< As the replica has them, to the letter.
  std::vector<uuid> entries_;
  std::size_t statements_ = 0;
  std::vector<std::string> notes_;
};

} // namespace chasqui
