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
    row r;
    r.terms.push_back(term_of(p.lane, term_kind::wide, table));
    scan_values(p.where, [&](const scanned_value& v) {
      const auto column = name_of(v, name_room);
      if (is_indexed_column(column)) {
        const auto value = index_value(text_of(v, value_room));
        r.terms.push_back(term_of(p.lane, term_kind::row, table, column, value));
        if (p.is_there)
          r.terms.push_back(term_of(p.lane, term_kind::where, table, column, value));
      }
      return true;
    });
    rows_.push_back(std::move(r));
    file(i);
  }
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
  std::map<std::string, std::set<index_term>> terms;
  for (std::size_t i = 0; i < probes_.size(); ++i)
    terms[probes_[i].lane].insert(rows_[i].terms.begin(), rows_[i].terms.end());
  std::vector<look_up> out;
  for (const auto& [lane, wanted] : terms) {
    look_up one;
    one.lane = lane;
    one.from_seq = 0;
    one.terms.assign(wanted.begin(), wanted.end());
    out.push_back(std::move(one));
  }
  return out;
}

void row_glance::on_found(const looked_up& found) {
  const bool is_whole = found.from_seq > found.head || found.indexed_from <= found.from_seq;
  if (found.more || !is_whole)
    return;
  auto& terms = pending_[found.lane];
  for (const auto& e : found.entries)
    for (const auto term : index_terms(found.lane, e.payload))
      terms.insert(term);
}

std::vector<rows_probed> row_glance::wanted() const {
  std::vector<rows_probed> out;
  out.reserve(groups_.size());
  for (const auto& g : groups_)
    out.push_back(g.what);
  return out;
}

void row_glance::on_probed(const probe_result& result) {
  const auto code = result.problem.code;
  const bool is_away = code == fault_code::link_lost || code == fault_code::timed_out;
  replica_ = is_away ? result.problem.message : "";
  is_probed_ = !result.problem;
  for (std::size_t i = 0; i < result.found.size() && i < groups_.size(); ++i)
    for (const auto place : result.found[i])
      if (place < groups_[i].members.size())
        rows_[groups_[i].members[place]].is_found = true;
}

glanced row_glance::answer() const {
  glanced out;
  out.replica = replica_;
  for (std::size_t i = 0; i < probes_.size(); ++i) {
    const auto lane = pending_.find(probes_[i].lane);
    const auto is_pending = [&](index_term t) { return lane->second.contains(t); };
    const auto& terms = rows_[i].terms;
    if (!is_probed_ || lane == pending_.end() || rows_[i].is_found != probes_[i].is_there ||
        std::any_of(terms.begin(), terms.end(), is_pending))
      out.doubtful.push_back(i);
  }
  return out;
}

} // namespace chasqui
