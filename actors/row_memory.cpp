#include "actors/row_memory.hpp"

#include <functional>
#include <string>
#include <utility>

namespace chasqui {

namespace {

row_name name_of(const row_question& q) {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
  const std::hash<std::string> hash;
  return (hash(q.rule->table) * odd) ^ hash(q.where);
}

} // namespace

row_concern row_memory::enter(submission_rows& of, time_point now) {
  bool is_contested = false;
  std::erase_if(of.questions, [&](const row_question& q) {
    const auto row = name_of(q);
    if (q.rule->is_about_parent)
      return knows(row, now);
    is_contested = is_contested || inserting_.contains(row);
    of.inserts.push_back({row, q.rule->is_referred_to});
    return false;
  });
  for (const auto& one : of.inserts)
    ++inserting_[one.row];
  if (of.unsettles)
    forget();
  if (is_contested)
    return row_concern::contested;
  return of.questions.empty() ? row_concern::none : row_concern::some;
}

// What was learned while it was on its way may have been so before it came.
void row_memory::leave(const submission_rows& of) {
  for (const auto& one : of.inserts)
    if (const auto found = inserting_.find(one.row); --found->second == 0)
      inserting_.erase(found);
  if (of.unsettles)
    forget();
}

void row_memory::arrive(const submission_rows& of, std::uint64_t since, time_point now) {
  leave(of);
  for (const auto& one : of.inserts)
    if (one.may_be_parent)
      learn(one.row, since, now);
}

std::vector<std::size_t> row_memory::settle(const std::vector<submission_rows*>& those, const glanced& answer,
                                            std::uint64_t since, time_point now) {
  std::vector<std::size_t> unclear;
  auto doubtful = answer.doubtful.begin();
  std::uint64_t probe = 0;
  for (std::size_t i = 0; i < those.size(); ++i) {
    auto& questions = those[i]->questions;
    std::erase_if(questions, [&](const row_question& q) {
      const auto at = probe++;
      if (doubtful != answer.doubtful.end() && *doubtful == at) {
        ++doubtful;
        return false;
      }
      if (q.rule->is_about_parent)
        learn(q, since, now);
      return true;
    });
    if (!questions.empty())
      unclear.push_back(i);
  }
  return unclear;
}

void row_memory::learn(const row_question& parent, std::uint64_t since, time_point now) {
  learn(name_of(parent), since, now);
}

void row_memory::learn(row_name row, std::uint64_t since, time_point now) {
  if (since == version_)
    keep(row, now);
}

bool row_memory::knows(row_name row, time_point now) {
  const auto is_seen = [&](const seen& in, seen::const_iterator at) {
    return at != in.end() && now - at->second < lasts_;
  };
  if (is_seen(young_, young_.find(row)))
    return true;
  const auto before = old_.find(row);
  if (!is_seen(old_, before))
    return false;
  keep(row, before->second);
  return true;
}

void row_memory::keep(row_name row, time_point seen_at) {
  if (young_.size() >= half_)
    old_ = std::exchange(young_, {});
  young_.insert_or_assign(row, seen_at);
}

void row_memory::forget() {
  young_.clear();
  old_.clear();
  ++version_;
}

} // namespace chasqui
