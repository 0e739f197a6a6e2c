#pragma once

#include "actors/check_rules.hpp"
#include "messages/catalogue.hpp"
#include "messages/fault.hpp"
#include "messages/json_text.hpp"
#include "messages/transaction.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace chasqui {

/// Columns as people are told of them.
std::string list_of(const std::vector<std::string>& columns);

/// What one table refuses for certain. Each check answers `none`, or `refused_by_schema` for the first
/// offending field below `path`.
class table_rules {
public:
  explicit table_rules(catalogue_table about);

  [[nodiscard]] const catalogue_table& about() const { return about_; }
  [[nodiscard]] const std::string& name() const { return name_; } ///< With its schema.
  /// What is told of a foreign key: which columns refer to which, and what it is called.
  [[nodiscard]] const std::string& text_of_reference(std::size_t which) const { return references_[which]; }
  [[nodiscard]] bool has_column(const std::string& column) const { return columns_.contains(column); }

  /// A row to insert. Unless it `counts`, a later row of the same upsert may replace it before it is stored.
  [[nodiscard]] fault check_row(const record& row, const json_path& path, bool counts) const;

  /// What an update sets. If it `counts`, there are rows that it changes, or it fails anyway.
  [[nodiscard]] fault check_set(const record& set, const json_path& path, bool counts) const;

  /// The values of a condition that is looked at.
  [[nodiscard]] fault check_where(const record& where, const json_path& path) const;

  /// Whether ON CONFLICT may find a key of exactly these columns.
  [[nodiscard]] bool may_have_key(const std::vector<std::string>& columns) const;

  [[nodiscard]] fault refuse_unknown(const std::string& column, const json_path& path) const;

private:
  struct limit {
    comparison what;
    std::size_t check; ///< Which of the table's.
  };
  struct rules {
    const catalogue_column* column;
    bool is_required; ///< In every new row.
    std::vector<limit> limits;
  };

  void add_limits(std::size_t check);
  [[nodiscard]] const rules* find(const std::string& column) const;
  [[nodiscard]] fault check_value(const rules& of, const scanned_value& value, const json_path& path,
                                  bool is_stored) const;
  [[nodiscard]] fault check_record(const record& r, const json_path& path, bool is_looked_at, bool is_stored,
                                   std::size_t& required) const;
  [[nodiscard]] fault check_missing(const record& row, const json_path& path) const;
  [[nodiscard]] std::string column_text(const catalogue_column& c) const;

  catalogue_table about_;
  std::string name_;
  std::unordered_map<std::string, rules> columns_;
  std::vector<std::string> references_; ///< What is told of them, one each.
  std::size_t required_ = 0;            ///< Columns that every new row must have.
};

} // namespace chasqui
