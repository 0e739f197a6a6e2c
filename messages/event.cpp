#include "messages/event.hpp"

#include <algorithm>

namespace chasqui {

bool matches(const event& e, const event_filter& wanted) {
  if (e.kind == event_kind::gap)
    return true;
  const auto& kinds = wanted.kinds;
  if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), e.kind) == kinds.end())
    return false;
  if (!wanted.id.is_nil() && e.id == wanted.id)
    return true;
  if (!wanted.lane.empty() && e.lane != wanted.lane)
    return false;
  if (wanted.seq == 0)
    return wanted.id.is_nil();
  // What has an id is about that transaction alone, however many stand at its numbers.
  const bool about_another = !e.id.is_nil() && !wanted.id.is_nil();
  return !about_another && e.from_seq <= wanted.seq && wanted.seq <= e.to_seq;
}

} // namespace chasqui
