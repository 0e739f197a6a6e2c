#include "adapters/journal_letters.hpp"

#include "adapters/id_bytes.hpp"
#include "adapters/journal_entries.hpp"
#include "adapters/journal_roll.hpp"

#include <algorithm>
#include <chrono>
#include <string>

namespace chasqui {
namespace {

constexpr std::uint64_t answer_letters_max = 10'000;
constexpr std::uint64_t letter_bytes_max = 16U << 20U;

const char* const insert_letter = R"sql(
INSERT INTO dead(lane, seq, id, at, kept_at, sqlstate, message, payload, behind) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
)sql";

const char* const select_letters = R"sql(
SELECT lane, seq, id, at, kept_at, sqlstate, message, payload, behind FROM dead ORDER BY at, lane, seq LIMIT ?
)sql";

const char* const select_letter = R"sql(
SELECT lane, seq, id, at, kept_at, sqlstate, message, payload, behind FROM dead WHERE id = ? ORDER BY seq DESC LIMIT 1
)sql";

std::int64_t micros(const instant& at) { return at.time_since_epoch().count(); }

dead_letter letter_of(const sqlite_query& row) {
  dead_letter letter;
  letter.why = {std::string{row.bytes(0)},
                row.number(1),
                from_bytes(row.bytes(2)).value_or(uuid{}),
                std::string{row.bytes(5)},
                std::string{row.bytes(6)},
                row.time(3),
                ids_from_bytes(row.bytes(8))};
  letter.payload = row.bytes(7);
  return letter;
}

void take_letters(sqlite_query rows, dead_letters& into) {
  std::uint64_t bytes = 0;
  while (rows.next()) {
    bytes += rows.bytes(7).size();
    if (bytes > letter_bytes_max && !into.letters.empty())
      return;
    into.letters.push_back(letter_of(rows));
  }
}

} // namespace

fault bury_entry(sqlite_database& database, const rejected& why) {
  const auto id = to_bytes(why.id);
  sqlite_transaction all{database, flush::yes};
  if (database.number("SELECT count(*) FROM dead WHERE lane = ? AND seq = ? AND id = ?", why.lane, why.seq,
                      sqlite_blob{id}) != 0)
    return {};
  instant kept_at;
  std::string payload;
  const auto behind = to_bytes(why.behind);
  const auto found = first_entry(database, why.lane, why.seq, why.seq);
  if (found && found->is_sound) {
    if (found->it.id != why.id)
      return {fault_code::diverged,
              "Entry " + std::to_string(why.seq) + " of lane " + why.lane +
                  " is another transaction in the " +
                  "journal than the primary refused. Log and runtime disagree.",
              ""};
    kept_at = found->it.at;
    payload = found->it.payload;
  } else if (const auto line = known_place(database, why.id)) {
    if (const auto there = first_entry(database, line->lane, line->seq, line->seq);
        there && there->it.id == why.id)
      return {fault_code::diverged,
              "The journal has the transaction that was refused as entry " + std::to_string(why.seq) +
                  " of lane " + why.lane + " as entry " + std::to_string(line->seq) + " by now.",
              ""};
    kept_at = line->at;
  }
  database.change(insert_letter, why.lane, why.seq, sqlite_blob{id}, micros(why.at), micros(kept_at),
                  why.sqlstate, why.message, sqlite_blob{payload}, sqlite_blob{behind});
  all.commit();
  return {};
}

namespace {

// Where the decision stands that settled it.
std::optional<log_place> settled_place(sqlite_database& database, const uuid& id) {
  const auto bytes = to_bytes(id);
  auto row = database.query("SELECT lane, seq FROM settled WHERE id = ?", sqlite_blob{bytes});
  if (!row.next())
    return std::nullopt;
  log_place out{{}, std::string{row.bytes(0)}, row.number(1), {}, "", false, {}, true};
  if (auto found = first_entry(database, out.lane, out.seq, out.seq); found && found->is_sound) {
    out.at = found->it.at;
    out.payload = std::move(found->it.payload);
  }
  return out;
}

} // namespace

log_place find_entry(sqlite_database& database, const uuid& id) {
  if (auto place = settled_place(database, id))
    return *place;
  const auto line = known_place(database, id);
  if (!line)
    return {{fault_code::not_found, "The log has no transaction " + to_string(id) + ".", ""},
            "",
            0,
            {},
            "",
            false,
            {},
            false};
  log_place out{{}, line->lane, line->seq, line->at, "", false, {}, false};
  const auto bytes = to_bytes(id);
  auto row = database.query(select_letter, sqlite_blob{bytes});
  if (row.next() && row.bytes(0) == line->lane && row.number(1) == line->seq) {
    auto letter = letter_of(row);
    out.at = row.time(4);
    out.payload = std::move(letter.payload);
    out.dead = true;
    out.why = std::move(letter.why);
    return out;
  }
  auto found = first_entry(database, line->lane, line->seq, line->seq);
  if (found && !found->is_sound)
    out.problem = damaged_entry(line->lane, line->seq);
  else if (found && found->it.id == id)
    out.payload = std::move(found->it.payload);
  return out;
}

dead_page list_letters(sqlite_database& database, const list_dead& what) {
  dead_page out;
  out.page.total = database.number("SELECT count(*) FROM dead");
  const auto only = to_bytes(what.only);
  const auto letters_max = std::clamp<std::uint64_t>(what.entries_max, 1, answer_letters_max);
  if (what.only.is_nil())
    take_letters(database.query(select_letters, letters_max), out.page);
  else
    take_letters(database.query(select_letter, sqlite_blob{only}), out.page);
  return out;
}

} // namespace chasqui
