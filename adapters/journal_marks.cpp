#include "adapters/journal_marks.hpp"

#include <algorithm>
#include <chrono>

namespace chasqui {
namespace {

const char* const select_head = R"sql(
SELECT max(coalesce((SELECT head FROM marks WHERE lane = ?1), 0),
           coalesce((SELECT seq FROM entry WHERE lane = ?1 ORDER BY seq DESC LIMIT 1), 0),
           coalesce((SELECT seq FROM roll WHERE lane = ?1 ORDER BY seq DESC LIMIT 1), 0))
)sql";

const char* const select_oldest = R"sql(
SELECT coalesce((SELECT at FROM entry WHERE lane = ?1 AND seq = ?2), (SELECT at FROM roll WHERE lane = ?1 AND seq = ?2))
)sql";

const char* const upsert_marks = R"sql(
INSERT INTO marks(lane, head, committed, replicated, released) VALUES (?1, ?2, ?3, ?4, ?5)
  ON CONFLICT(lane) DO UPDATE SET
    head = max(head, ?2), committed = ?3, replicated = ?4, released = ?5
)sql";

lane_marks marks_of(sqlite_database& database, const std::string& lane) {
  lane_marks out;
  out.lane = lane;
  {
    auto row =
        database.query("SELECT committed, replicated, released, follows FROM marks WHERE lane = ?", lane);
    if (row.next()) {
      out.committed = row.number(0);
      out.replicated = row.number(1);
      out.released = row.number(2);
      out.follows = row.number(3) != 0;
    }
  }
  out.head = head_of(database, lane);
  out.first = database.number("SELECT seq FROM entry WHERE lane = ? ORDER BY seq LIMIT 1", lane);
  if (out.first == 0)
    out.first = out.head + 1;
  auto oldest = database.query(select_oldest, lane, out.replicated + 1);
  if (oldest.next())
    out.oldest_at = oldest.time(0);
  return out;
}

} // namespace

log_opened claim_journal(sqlite_database& database, const std::vector<std::string>& lanes, instant now) {
  log_opened out;
  out.kind = store_kind::journal;
  out.durability = durability::fsynced;
  const auto clock = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  sqlite_transaction all{database, flush::yes};
  const auto before = database.number("SELECT epoch FROM owner");
  out.epoch = std::max(before + 1, static_cast<epoch_no>(std::max<std::int64_t>(clock, 1)));
  database.change("UPDATE owner SET epoch = ?", out.epoch);
  for (const auto& lane : lanes)
    out.lanes.push_back(marks_of(database, lane));
  out.dead_letters = database.number("SELECT count(*) FROM dead");
  all.commit();
  return out;
}

seqno head_of(sqlite_database& database, const std::string& lane) {
  return database.number(select_head, lane);
}

void keep_head(sqlite_database& database, const std::string& lane) {
  database.change("INSERT INTO marks(lane, head) VALUES (?1, ?2) ON CONFLICT(lane) DO UPDATE SET head = ?2",
                  lane, head_of(database, lane));
}

void save_marks(sqlite_database& database, const lane_marks& marks) {
  database.change(upsert_marks, marks.lane, std::max(marks.head, head_of(database, marks.lane)),
                  marks.committed, marks.replicated, marks.released);
}

} // namespace chasqui
