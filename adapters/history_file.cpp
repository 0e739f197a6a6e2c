#include "adapters/history_file.hpp"

#include "adapters/id_bytes.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace chasqui {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t form = 1;
constexpr std::uint64_t application = 0x63687365; ///< "chse": tells our files from others.

const char* const tables = R"sql(
CREATE TABLE run(site TEXT NOT NULL, reserved INTEGER NOT NULL, closed INTEGER NOT NULL, oldest INTEGER NOT NULL);
CREATE TABLE event(number INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, lane TEXT NOT NULL,
  from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL, id BLOB NOT NULL, detail TEXT NOT NULL);
)sql";

std::string reason() { return std::generic_category().message(errno); }

held_file take_lock(const std::string& path) {
  held_file lock{path + "-lock", O_RDWR | O_CREAT};
  if (!lock.is_held())
    throw std::runtime_error(path + "-lock cannot be made: " + reason() + ". See its rights.");
  if (!lock.lock())
    throw std::runtime_error(path + " is in use by another process. Two daemons need two files.");
  return lock;
}

// What it held is only good to look at: a new one takes its place.
void set_aside(const std::string& path) {
  fs::rename(path, path + ".damaged");
  fs::remove(path + "-wal");
}

std::unique_ptr<sqlite_database> open_database(const std::string& path) {
  if (const held_file file{path, O_RDWR | O_CREAT}; !file.is_held())
    throw std::runtime_error(path + " cannot be opened: " + reason() + ". See its rights.");
  auto database = std::make_unique<sqlite_database>(path);
  database->run("PRAGMA locking_mode = EXCLUSIVE"); // Before anything is read: there is no -shm then.
  const bool is_new = database->number("SELECT count(*) FROM sqlite_schema") == 0;
  if (!is_new && database->number("PRAGMA application_id") != application)
    throw std::runtime_error(path + " is the database of another program. Name another one in "
                                    "events.history_path.");
  if (!is_new && database->number("PRAGMA user_version") != form)
    throw std::runtime_error(path + " is of another version's form. Move it away.");
  database->run("PRAGMA journal_mode = WAL");
  database->run("PRAGMA temp_store = MEMORY");
  database->run("PRAGMA cache_size = -256"); // KiB: the kernel has the pages, too.
  database->run("PRAGMA journal_size_limit = 4194304");
  if (!is_new && database->number("SELECT count(*) FROM pragma_quick_check(1) WHERE quick_check <> 'ok'") > 0)
    throw sqlite_error{sqlite_trouble::damaged, "it is damaged"};
  return database;
}

event event_of(const sqlite_query& row) {
  event e;
  e.number = row.number(0);
  e.at = instant{std::chrono::microseconds{row.integer(1)}};
  e.kind = parse_event_kind(row.bytes(2)).value_or(event_kind::supervision);
  e.lane = row.bytes(3);
  e.from_seq = row.number(4);
  e.to_seq = row.number(5);
  e.id = from_bytes(row.bytes(6)).value_or(uuid{});
  e.detail = row.bytes(7);
  return e;
}

event gap(std::uint64_t from, std::uint64_t to, instant at, std::string why) {
  return {to, at, event_kind::gap, {}, from, to, {}, std::move(why)};
}

} // namespace

history_file::history_file(const std::string& site, const history_settings& settings) : settings_{settings} {
  if (const auto directory = fs::path{settings.path}.parent_path(); !directory.empty())
    fs::create_directories(directory);
  lock_ = take_lock(settings.path);
  try {
    database_ = open_database(settings.path);
  } catch (const sqlite_error& e) {
    if (e.trouble() != sqlite_trouble::damaged)
      throw;
    set_aside(settings.path);
    database_ = open_database(settings.path);
  }
  begin(site);
}

