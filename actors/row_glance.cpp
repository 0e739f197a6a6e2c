#include "actors/row_glance.hpp"

#include "messages/record_scan.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

row_glance::row_glance(glance what) : probes_{std::move(what.probes)} {
  std::string name_room;
  std::string value_room;
  rows_.reserve(probes_.size());
  for (std::size_t i = 0; i < probes_.size(); ++i) {
    const auto& p = probes_[i];
    const auto table = bare_table(p.table);
    bool has_id = false;
    row r;
    r.terms.push_back(term_of(p.lane, term_kind::wide, table));
    scan_values(p.where, [&](const scanned_value& v) {
      const auto column = name_of(v, name_room);
      if (is_indexed_column(column)) {
        has_id = has_id || column == "id";
        const auto value = index_value(text_of(v, value_room));
        r.terms.push_back(term_of(p.lane, term_kind::row, table, column, value));
        if (p.is_there)
          r.terms.push_back(term_of(p.lane, term_kind::where, table, column, value));
      }
      return true;
    });
    r.look = look_of(p.lane, has_id);
    looks_[r.look].terms.insert(r.terms.begin(), r.terms.end());
    rows_.push_back(std::move(r));
    file(i);
  }
}

std::size_t row_glance::look_of(const std::string& lane, bool by_id) {
  const auto found = std::find_if(looks_.begin(), looks_.end(),
                                  [&](const log_look& l) { return l.lane == lane && l.by_id == by_id; });
  if (found != looks_.end())
    return static_cast<std::size_t>(found - looks_.begin());
  looks_.push_back({lane, by_id, {}, {}});
  return looks_.size() - 1;
}

void row_glance::file(std::size_t place) {
  const auto& p = probes_[place];
  auto into = std::find_if(groups_.begin(), groups_.end(), [&](const group& g) {
    return g.what.table == p.table && g.what.columns == p.columns;
  });
  if (into == groups_.end())
    into = groups_.insert(groups_.end(), group{{p.table, p.columns, {}}, {}});
  into->what.records.push_back(p.where);
  into->members.push_back(place);
}

std::vector<look_up> row_glance::look_ups() const {
  std::vector<look_up> out;
  for (const auto& l : looks_) {
    look_up one;
    one.lane = l.lane;
    one.from_seq = 0;
    one.terms.assign(l.terms.begin(), l.terms.end());
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

std::vector<rows_probed> row_glance::wanted() const {
  std::vector<rows_probed> out;
  out.reserve(groups_.size());
  for (const auto& g : groups_)
    out.push_back(g.what);
  return out;
}

void row_glance::on_probed(const probe_result& result) {
  replica_ = result.problem.message;
  for (std::size_t i = 0; i < result.found.size() && i < groups_.size(); ++i) {
    if (!result.found[i])
      continue;
    for (const auto member : groups_[i].members)
      rows_[member].is_there = false;
    for (const auto place : *result.found[i])
      rows_[groups_[i].members.at(place)].is_there = true;
  }
}

glanced row_glance::answer() const {
  glanced out;
  out.replica = replica_;
  for (std::size_t i = 0; i < probes_.size(); ++i) {
    const auto& r = rows_[i];
    const auto& pending = looks_[r.look].pending;
    const bool is_clear =
        r.is_there == probes_[i].is_there && pending &&
        std::none_of(r.terms.begin(), r.terms.end(), [&](index_term t) { return pending->contains(t); });
    if (!is_clear)
      out.doubtful.push_back(i);
  }
  return out;
}

} // namespace chasqui
