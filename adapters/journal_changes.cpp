#include "adapters/journal_changes.hpp"

#include "adapters/id_bytes.hpp"
#include "adapters/journal_entries.hpp"
#include "adapters/journal_index.hpp"
#include "adapters/journal_marks.hpp"
#include "adapters/journal_roll.hpp"
#include "adapters/journal_sum.hpp"

#include <algorithm>
#include <optional>

namespace chasqui {
namespace {

// Of one step, so that appends get in between.
constexpr std::uint64_t step_entries_max = 500;
constexpr std::uint64_t step_bytes_max = 4U << 20U;
constexpr std::uint64_t step_lines_max = 5'000;
constexpr std::uint64_t step_terms_max = 500;

constexpr std::uint64_t unused_pages_min = 1'024; ///< Fewer are not worth the moving.

const char* const upsert_adopted = R"sql(
INSERT INTO marks(lane, head, committed, replicated, released, follows) VALUES (?1, ?2, ?3, ?4, ?5, 1)
  ON CONFLICT(lane) DO UPDATE SET head = ?2, committed = ?3, replicated = ?4, released = ?5, follows = 1
)sql";

const char* const next_cleared = R"sql(
SELECT 1 + coalesce(max(CAST(replace(replace(name, 'cleared_entry_', ''), 'cleared_term_', '') AS INTEGER)), 0)
FROM sqlite_schema WHERE type = 'table' AND name GLOB 'cleared_*'
)sql";

// One at least, however large: a step that takes none would never end.
std::string first_rows(const std::string& table) {
  return "SELECT rowid FROM (SELECT rowid, sum(bytes) OVER (ORDER BY rowid) - bytes AS bytes_before FROM "
         "(SELECT rowid, length(payload) AS bytes FROM " +
         table + " ORDER BY rowid LIMIT " + std::to_string(step_entries_max) + ")) WHERE bytes_before < " +
         std::to_string(step_bytes_max);
}

const char* const unfollow = R"sql(
UPDATE marks SET head = max(head, (SELECT coalesce(max(seq), 0) FROM entry WHERE lane = ?1)), follows = 0
WHERE lane = ?1
)sql";

/// Whether there are entries of other lanes than these. A look into the index for each lane.
bool has_others(sqlite_database& database, const std::vector<std::string>& lanes) {
  std::string lane;
  do
    lane = database.text("SELECT lane FROM entry WHERE lane > ? ORDER BY lane LIMIT 1", lane);
  while (std::find(lanes.begin(), lanes.end(), lane) != lanes.end());
  return !lane.empty();
}

void rename_entries(sqlite_database& database) {
  const auto number = std::to_string(database.number(next_cleared));
  for (const std::string table : {"entry", "term"}) {
    const auto made_by = database.text("SELECT sql FROM sqlite_schema WHERE name = ?", table);
    database.run(("ALTER TABLE " + table + " RENAME TO cleared_" + table + '_' + number).c_str());
    database.run(made_by.c_str());
  }
}

// The seq of the last entry that one step may take; nothing if it may take them all.
std::optional<seqno> end_of_step(sqlite_query rows) {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  while (rows.next()) {
    bytes += rows.number(1);
    if (++entries >= step_entries_max || bytes >= step_bytes_max)
      return rows.number(0);
  }
  return std::nullopt;
}

std::optional<seqno> end_of_trim(sqlite_database& database, const std::string& lane, seqno through) {
  auto end = end_of_step(database.query(
      "SELECT seq, length(payload) FROM entry WHERE lane = ? AND seq <= ? ORDER BY seq LIMIT ?", lane,
      through, step_entries_max));
  const auto line =
      database.number("SELECT seq FROM roll WHERE lane = ? AND seq <= ? ORDER BY seq LIMIT 1 OFFSET ?", lane,
                      through, step_lines_max - 1);
  if (line != 0)
    end = std::min(end.value_or(line), line);
  return end;
}

progress trim(sqlite_database& database, const std::string& lane, seqno through, const lane_marks* marks) {
  const auto end = end_of_trim(database, lane, through);
  const auto last = end.value_or(through);
  sqlite_transaction all{database, end && marks == nullptr ? flush::no : flush::yes};
  if (marks != nullptr)
    save_marks(database, *marks);
  keep_head(database, lane);
  forget_entries(database, lane, 0, last);
  database.change("DELETE FROM entry WHERE lane = ? AND seq <= ?", lane, last);
  database.change("DELETE FROM roll WHERE lane = ? AND seq <= ?", lane, last);
  database.change("DELETE FROM settled WHERE lane = ? AND seq <= ?", lane, last);
  all.commit();
  return {{}, end.has_value()};
}

