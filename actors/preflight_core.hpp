#pragma once

#include "actors/row_questions.hpp"
#include "actors/table_rules.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace chasqui {

/// Knows a schema, and says what a primary of this schema would refuse for certain: whatever stands in its
/// tables, and whoever else writes to them. What it cannot know passes.
class preflight_core {
public:
  explicit preflight_core(catalogue schema);

  /// `none`, or `refused_by_schema` with table, column, value and rule.
  [[nodiscard]] fault check(const transaction& t) const;

  /// What rows would decide about it, if nobody else wrote to these tables.
  [[nodiscard]] std::vector<row_question> ask(const transaction& t) const;

private:
  [[nodiscard]] const table_rules* find(const std::string& table) const;
  [[nodiscard]] fault refuse_unknown(const std::string& table, const json_path& path) const;
  [[nodiscard]] fault check_rights(const table_rules& table, const step& s, const json_path& path) const;
  [[nodiscard]] fault check_step(const step& s, const json_path& path) const;
  [[nodiscard]] fault check_where(const table_rules& table, const step& s, const json_path& path) const;

  catalogue schema_; ///< Without its tables.
  std::vector<std::unique_ptr<table_rules>> tables_;
  std::unordered_map<std::string, const table_rules*>
      by_name_;                        ///< `schema.table`, and `table` where it is found.
  std::optional<row_questioner> rows_; ///< Made last.
};

} // namespace chasqui
