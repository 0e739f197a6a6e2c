#pragma once

#include "actors/table_rules.hpp"
#include "messages/fault.hpp"
#include "messages/reading.hpp"
#include "messages/transaction.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace chasqui {

/// Questions about one transaction; what more there would be to ask passes.
inline constexpr std::size_t row_questions_max = 100;

/// What the rows of a table are asked for whenever a row of some table is written: that none has the same
/// key, or that there is a parent.
struct row_rule {
  std::string table;                ///< Whose rows are asked for,
  std::vector<std::string> columns; ///< by these,
  std::vector<std::string> from;    ///< with the values of these in the row that is written.
  bool is_about_parent = false;     ///< It must be there; else it must not.
  bool is_referred_to = false;      ///< Of a key: rows may refer to this one by it.
  std::string reference;            ///< What is told of the foreign key, if it is about a parent.
};

/// Where in a transaction a row stands.
struct row_place {
  std::size_t step = 0;
  std::size_t row = 0; ///< Of an insert or upsert; an update has one.
  bool is_update = false;
};

/// What a row that is there, or is not, decides about a transaction.
struct row_question {
  std::shared_ptr<const row_rule> rule; ///< Never null.
  std::string where;                    ///< JSON object: what the rule's columns must equal.
  row_place at;
};

/// The question in full: one row is answer enough.
read_rows to_read(const row_question& question);

/// Whether it may take a row away that others refer to, or give it another key.
bool unsettles_rows(const transaction& t);

/// `none`, or `refused_by_schema`, for a transaction of `lane`. An answer without the replica, or one that is
/// not the whole truth, says nothing.
fault judge(const row_question& question, std::string_view lane, const found_rows& answer);

/// Knows what a schema's rows can decide. Only what is certain is asked for, if nobody else writes to these
/// tables: nothing that a trigger, another step or a cast may change, and only keys that the index of the log
/// knows.
class row_questioner {
public:
  using finder = std::function<const table_rules*(const std::string&)>;

  /// `tables` and what they hold must outlive it.
  explicit row_questioner(const std::vector<std::unique_ptr<table_rules>>& tables);

  /// The rows that decide whether `t` is refused: those of the same key as one that it inserts, and the
  /// parents that it refers to.
  [[nodiscard]] std::vector<row_question> ask(const transaction& t, const finder& find) const;

private:
  using rule = std::shared_ptr<const row_rule>;
  struct parent_rule {
    rule what;
    const table_rules* parent;
  };
  struct rules {
    std::vector<rule> keys;
    std::vector<parent_rule> parents;
  };
  class round;

  std::unordered_map<const table_rules*, rules> by_table_;
};

} // namespace chasqui
