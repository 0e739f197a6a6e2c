#include "actors/row_glance.hpp"

#include "messages/record_scan.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

row_glance::row_glance(glance what) {
  for (const auto& k : what.kinds) {
    const bool by_id = std::find(k.columns.begin(), k.columns.end(), "id") != k.columns.end();
    const auto wide = term_of(k.lane, term_kind::wide, bare_table(k.table));
    const auto look = look_of(k.lane, by_id);
    looks_[look].terms.push_back(wide);
    kinds_.push_back({k.is_there, wide, look, records_of(k)});
  }
  rows_.reserve(what.probes.size());
  for (auto& p : what.probes) {
    const auto& like = what.kinds.at(p.kind);
    add(like, std::move(p));
  }
  for (auto& l : looks_) {
    std::sort(l.terms.begin(), l.terms.end());
    l.terms.erase(std::unique(l.terms.begin(), l.terms.end()), l.terms.end());
  }
}

void row_glance::add(const probe_kind& like, row_probe probe) {
  auto& known = kinds_[probe.kind];
  auto& look = looks_[known.look].terms;
  const auto table = bare_table(like.table);
  std::string room;
  auto column = like.columns.begin();
  scan_values(probe.where, [&](const scanned_value& v) {
    if (column == like.columns.end())
      return false;
    if (is_indexed_column(*column)) {
      const auto value = index_value(text_of(v, room));
      terms_.push_back(term_of(like.lane, term_kind::row, table, *column, value));
      if (like.is_there)
        terms_.push_back(term_of(like.lane, term_kind::where, table, *column, value));
    }
    ++column;
    return true;
  });
  const auto begin = rows_.empty() ? 0 : rows_.back().terms_end;
  look.insert(look.end(), terms_.begin() + static_cast<std::ptrdiff_t>(begin), terms_.end());
  members_[known.records].push_back(rows_.size());
  rows_.push_back({probe.kind, terms_.size(), {}});
  wanted_[known.records].records.push_back(std::move(probe.where));
}

std::size_t row_glance::records_of(const probe_kind& like) {
  const auto found = std::find_if(wanted_.begin(), wanted_.end(), [&](const rows_probed& w) {
    return w.table == like.table && w.columns == like.columns;
  });
  if (found != wanted_.end())
    return static_cast<std::size_t>(found - wanted_.begin());
  wanted_.push_back({like.table, like.columns, {}});
  members_.emplace_back();
  return wanted_.size() - 1;
}

std::size_t row_glance::look_of(const std::string& lane, bool by_id) {
  const auto found = std::find_if(looks_.begin(), looks_.end(),
                                  [&](const log_look& l) { return l.lane == lane && l.by_id == by_id; });
  if (found != looks_.end())
    return static_cast<std::size_t>(found - looks_.begin());
  looks_.push_back({lane, by_id, {}, {}});
  return looks_.size() - 1;
}

std::vector<look_up> row_glance::look_ups() const {
  std::vector<look_up> out;
  for (const auto& l : looks_) {
    look_up one;
    one.lane = l.lane;
    one.from_seq = 0;
    one.by_memory = true;
    one.terms = l.terms;
    out.push_back(std::move(one));
  }
  return out;
}

void row_glance::on_found(std::size_t which, const looked_up& found) {
  const bool is_whole =
      found.from_seq > found.head || (found.indexed_from <= found.from_seq && found.first <= found.from_seq);
  if (found.more || !is_whole)
    return;
  auto& pending = looks_[which].pending.emplace();
  for (const auto& e : found.entries)
    for (const auto term : index_terms(found.lane, e.payload))
      pending.insert(term);
}

void row_glance::on_probed(const probe_result& result) {
  replica_ = result.problem.message;
  for (std::size_t i = 0; i < result.found.size() && i < members_.size(); ++i) {
    if (!result.found[i])
      continue;
    for (const auto member : members_[i])
      rows_[member].is_there = false;
    for (const auto place : *result.found[i])
      rows_[members_[i].at(place)].is_there = true;
  }
}

glanced row_glance::answer() const {
  glanced out;
  out.replica = replica_;
  auto term = terms_.begin();
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const auto& r = rows_[i];
    const auto& k = kinds_[r.kind];
    const auto& pending = looks_[k.look].pending;
    const auto end = terms_.begin() + static_cast<std::ptrdiff_t>(r.terms_end);
    const bool is_clear = r.is_there == k.are_there && pending && !pending->contains(k.wide) &&
                          std::none_of(term, end, [&](index_term t) { return pending->contains(t); });
    term = end;
    if (!is_clear)
      out.doubtful.push_back(i);
  }
  return out;
}

} // namespace chasqui
