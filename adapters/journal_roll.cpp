#include "adapters/journal_roll.hpp"

#include "adapters/id_bytes.hpp"
#include "adapters/journal_marks.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>

namespace chasqui {
namespace {

constexpr std::uint64_t answer_lines_max = 50'000;
constexpr std::uint64_t strike_lines_max = 5'000; ///< Of one step, so that appends get in between.

// In place of the id, with lane and number, where what had this number got another one: no two are alike, and
// none is as short as an id.
constexpr std::string_view given_up = "has another number: ";

const char* const delete_lines = R"sql(
DELETE FROM roll WHERE lane = ?1 AND seq BETWEEN ?2 AND ?3
  AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.lane = roll.lane AND entry.seq = roll.seq)
)sql";

const char* const select_line_after = R"sql(
SELECT seq FROM roll WHERE lane = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT 1 OFFSET ?
)sql";

std::optional<roll_line> place_in(sqlite_query rows, const uuid& id) {
  if (!rows.next())
    return std::nullopt;
  return roll_line{std::string{rows.bytes(0)}, rows.number(1), id, rows.time(2)};
}

const char* const insert_line = "INSERT OR REPLACE INTO roll(lane, seq, id, at) VALUES (?, ?, ?, ?)";

void give_up(sqlite_database& database, const roll_line& number) {
  const auto mark = std::string{given_up} + number.lane + ':' + std::to_string(number.seq);
  database.change(insert_line, number.lane, number.seq, sqlite_blob{mark},
                  std::int64_t{number.at.time_since_epoch().count()});
}

} // namespace

std::optional<roll_line> known_place(sqlite_database& database, const uuid& id) {
  const auto bytes = to_bytes(id);
  if (auto line =
          place_in(database.query("SELECT lane, seq, at FROM roll WHERE id = ?", sqlite_blob{bytes}), id))
    return line;
  return place_in(database.query("SELECT lane, seq, kept_at FROM dead WHERE id = ? ORDER BY seq DESC LIMIT 1",
                                 sqlite_blob{bytes}),
                  id);
}

std::optional<roll_line> put_on_roll(sqlite_database& database, const roll_line& line) {
  const auto id = to_bytes(line.id);
  auto before =
      place_in(database.query("SELECT lane, seq, at FROM roll WHERE id = ?", sqlite_blob{id}), line.id);
  if (before && before->lane == line.lane && before->seq == line.seq && before->at == line.at)
    return std::nullopt;
  database.change(insert_line, line.lane, line.seq, sqlite_blob{id},
                  std::int64_t{line.at.time_since_epoch().count()});
  if (before && before->lane == line.lane && before->seq == line.seq)
    return std::nullopt;
  return before;
}

fault note_lines(sqlite_database& database, epoch_no epoch, const std::vector<roll_line>& lines) {
  sqlite_transaction all{database, flush::no};
  if (database.number("SELECT epoch FROM owner") < epoch)
    database.change("UPDATE owner SET epoch = ?", epoch);
  for (const auto& line : lines)
    if (line.id.is_nil())
      give_up(database, line);
    else if (const auto before = put_on_roll(database, line))
      give_up(database, *before);
  all.commit();
  return {};
}

roll_page call_lines(sqlite_database& database, const std::string& lane, seqno from, seqno to,
                     std::uint64_t lines_max) {
  roll_page out;
  auto rows = database.query(
      "SELECT seq, id, at FROM roll WHERE lane = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?", lane, from,
      to, std::min(lines_max, answer_lines_max));
  while (rows.next())
    out.lines.push_back({lane, rows.number(0), from_bytes(rows.bytes(1)).value_or(uuid{}), rows.time(2)});
  return out;
}

progress strike_lines(sqlite_database& database, const std::string& lane, seqno& from, seqno through) {
  const auto limit = database.number(select_line_after, lane, from, through, strike_lines_max - 1);
  const bool more = limit != 0 && limit < through;
  const auto last = more ? limit : through;
  sqlite_transaction all{database, flush::no};
  keep_head(database, lane);
  database.change(delete_lines, lane, from, last);
  all.commit();
  from = last + 1;
  return {{}, more};
}

} // namespace chasqui
