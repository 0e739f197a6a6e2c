#include "adapters/journal_file.hpp"

#include "adapters/journal_schema.hpp"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace chasqui {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t inspected_bytes_max = 256U << 20U; ///< Looking at more takes seconds.

std::string reason() { return std::generic_category().message(errno); }

fault unusable(const std::string& path, const std::string& what) {
  return {fault_code::store_unavailable, "The journal " + path + " " + what, ""};
}

void flush_directory(const fs::path& directory) {
  if (held_file held{directory, O_RDONLY | O_DIRECTORY}; held.is_held())
    held.flush();
}

// A new name is only as durable as the directory that has it.
void make_directory(const fs::path& directory) {
  if (directory.empty() || fs::exists(directory))
    return;
  make_directory(directory.parent_path());
  fs::create_directory(directory);
  flush_directory(directory.parent_path());
}

fault take_lock(const std::string& path, held_file& into) {
  const auto name = path + "-lock";
  held_file file{name, O_RDWR | O_CREAT};
  if (file.is_held() && file.lock()) {
    into = std::move(file);
    return {};
  }
  if (file.is_held() && errno == EWOULDBLOCK)
    return unusable(path, "is in use by another process, as its lock " + name +
                              " says: another runtime owns this log. Stop one of the two.");
  return unusable(path, "cannot be locked: " + name + ": " + reason() + ". See its rights.");
}

fault make_file(const std::string& path) {
  if (const held_file file{path, O_RDWR | O_CREAT | O_EXCL}; file.is_held())
    flush_directory(fs::path{path}.parent_path());
  else if (errno != EEXIST)
    return unusable(path, "cannot be made: " + reason() + ". See the rights of its directory.");
  return {};
}

std::string stamp() {
  auto text = to_string(system_time());
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

// What belongs to the file goes with it, and is in its new place before the file is: SQLite empties a WAL
// that it finds beside a new file.
std::string set_aside(const std::string& path) {
  auto aside = path + ".damaged-" + stamp();
  for (const auto* const suffix : {"-wal", "-journal"})
    if (fs::exists(path + suffix))
      fs::create_hard_link(path + suffix, aside + suffix);
  fs::rename(path, aside);
  for (const auto* const suffix : {"-wal", "-journal"})
    fs::remove(path + suffix);
  flush_directory(fs::path{path}.parent_path());
  return aside;
}

// Who owns it is asked of a file that was found sound.
fault examine(sqlite_database& database, const std::string& site, const journal_settings& settings,
              bool thorough) {
  if (auto problem = prepare_journal(database, site, settings.path, settings.file_bytes_max))
    return problem;
  if (thorough || fs::file_size(settings.path) <= inspected_bytes_max)
    if (const auto found = inspect_journal(database, thorough); !found.empty())
      throw sqlite_error{sqlite_trouble::damaged, found};
  return check_owner(database, site, settings.path);
}

// Closing a file that is not taken must change nothing in it.
fault open_database(const std::string& site, const journal_settings& settings, bool thorough,
                    std::unique_ptr<sqlite_database>& into) {
  if (auto problem = make_file(settings.path))
    return problem;
  auto database = std::make_unique<sqlite_database>(settings.path);
  try {
    if (auto problem = examine(*database, site, settings, thorough)) {
      database->leave_wal();
      return problem;
    }
  } catch (const sqlite_error&) {
    database->leave_wal();
    throw;
  }
  into = std::move(database);
  return {};
}

} // namespace

journal_file open_journal_file(const std::string& site, const journal_settings& settings, bool thorough) {
  journal_file file;
  try {
    make_directory(fs::path{settings.path}.parent_path());
    file.problem = take_lock(settings.path, file.lock);
    if (file.problem)
      return file;
    try {
      file.problem = open_database(site, settings, thorough, file.database);
    } catch (const sqlite_error& e) {
      if (e.trouble() != sqlite_trouble::damaged)
        throw;
      const auto aside = set_aside(settings.path);
      file.drift.push_back("The journal " + settings.path + " was damaged (" + e.what() +
                           "); it is kept as " + aside +
                           ", and a new one is begun. What it held and no other store has is only there: see "
                           "it with sqlite3.");
      file.problem = open_database(site, settings, false, file.database);
    }
  } catch (const fs::filesystem_error& e) {
    file.problem = unusable(settings.path, "cannot be made ready: " + std::string{e.what()} + ".");
  }
  return file;
}

} // namespace chasqui
