#include "adapters/journal_entries.hpp"

#include "adapters/id_bytes.hpp"
#include "adapters/journal_index.hpp"
#include "adapters/journal_marks.hpp"
#include "adapters/journal_roll.hpp"
#include "adapters/journal_sum.hpp"

#include <algorithm>
#include <chrono>
#include <map>

namespace chasqui {
namespace {

constexpr std::uint64_t answer_entries_max = 10'000;
constexpr std::uint64_t entry_bytes_max = 16U << 20U;

const char* const select_entries = R"sql(
SELECT seq, id, at, sum, payload FROM entry WHERE lane = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?
)sql";

found_entry entry_of(const sqlite_query& row, const std::string& lane) {
  found_entry found;
  const auto id = from_bytes(row.bytes(1));
  found.it.seq = row.number(0);
  found.it.id = id.value_or(uuid{});
  found.it.at = row.time(2);
  found.it.payload = row.bytes(4);
  found.sum = row.number(3);
  found.is_sound = id && found.sum == sum_of(lane, found.it);
  return found;
}

void insert_entry(sqlite_database& database, const std::string& lane, const entry& e) {
  const auto id = to_bytes(e.id);
  database.change("INSERT INTO entry(lane, seq, id, at, sum, payload) VALUES (?, ?, ?, ?, ?, ?)", lane, e.seq,
                  sqlite_blob{id}, std::int64_t{e.at.time_since_epoch().count()}, sum_of(lane, e),
                  sqlite_blob{e.payload});
  put_on_roll(database, {lane, e.seq, e.id, e.at});
  index_entry(database, lane, e.seq, e.payload);
}

log_slice lost(const take& what, seqno to) {
  log_slice out;
  out.missing_to = to;
  out.problem = {fault_code::diverged,
                 "The log of lane " + what.lane + " has nothing under the numbers " +
                     std::to_string(what.from_seq) + " to " + std::to_string(to) + ".",
                 ""};
  return out;
}

log_slice nothing_there(sqlite_database& database, const take& what) {
  const auto head = head_of(database, what.lane);
  return head >= what.from_seq ? lost(what, head) : log_slice{};
}

} // namespace

std::optional<found_entry> first_entry(sqlite_database& database, const std::string& lane, seqno from,
                                       seqno to) {
  auto row = database.query(select_entries, lane, from, to, std::uint64_t{1});
  return row.next() ? std::optional{entry_of(row, lane)} : std::nullopt;
}

append_result append_entries(sqlite_database& database, const std::vector<append_item>& items) {
  append_result out;
  out.store = store_kind::journal;
  out.durability = durability::fsynced;
  std::map<std::string, seqno> heads;
  sqlite_transaction all{database, flush::yes};
  for (const auto& item : items) {
    if (const auto before = known_place(database, item.id)) {
      out.slots.push_back({before->lane, before->seq, before->at, true});
      continue;
    }
    const auto [head, is_new] = heads.try_emplace(item.lane, 0);
    if (is_new) {
      head->second = head_of(database, item.lane);
      database.change("INSERT OR IGNORE INTO marks(lane) VALUES (?)", item.lane);
    }
    insert_entry(database, item.lane, {++head->second, item.id, item.at, item.payload});
    out.slots.push_back({item.lane, head->second, item.at, false});
  }
  all.commit();
  return out;
}

log_slice read_entries(sqlite_database& database, take what) {
  what.from_seq = std::max<seqno>(what.from_seq, 1);
  const auto bytes_max = std::clamp<std::uint64_t>(what.bytes_max, 1, entry_bytes_max);
  const auto entries_max = std::clamp<std::uint64_t>(what.entries_max, 1, answer_entries_max);
  constexpr auto end = ~seqno{0};
  log_slice out;
  std::uint64_t bytes = 0;
  auto rows = database.query(select_entries, what.lane, what.from_seq, end, entries_max);
  while (rows.next()) {
    const auto wanted = what.from_seq + out.entries.size();
    if (const auto seq = rows.number(0); seq != wanted)
      return out.entries.empty() ? lost(what, seq - 1) : out;
    bytes += rows.bytes(4).size();
    if (bytes > bytes_max && !out.entries.empty())
      return out;
    auto found = entry_of(rows, what.lane);
    if (!found.is_sound && out.entries.empty())
      return {damaged_entry(what.lane, wanted), {}, wanted};
    if (!found.is_sound)
      return out;
    out.entries.push_back(std::move(found.it));
  }
  return out.entries.empty() ? nothing_there(database, what) : out;
}

fault import_entries(sqlite_database& database, const std::string& lane, const std::vector<entry>& entries) {
  sqlite_transaction all{database, flush::yes};
  database.change("INSERT OR IGNORE INTO marks(lane) VALUES (?)", lane);
  auto head = head_of(database, lane);
  for (const auto& e : entries) {
    if (e.seq != head + 1)
      return {fault_code::diverged,
              "Lane " + lane + " of the journal ends at " + std::to_string(head) + ", not before " +
                  std::to_string(e.seq) + ". Log and runtime disagree.",
              ""};
    insert_entry(database, lane, e);
    head = e.seq;
  }
  all.commit();
  return {};
}

fault damaged_entry(const std::string& lane, seqno seq) {
  return {fault_code::diverged,
          "Entry " + std::to_string(seq) + " of lane " + lane +
              " is damaged in the journal: its checksum is another one. See the disk it is on.",
          ""};
}

} // namespace chasqui