// A sum that was wrong stays wrong by as much.
void renumber_entry(sqlite_database& database, const std::string& lane, const found_entry& found, seqno to) {
  const auto id = to_bytes(found.it.id);
  auto moved = found.it;
  moved.seq = to;
  const auto sum = found.sum ^ sum_of(lane, found.it) ^ sum_of(lane, moved);
  database.change("UPDATE entry SET seq = ?, sum = ? WHERE lane = ? AND seq = ?", to, sum, lane,
                  found.it.seq);
  database.change("UPDATE dead SET seq = ? WHERE lane = ? AND seq = ? AND id = ?", to, lane, found.it.seq,
                  sqlite_blob{id});
  put_on_roll(database, {lane, to, found.it.id, found.it.at});
  forget_entry(database, lane, found.it.seq, found.it.payload);
  index_entry(database, lane, to, found.it.payload);
}

} // namespace

fault adopt_marks(sqlite_database& database, const lane_marks& marks) {
  constexpr auto end = ~seqno{0};
  sqlite_transaction all{database, flush::yes};
  forget_entries(database, marks.lane, marks.head + 1, end);
  database.change("DELETE FROM entry WHERE lane = ? AND seq > ?", marks.lane, marks.head);
  database.change("DELETE FROM roll WHERE lane = ? AND seq > ?", marks.lane, marks.head);
  database.change(upsert_adopted, marks.lane, marks.head, marks.committed, marks.replicated, marks.released);
  all.commit();
  return {};
}

fault renumber_lane(sqlite_database& database, const std::string& lane, seqno first) {
  sqlite_transaction all{database, flush::yes};
  const auto head = head_of(database, lane);
  if (first <= head)
    return {fault_code::diverged,
            "Lane " + lane + " of the journal ends at " + std::to_string(head) + ", not before " +
                std::to_string(first) + ". Log and runtime disagree.",
            ""};
  auto next = first;
  auto found = first_entry(database, lane, 0, head);
  while (found) {
    renumber_entry(database, lane, *found, next++);
    found = first_entry(database, lane, found->it.seq + 1, head);
  }
  database.change(
      "INSERT INTO marks(lane, head) VALUES (?1, ?2) ON CONFLICT(lane) DO UPDATE SET head = max(head, ?2)",
      lane, next - 1);
  all.commit();
  return {};
}

progress mark_lane(sqlite_database& database, const lane_marks& marks, seqno trim_through) {
  return trim(database, marks.lane, trim_through, &marks);
}

progress trim_lane(sqlite_database& database, const std::string& lane, seqno through) {
  return trim(database, lane, through, nullptr);
}

// Appends wait for this, whether the log was in the journal for a second or for a night: the tables get other
// names, and new ones take their place. Only where somebody has taken a lane out of the settings that still
// has entries, those of the others are picked out.
fault clear_entries(sqlite_database& database, const std::vector<std::string>& lanes) {
  sqlite_transaction all{database, flush::yes};
  for (const auto& lane : lanes)
    database.change(unfollow, lane);
  if (has_others(database, lanes))
    for (const auto& lane : lanes) {
      forget_entries(database, lane, 0, ~seqno{0});
      database.change("DELETE FROM entry WHERE lane = ?", lane);
    }
  else
    rename_entries(database);
  all.commit();
  return {};
}

progress remove_cleared(sqlite_database& database) {
  const auto table = database.text(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'cleared_*' ORDER BY name LIMIT 1");
  if (table.empty())
    return {};
  const auto first = table.starts_with("cleared_entry")
                         ? "rowid IN (" + first_rows(table) + ")"
                         : "(term, seq) IN (SELECT term, seq FROM " + table + " LIMIT " +
                               std::to_string(step_terms_max) + ")";
  sqlite_transaction all{database, flush::no};
  if (database.run(("DELETE FROM " + table + " WHERE " + first).c_str()) == 0)
    database.run(("DROP TABLE " + table).c_str());
  all.commit();
  return {{}, true};
}

progress shrink_file(sqlite_database& database) {
  const auto is_worth_it = [&] {
    const auto unused = database.number("PRAGMA freelist_count");
    return unused >= unused_pages_min && unused * 2 > database.number("PRAGMA page_count");
  };
  if (!is_worth_it())
    return {};
  sqlite_transaction all{database, flush::no};
  database.run("PRAGMA incremental_vacuum(512)");
  all.commit();
  return {{}, is_worth_it()};
}

} // namespace chasqui
