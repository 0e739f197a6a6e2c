#include "adapters/journal_index.hpp"

#include "adapters/journal_entries.hpp"
#include "adapters/journal_marks.hpp"
#include "messages/index_terms.hpp"

#include <algorithm>
#include <bit>
#include <set>

namespace chasqui {
namespace {

constexpr std::uint64_t found_entries_max = 10'000;
constexpr std::uint64_t found_bytes_max = 16U << 20U;

const char* const select_seqs = R"sql(
SELECT seq FROM term WHERE term = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?
)sql";

std::int64_t stored(index_term term) { return std::bit_cast<std::int64_t>(term); }

/// Of all terms together; more than `entries_max` if there are.
std::set<seqno> found_by(sqlite_database& database, const chasqui::look_up& what, std::uint64_t entries_max) {
  std::set<seqno> seqs;
  for (const auto term : what.terms) {
    auto rows = database.query(select_seqs, stored(term), what.from_seq, what.to_seq, entries_max + 1);
    while (rows.next() && seqs.size() <= entries_max)
      seqs.insert(rows.number(0));
  }
  return seqs;
}

} // namespace

void index_entry(sqlite_database& database, const std::string& lane, seqno seq, std::string_view payload) {
  for (const auto term : index_terms(lane, payload))
    database.change("INSERT OR IGNORE INTO term(term, seq) VALUES (?, ?)", stored(term), seq);
}

void forget_entry(sqlite_database& database, const std::string& lane, seqno seq, std::string_view payload) {
  for (const auto term : index_terms(lane, payload))
    database.change("DELETE FROM term WHERE term = ? AND seq = ?", stored(term), seq);
}

void forget_entries(sqlite_database& database, const std::string& lane, seqno from, seqno to) {
  auto rows =
      database.query("SELECT seq, payload FROM entry WHERE lane = ? AND seq BETWEEN ? AND ?", lane, from, to);
  while (rows.next())
    forget_entry(database, lane, rows.number(0), rows.bytes(1));
}

lookup_page look_up_entries(sqlite_database& database, const chasqui::look_up& what) {
  lookup_page page;
  auto& found = page.found;
  found.lane = what.lane;
  found.head = head_of(database, what.lane);
  found.first = database.number("SELECT seq FROM entry WHERE lane = ? ORDER BY seq LIMIT 1", what.lane);
  if (found.first == 0)
    found.first = found.head + 1;
  const auto entries_max = std::clamp<std::uint64_t>(what.entries_max, 1, found_entries_max);
  const auto bytes_max = std::clamp<std::uint64_t>(what.bytes_max, 1, found_bytes_max);
  std::uint64_t bytes = 0;
  for (const auto seq : found_by(database, what, entries_max)) {
    auto one = first_entry(database, what.lane, seq, seq);
    if (!one) // It has gone, and its place in the index goes with the rest.
      continue;
    if (!one->is_sound)
      return {damaged_entry(what.lane, seq), {}};
    bytes += one->it.payload.size();
    if (found.entries.size() == entries_max || bytes > bytes_max) {
      found.more = true;
      break;
    }
    found.entries.push_back(std::move(one->it));
  }
  return page;
}

} // namespace chasqui
