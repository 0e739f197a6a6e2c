#include "adapters/journal_schema.hpp"

#include "adapters/journal_index.hpp"

#include <algorithm>

namespace chasqui {
namespace {

constexpr std::uint64_t form = 3;                   ///< Of the tables below.
constexpr std::uint64_t application = 0x63687371;   ///< "chsq": tells our files from others.
constexpr std::uint64_t wal_bytes_max = 64U << 20U; ///< What the WAL is cut back to once it was longer.

// Entries stand in the order they come: a table with a payload in its rows is best left to its row numbers.
const char* const tables = R"sql(
CREATE TABLE owner(site TEXT NOT NULL, epoch INTEGER NOT NULL);
CREATE TABLE marks(lane TEXT PRIMARY KEY, head INTEGER NOT NULL DEFAULT 0, committed INTEGER NOT NULL DEFAULT 0,
  replicated INTEGER NOT NULL DEFAULT 0, released INTEGER NOT NULL DEFAULT 0, follows INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE entry(lane TEXT NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, at INTEGER NOT NULL,
  sum INTEGER NOT NULL, payload BLOB NOT NULL, PRIMARY KEY(lane, seq));
CREATE TABLE roll(lane TEXT NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, at INTEGER NOT NULL,
  PRIMARY KEY(lane, seq)) WITHOUT ROWID;
CREATE TABLE dead(lane TEXT NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, at INTEGER NOT NULL,
  kept_at INTEGER NOT NULL, sqlstate TEXT NOT NULL, message TEXT NOT NULL, payload BLOB NOT NULL,
  behind BLOB NOT NULL, PRIMARY KEY(lane, seq, id));
CREATE INDEX dead_by_id ON dead(id);
CREATE INDEX dead_by_time ON dead(at, lane, seq);
CREATE TABLE settled(id BLOB PRIMARY KEY, lane TEXT NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX settled_by_decision ON settled(lane, seq);
CREATE TABLE decision(lane TEXT NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, at INTEGER NOT NULL,
  payload BLOB NOT NULL, PRIMARY KEY(lane, seq));
CREATE INDEX decision_by_time ON decision(at, lane, seq);
CREATE TABLE decided(lane TEXT NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, stage TEXT NOT NULL,
  sqlstate TEXT NOT NULL, message TEXT NOT NULL, PRIMARY KEY(lane, seq, id)) WITHOUT ROWID;
)sql";

// Since form 3.
const char* const index_table =
    "CREATE TABLE term(term INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(term, seq)) WITHOUT ROWID";
constexpr std::uint64_t form_without_index = 2;

void set_form(sqlite_database& database) {
  database.run(("PRAGMA user_version = " + std::to_string(form)).c_str());
}

void add_index(sqlite_database& database) {
  sqlite_transaction all{database, flush::yes};
  database.run(index_table);
  {
    auto rows = database.query("SELECT lane, seq, payload FROM entry");
    while (rows.next())
      index_entry(database, std::string{rows.bytes(0)}, rows.number(1), rows.bytes(2));
  }
  set_form(database);
  all.commit();
}

void make_tables(sqlite_database& database, const std::string& site) {
  sqlite_transaction all{database, flush::yes};
  database.run(tables);
  database.run(index_table);
  database.run(("PRAGMA application_id = " + std::to_string(application)).c_str());
  set_form(database);
  database.change("INSERT INTO owner(site, epoch) VALUES (?, 0)", site);
  all.commit();
}

void set_ways(sqlite_database& database, std::uint64_t file_bytes_max) {
  const auto mode = database.text("PRAGMA journal_mode = WAL");
  if (mode != "wal")
    throw sqlite_error{sqlite_trouble::failed, "SQLite cannot keep a WAL there, only '" + mode + "'"};
  database.run("PRAGMA temp_store = MEMORY");
  database.run("PRAGMA cache_size = -256"); // KiB: the kernel has the pages, too.
  database.run("PRAGMA cell_size_check = ON");
  database.run("PRAGMA secure_delete = FAST"); // What is deleted is not written once more for that.
  database.run(("PRAGMA journal_size_limit = " + std::to_string(wal_bytes_max)).c_str());
  limit_file(database, file_bytes_max);
}

std::string schema_of(sqlite_database& database) {
  std::string text;
  // What was cleared goes (adapters/journal_changes).
  auto rows =
      database.query("SELECT sql FROM sqlite_schema WHERE tbl_name NOT GLOB 'cleared_*' ORDER BY name");
  while (rows.next())
    (text += rows.bytes(0)) += ';';
  return text;
}

std::string expected_schema() {
  sqlite_database fresh{":memory:"};
  fresh.run(tables);
  fresh.run(index_table);
  return schema_of(fresh);
}

fault not_ours(const std::string& path, const std::string& what) {
  return {fault_code::store_unavailable, "The file " + path + " " + what, ""};
}

} // namespace

void limit_file(sqlite_database& database, std::uint64_t file_bytes_max) {
  const auto page_bytes = std::max<std::uint64_t>(512, database.number("PRAGMA page_size"));
  const auto pages_max = std::max<std::uint64_t>(16, file_bytes_max / page_bytes);
  database.run(("PRAGMA max_page_count = " + std::to_string(pages_max)).c_str());
}

fault prepare_journal(sqlite_database& database, const std::string& site, const std::string& path,
                      std::uint64_t file_bytes_max) {
  // Before anything is read: there is no -shm then, and nobody else gets in.
  database.run("PRAGMA locking_mode = EXCLUSIVE");
  const bool empty = database.number("SELECT count(*) FROM sqlite_schema") == 0;
  const auto maker = database.number("PRAGMA application_id");
  if (maker != application && !(empty && maker == 0))
    return not_ours(path, "is the database of another program. Name another one in journal.path.");
  const auto version = database.number("PRAGMA user_version");
  if (!empty && version != form && version != form_without_index)
    return not_ours(path, "is a journal of form " + std::to_string(version) +
                              ", and this Chasqui knows form " + std::to_string(form) +
                              " only. Run the version that wrote it until it is drained.");
  if (empty)
    database.run("PRAGMA auto_vacuum = INCREMENTAL"); // Writes, and the disk may be full: only once.
  set_ways(database, file_bytes_max);
  if (empty)
    make_tables(database, site);
  else if (version == form_without_index)
    add_index(database);
  if (schema_of(database) != expected_schema())
    throw sqlite_error{sqlite_trouble::damaged, "its tables are not those of a journal"};
  return {};
}

fault check_owner(sqlite_database& database, const std::string& site, const std::string& path) {
  auto owner = database.query("SELECT site FROM owner");
  if (!owner.next())
    throw sqlite_error{sqlite_trouble::damaged, "the journal does not say whose it is"};
  if (owner.bytes(0) != site)
    return not_ours(path, "is the journal of site " + std::string{owner.bytes(0)} + ", not of " + site +
                              ". Name another one in journal.path.");
  return {};
}

std::string inspect_journal(sqlite_database& database, bool thorough) {
  const auto found = database.text(thorough ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)");
  if (found == "ok")
    return "";
  return found.empty() ? "no answer" : found;
}

} // namespace chasqui
