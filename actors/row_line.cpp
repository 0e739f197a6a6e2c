#include "actors/row_line.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

row_line_actions row_line::add(std::uint64_t who, std::uint64_t bytes, row_concern concern,
                               std::size_t questions, time_point now) {
  row_line_actions out;
  auto is = standing::fresh;
  if (concern != row_concern::some)
    is = concern == row_concern::none ? standing::cleared : standing::doubted;
  line_.push_back({who, bytes, questions, now + limits_.patience, is, {}});
  bytes_ += bytes;
  advance(out, now);
  return out;
}

row_line_actions row_line::on_glanced(const std::vector<std::uint64_t>& all,
                                      const std::vector<std::uint64_t>& unclear, time_point now) {
  row_line_actions out;
  --glances_;
  const auto settle = [this](const std::vector<std::uint64_t>& which, standing as) {
    std::size_t count = 0;
    for (const auto who : which)
      if (const auto p = find(who); p != line_.end() && p->is == standing::glanced_at) {
        p->is = as;
        ++count;
      }
    return count;
  };
  unclear_ += settle(unclear, standing::unclear);
  settle(all, standing::cleared);
  advance(out, now);
  return out;
}

row_line_actions row_line::on_looked(std::uint64_t who, fault doubt, time_point now) {
  row_line_actions out;
  const auto found = find(who);
  if (found == line_.end() || !is_looked_at(*found)) // It has waited too long.
    return out;
  --looking_;
  const auto if_doubted = found->is == standing::looked_at ? standing::doubted : standing::refused;
  found->is = doubt ? if_doubted : standing::cleared;
  found->doubt = std::move(doubt);
  advance(out, now);
  return out;
}

row_line_actions row_line::on_answered(std::size_t how_many, time_point now) {
  row_line_actions out;
  handed_on_ -= how_many;
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
  unclear_ = 0;
}

// They stand in the order in which they came.
row_line::places::iterator row_line::from(std::uint64_t who) {
  return std::lower_bound(line_.begin(), line_.end(), who,
                          [](const place& p, std::uint64_t w) { return p.who < w; });
}

row_line::places::iterator row_line::find(std::uint64_t who) {
  const auto found = from(who);
  return found != line_.end() && found->who == who ? found : line_.end();
}

bool row_line::is_looked_at(const place& p) {
  return p.is == standing::looked_at || p.is == standing::looked_at_last;
}

void row_line::look(row_line_actions& out, place& p, standing as, time_point now) {
  unclear_ -= p.is == standing::unclear ? 1 : 0;
  if (now < looks_again_at_) {
    p.is = standing::cleared;
    return;
  }
  p.is = as;
  ++looking_;
  out.looks.push_back({p.who, as == standing::looked_at_last});
}

void row_line::glance(row_line_actions& out, time_point now) {
  const bool looks = now >= looks_again_at_;
  if (looks && glances_ == limits_.glances_max)
    return;
  std::size_t questions = 0;
  for (auto p = from(glance_from_); p != line_.end(); ++p) {
    if (out.glance.size() == limits_.glance_max ||
        (!out.glance.empty() && questions + p->questions > limits_.questions_max))
      break;
    glance_from_ = p->who + 1;
    if (p->is != standing::fresh)
      continue;
    const bool is_late = now >= p->deadline; // It leaves before anybody could answer.
    p->is = looks && !is_late ? standing::glanced_at : standing::cleared;
    if (p->is == standing::glanced_at) {
      out.glance.push_back(p->who);
      questions += p->questions;
    }
  }
  glances_ += out.glance.empty() ? 0 : 1;
}

/// Whether it has come to an end for the one in front.
bool row_line::may_leave(row_line_actions& out, place& p, time_point now) {
  if (p.is == standing::cleared || p.is == standing::refused || now >= p.deadline)
    return true;
  if (p.is == standing::unclear)
    look(out, p, standing::looked_at, now);
  else if (p.is == standing::doubted && handed_on_ == 0)
    look(out, p, standing::looked_at_last, now);
  return p.is == standing::cleared;
}

void row_line::advance(row_line_actions& out, time_point now) {
  glance(out, now);
  while (!line_.empty() && may_leave(out, line_.front(), now)) {
    auto& p = line_.front();
    if (p.is != standing::refused)
      p.doubt = {};
    looking_ -= is_looked_at(p) ? 1 : 0;
    unclear_ -= p.is == standing::unclear ? 1 : 0;
    handed_on_ += p.doubt && refuses_ ? 0 : 1;
    bytes_ -= p.bytes;
    out.out.push_back({p.who, std::move(p.doubt)});
    line_.pop_front();
  }
  for (auto p = line_.begin(); unclear_ > 0 && looking_ < limits_.looks_max && p != line_.end(); ++p)
    if (p->is == standing::unclear)
      look(out, *p, standing::looked_at, now);
}

} // namespace chasqui
