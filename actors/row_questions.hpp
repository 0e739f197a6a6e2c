#pragma once

#include "actors/table_rules.hpp"
#include "messages/fault.hpp"
#include "messages/reading.hpp"
#include "messages/transaction.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace chasqui {

/// Questions about one transaction; what more there would be to ask passes.
inline constexpr std::size_t row_questions_max = 100;

/// What a row that is there, or is not, decides about a transaction.
struct row_question {
  read_rows what;                   ///< One row is answer enough.
  std::string lane;                 ///< Of the transaction.
  std::vector<std::string> columns; ///< Of the condition.
  bool is_about_parent = false;     ///< It must be there; else it must not.
  std::string field;                ///< Of the transaction.
  std::string reference;            ///< What is told of the foreign key, if it is about a parent.
};

/// Asks for the rows that decide whether `t` is refused: those of the same key as one that it inserts, and
/// the parents that it refers to. Only what is certain is asked for, if nobody else writes to these tables:
/// nothing that a trigger, another step or a cast may change, and only keys that the index of the log knows.
std::vector<row_question> questions_about(const transaction& t,
                                          const std::function<const table_rules*(const std::string&)>& find);

/// Whether it may take a row away that others refer to, or give it another key.
bool unsettles_rows(const transaction& t);

/// `none`, or `refused_by_schema`. An answer without the replica, or one that is not the whole truth, says
/// nothing.
fault judge(const row_question& question, const found_rows& answer);

} // namespace chasqui
