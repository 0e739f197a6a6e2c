#include "actors/life_story.hpp"

#include <algorithm>
#include <optional>

namespace chasqui {

namespace {

std::optional<stage> stage_of(const event& e) {
  return e.kind == event_kind::settled ? parse_stage(e.detail) : parse_stage(to_string(e.kind));
}

bool has(const life& known, stage wanted) {
  return std::any_of(known.history.begin(), known.history.end(),
                     [&](const milestone& m) { return m.stage == wanted; });
}

} // namespace

event_filter events_of(const life& known) {
  return {{event_kind::sent, event_kind::committed, event_kind::replicated, event_kind::released,
           event_kind::rejected, event_kind::parked, event_kind::settled},
          known.lane,
          known.seq,
          known.id};
}

void complete(life& known, const std::vector<event>& past) {
  const auto kept_at = known.history.empty() ? instant{} : known.history.front().at;
  for (const auto& e : past) {
    const auto reached = stage_of(e);
    const bool by_number = e.id.is_nil();
    // All marks pass over a dead letter, too; and numbers of an earlier time were somebody else's.
    if (!reached || (by_number && (e.at < kept_at || (known.error && is_mark(*reached)))))
      continue;
    if (!has(known, *reached))
      known.history.push_back({*reached, e.at});
  }
  std::stable_sort(known.history.begin(), known.history.end(),
                   [](const milestone& a, const milestone& b) { return a.at < b.at; });
}

} // namespace chasqui
