#include "tests/demo/audit.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

namespace chasqui::night {

namespace {

using place = std::pair<std::string, seqno>; ///< Lane and seq.
using places = std::unordered_map<uuid, place>;

places places_of(const night_records& night) {
  places found;
  for (const auto& of_one : night.receipts)
    for (const auto& r : of_one)
      found[r.id] = {r.lane, r.seq};
  return found;
}

std::size_t applied_of(const places& acknowledged, const server_view& server) {
  std::set<uuid> found;
  for (const auto& a : server.applied)
    if (acknowledged.contains(a.id))
      found.insert(a.id);
  return found.size();
}

std::size_t lost_of(const places& acknowledged, const server_view& primary) {
  std::set<uuid> kept = primary.dead_letters;
  for (const auto& a : primary.applied)
    kept.insert(a.id);
  return static_cast<std::size_t>(std::count_if(acknowledged.begin(), acknowledged.end(),
                                                [&](const auto& a) { return !kept.contains(a.first); }));
}

std::size_t duplicated_of(const places& acknowledged, const server_view& primary) {
  std::set<uuid> applied;
  std::set<place> taken;
  std::size_t twice = primary.rows_doubled;
  for (const auto& a : primary.applied)
    twice += applied.insert(a.id).second ? 0 : 1;
  for (const auto& [id, at] : acknowledged)
    twice += taken.insert(at).second ? 0 : 1;
  return twice;
}

/// Of each control process: receipts whose seq is not above that of the one before in its lane.
std::size_t disorder_of_receipts(const night_records& night) {
  std::size_t count = 0;
  for (const auto& of_one : night.receipts) {
    std::map<std::string, seqno> last;
    for (const auto& r : of_one) {
      auto& before = last[r.lane];
      count += r.seq > before ? 0 : 1;
      before = r.seq;
    }
  }
  return count;
}

/// On the primary: entries at another place than their receipts say, and entries that were worked earlier
/// than the one before them in the lane. Neighbours may share a database transaction, with nothing of another
/// one in between; what is in one is visible at once, and in which order it was worked there the integration
/// tests see, whose tables count arrivals.
std::size_t disorder_of_work(const places& acknowledged, const server_view& primary) {
  std::size_t count = 0;
  const applied_entry* before = nullptr;
  for (const auto& a : primary.applied) {
    const auto at = acknowledged.find(a.id);
    const bool elsewhere = at != acknowledged.end() && at->second != place{a.lane, a.seq};
    const bool too_early = before != nullptr && before->lane == a.lane &&
                           (a.xid < before->xid || (a.xid == before->xid && a.seq != before->seq + 1));
    count += elsewhere || too_early ? 1 : 0;
    before = &a;
  }
  return count;
}

std::size_t difference(const domain_rows& wanted, const domain_rows& found) {
  std::size_t count = 0;
  for (std::size_t t = 0; t < wanted.size(); ++t) {
    for (const auto& [id, contents] : wanted[t]) {
      const auto row = found[t].find(id);
      count += row != found[t].end() && row->second == contents ? 0 : 1;
    }
    for (const auto& [id, contents] : found[t])
      count += wanted[t].contains(id) ? 0 : 1;
  }
  return count;
}

} // namespace

findings audit(const night_records& night, const server_view& primary, const server_view& replica) {
  const auto acknowledged = places_of(night);
  findings f;
  for (const auto& of_one : night.receipts)
    f.acknowledged += of_one.size();
  f.committed = applied_of(acknowledged, primary);
  f.replicated = applied_of(acknowledged, replica);
  f.rows_expected = row_count(night.rows);
  f.rows_primary = primary.rows_counted;
  f.rows_replica = replica.rows_counted;
  f.rows_different = difference(night.rows, primary.rows) + difference(night.rows, replica.rows);
  f.lost = lost_of(acknowledged, primary);
  f.duplicated = duplicated_of(acknowledged, primary);
  f.reordered = disorder_of_receipts(night) + disorder_of_work(acknowledged, primary);
  f.dead_letters =
      static_cast<std::size_t>(std::count_if(primary.dead_letters.begin(), primary.dead_letters.end(),
                                             [&](const uuid& id) { return acknowledged.contains(id); }));
  return f;
}

} // namespace chasqui::night