void history_file::begin(const std::string& site) {
  if (database_->number("SELECT count(*) FROM sqlite_schema") == 0) {
    sqlite_transaction all{*database_, flush::yes};
    database_->run(tables);
    database_->run(("PRAGMA application_id = " + std::to_string(application)).c_str());
    database_->run(("PRAGMA user_version = " + std::to_string(form)).c_str());
    database_->change("INSERT INTO run VALUES (?, 0, 0, 0)", site);
    all.commit();
  }
  {
    auto owner = database_->query("SELECT site FROM run");
    if (!owner.next() || owner.bytes(0) != site)
      throw std::runtime_error(settings_.path + " is the history of another site. Name another one in "
                                                "events.history_path.");
  }
  count_ = database_->number("SELECT count(*) FROM event");
  note_end_of_earlier_run();
}

// One that did not end in order may have given any number up to those that it had reserved.
void history_file::note_end_of_earlier_run() {
  const auto kept = database_->number("SELECT coalesce(max(number), 0) FROM event");
  const auto reserved = database_->number("SELECT reserved FROM run");
  const auto closed = database_->number("SELECT closed FROM run");
  last_ = std::max(kept, closed != 0 ? closed : reserved);
  if (kept == 0 || kept >= last_)
    return;
  sqlite_transaction all{*database_, flush::no};
  add(gap(kept + 1, last_, system_time(),
          closed != 0 ? "the history could not keep these"
                      : "the runtime was killed, or lost power, before it had written these down; most of "
                        "them were never given"));
  all.commit();
}

void history_file::reserve(std::uint64_t through) {
  sqlite_transaction all{*database_, flush::yes};
  database_->change("UPDATE run SET reserved = ?, closed = 0", through);
  all.commit();
}

void history_file::add(const event& e) {
  database_->change("INSERT OR REPLACE INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", e.number,
                    static_cast<std::int64_t>(e.at.time_since_epoch().count()), to_string(e.kind), e.lane,
                    e.from_seq, e.to_seq, sqlite_blob{to_bytes(e.id)}, e.detail);
  ++count_;
}

void history_file::keep(const std::vector<event>& events, std::uint64_t run_from) {
  const auto count_before = count_;
  try {
    sqlite_transaction all{*database_, flush::no};
    auto written = written_;
    for (const auto& e : events) {
      const auto first = e.kind == event_kind::gap ? e.from_seq : e.number;
      const auto due = written != 0 ? written + 1 : run_from != 0 ? run_from : first;
      if (written == 0)
        database_->change("UPDATE run SET oldest = ? WHERE oldest = 0", std::min(due, first));
      if (first > due)
        add(gap(due, first - 1, e.at, "the history could not keep these"));
      add(e);
      written = e.number;
    }
    if (count_ > settings_.events_max) {
      database_->change(
          "UPDATE run SET oldest = 1 + (SELECT number FROM event ORDER BY number LIMIT 1 OFFSET ?)",
          count_ - settings_.events_max - 1);
      count_ -= database_->change("DELETE FROM event WHERE number < (SELECT oldest FROM run)");
    }
    all.commit();
    written_ = written;
    last_ = std::max(last_, written);
  } catch (const sqlite_error&) {
    count_ = count_before;
    throw;
  }
}

history_page history_file::read(const history_query& what) {
  history_page page;
  page.oldest = database_->number("SELECT oldest FROM run");
  auto rows = database_->query("SELECT number, at, kind, lane, from_seq, to_seq, id, detail FROM event "
                               "WHERE number >= ? ORDER BY number",
                               what.from);
  while (!page.more && rows.next()) {
    auto e = event_of(rows);
    if (!matches(e, what.only))
      continue;
    page.more = page.events.size() == what.events_max;
    if (!page.more)
      page.events.push_back(std::move(e));
  }
  return page;
}

void history_file::close(std::uint64_t last) {
  sqlite_transaction all{*database_, flush::yes};
  database_->change("UPDATE run SET closed = ?", std::max(last, last_));
  all.commit();
}

} // namespace chasqui
