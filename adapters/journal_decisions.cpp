#include "adapters/journal_decisions.hpp"

#include "adapters/id_bytes.hpp"
#include "adapters/journal_entries.hpp"

#include <algorithm>
#include <chrono>
#include <string>

namespace chasqui {
namespace {

constexpr std::uint64_t decision_bytes_max = 16U << 20U;

const char* const upsert_decision = R"sql(
INSERT INTO decision(lane, seq, id, at, payload) VALUES (?1, ?2, ?3, ?4, ?5)
  ON CONFLICT(lane, seq) DO UPDATE SET id = ?3, at = ?4, payload = ?5
)sql";

const char* const forget_oldest = R"sql(
DELETE FROM decision WHERE rowid IN (SELECT rowid FROM decision ORDER BY at DESC, lane, seq LIMIT -1 OFFSET ?)
)sql";

const char* const forget_theirs = R"sql(
DELETE FROM decided WHERE NOT EXISTS (
  SELECT 1 FROM decision WHERE decision.lane = decided.lane AND decision.seq = decided.seq)
)sql";

void settle_letter(sqlite_database& database, const resolved& what, const settled_letter& one) {
  const auto id = to_bytes(one.id);
  database.change(
      "INSERT OR REPLACE INTO decided(lane, seq, id, stage, sqlstate, message) VALUES (?, ?, ?, ?, ?, ?)",
      what.lane, what.seq, sqlite_blob{id}, std::string{to_string(one.now)}, one.sqlstate, one.message);
  if (database.number("SELECT count(*) FROM dead WHERE id = ?", sqlite_blob{id}) == 0)
    return;
  if (one.now == stage::rejected) {
    database.change("UPDATE dead SET sqlstate = ?, message = ?, behind = x'' WHERE id = ?", one.sqlstate,
                    one.message, sqlite_blob{id});
    return;
  }
  database.change("DELETE FROM dead WHERE id = ?", sqlite_blob{id});
  database.change("INSERT OR REPLACE INTO settled(id, lane, seq) VALUES (?, ?, ?)", sqlite_blob{id},
                  what.lane, what.seq);
}

void take_letters(sqlite_database& database, resolved& into) {
  auto rows = database.query("SELECT id, stage, sqlstate, message FROM decided WHERE lane = ? AND seq = ?",
                             into.lane, into.seq);
  while (rows.next())
    into.letters.push_back({from_bytes(rows.bytes(0)).value_or(uuid{}),
                            parse_stage(rows.bytes(1)).value_or(stage::rejected), std::string{rows.bytes(2)},
                            std::string{rows.bytes(3)}});
}

} // namespace

fault settle_letters(sqlite_database& database, const resolved& what) {
  sqlite_transaction all{database, flush::yes};
  std::string payload;
  if (auto found = first_entry(database, what.lane, what.seq, what.seq); found && found->is_sound)
    payload = std::move(found->it.payload);
  const auto id = to_bytes(what.id);
  const std::int64_t at = what.at.time_since_epoch().count();
  database.change(upsert_decision, what.lane, what.seq, sqlite_blob{id}, at, sqlite_blob{payload});
  for (const auto& one : what.letters)
    settle_letter(database, what, one);
  if (database.number("SELECT count(*) FROM decision") > decisions_max) {
    database.change(forget_oldest, decisions_max);
    database.run(forget_theirs);
  }
  all.commit();
  return {};
}

decisions_page list_decided(sqlite_database& database, const list_decisions& what) {
  decisions_page out;
  std::uint64_t bytes = 0;
  auto rows = database.query(
      "SELECT lane, seq, id, at, payload FROM decision ORDER BY at DESC, lane, seq DESC LIMIT ?",
      std::clamp<std::uint64_t>(what.entries_max, 1, decisions_max));
  while (rows.next() && bytes <= decision_bytes_max) {
    past_decision one;
    one.what.lane = rows.bytes(0);
    one.what.seq = rows.number(1);
    one.what.id = from_bytes(rows.bytes(2)).value_or(uuid{});
    one.what.at = rows.time(3);
    one.payload = rows.bytes(4);
    take_letters(database, one.what);
    bytes += one.payload.size() + one.what.letters.size() * sizeof(settled_letter);
    out.page.decisions.push_back(std::move(one));
  }
  return out;
}

} // namespace chasqui
