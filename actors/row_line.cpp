#include "actors/row_line.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

row_line_actions row_line::add(std::uint64_t who, std::uint64_t bytes, bool has_questions, time_point now) {
  row_line_actions out;
  line_.push_back({who, bytes, has_questions, now + limits_.patience, round::waiting, false, {}});
  bytes_ += bytes;
  advance(out, now);
  return out;
}

row_line_actions row_line::on_looked(std::uint64_t who, fault doubt, time_point now) {
  row_line_actions out;
  const auto found = std::find_if(line_.begin(), line_.end(),
                                  [&](const place& p) { return p.who == who && p.is_looked_at; });
  if (found == line_.end()) // The line was cleared.
    return out;
  found->is_looked_at = false;
  found->doubt = std::move(doubt);
  --looking_;
  advance(out, now);
  return out;
}

row_line_actions row_line::on_answered(time_point now) {
  row_line_actions out;
  --handed_on_;
  advance(out, now);
  return out;
}

row_line_actions row_line::on_deadline(time_point now) {
  row_line_actions out;
  advance(out, now);
  return out;
}

std::optional<time_point> row_line::deadline() const {
  if (line_.empty())
    return std::nullopt;
  return line_.front().deadline;
}

void row_line::clear() {
  line_.clear();
  bytes_ = 0;
  looking_ = 0;
}

void row_line::look(row_line_actions& out, place& p, round at, time_point now) {
  p.at = at;
  p.doubt = {};
  if (!p.has_questions || now < looks_again_at_)
    return;
  p.is_looked_at = true;
  ++looking_;
  out.looks.push_back({p.who, at == round::last});
}

void row_line::advance(row_line_actions& out, time_point now) {
  while (!line_.empty()) {
    auto& p = line_.front();
    const bool is_late = now >= p.deadline;
    if (p.is_looked_at && !is_late)
      break;
    if (p.at == round::waiting && !is_late) {
      look(out, p, round::first, now);
      continue;
    }
    if (p.at == round::first && p.doubt && !is_late) {
      if (handed_on_ > 0)
        break;
      look(out, p, round::last, now);
      continue;
    }
    if (p.at != round::last)
      p.doubt = {};
    looking_ -= p.is_looked_at ? 1 : 0;
    handed_on_ += p.doubt && refuses_ ? 0 : 1;
    bytes_ -= p.bytes;
    out.out.push_back({p.who, std::move(p.doubt)});
    line_.pop_front();
  }
  for (auto& p : line_)
    if (looking_ < limits_.looks_max && p.at == round::waiting)
      look(out, p, round::first, now);
}

} // namespace chasqui
