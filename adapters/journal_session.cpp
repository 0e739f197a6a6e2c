#include "adapters/journal_session.hpp"

#include "adapters/journal_marks.hpp"
#include "adapters/journal_schema.hpp"

#include <exception>
#include <utility>

namespace chasqui {

journal_session::journal_session(std::string site, journal_settings settings)
    : site_{std::move(site)}, settings_{std::move(settings)}, reserve_{settings_.path + "-reserve",
                                                                       settings_.reserve_bytes} {}

log_opened journal_session::open(const std::vector<std::string>& lanes) {
  shut("it was opened again.");
  log_opened out;
  fault problem;
  try {
    problem = begin(lanes, out);
  } catch (const sqlite_error& e) {
    problem = fault_of(e);
  } catch (const std::exception& e) {
    problem = {fault_code::store_unavailable,
               "The journal " + settings_.path + " could not be opened: " + e.what() + ".", ""};
  }
  if (!problem)
    return out;
  if (problem.code == fault_code::outcome_unknown) // Of taking the epoch: the next one is greater anyway.
    problem.code = fault_code::store_unavailable;
  shut(problem.message);
  return unanswered<log_opened>(problem);
}

fault journal_session::begin(const std::vector<std::string>& lanes, log_opened& into) {
  auto file = open_journal_file(site_, settings_, suspect_);
  if (file.problem)
    return file.problem;
  suspect_ = false;
  file_ = std::move(file);
  lanes_ = lanes;
  into = settle<log_opened>(
      [&](sqlite_database& database) { return claim_journal(database, lanes, system_time()); });
  if (into.problem)
    return into.problem;
  into.drift = file_->drift;
  refill();
  return {};
}

void journal_session::shut(const std::string& why) {
  file_.reset();
  why_closed_ = why;
}

fault journal_session::closed() const {
  return {fault_code::store_unavailable, "The journal " + settings_.path + " is not open: " + why_closed_,
          ""};
}

fault journal_session::carry_out(const work_on_file& work, bool may_spend) {
  if (!file_)
    return closed();
  try {
    try {
      work(*file_->database);
    } catch (const sqlite_error& e) {
      if (e.trouble() != sqlite_trouble::full || !may_spend)
        throw;
      work_with_reserve(work);
    }
    return {};
  } catch (const sqlite_error& e) {
    return fault_of(e);
  } catch (const std::exception& e) {
    shut(e.what());
    return {fault_code::store_unavailable, "The journal " + settings_.path + " broke off: " + e.what() + ".",
            ""};
  }
}

// Whether it was the disk that is full or the file at its limit: both give way.
void journal_session::work_with_reserve(const work_on_file& work) {
  auto& database = *file_->database;
  reserve_.spend();
  database.empty_wal();
  limit_file(database, settings_.file_bytes_max + settings_.reserve_bytes);
  work(database);
  limit_file(database, settings_.file_bytes_max);
}

// A file that SQLite has trouble with is closed as it is: moving the WAL into it could spoil both.
fault journal_session::fault_of(const sqlite_error& e) {
  const auto where = "The journal " + settings_.path;
  const auto said = " (" + std::string{e.what()} + ").";
  if (e.trouble() == sqlite_trouble::full)
    return {fault_code::store_full,
            where +
                " has no room left; nothing was kept. Free space on its disk, or raise "
                "journal.file_bytes_max, or wait until the backlog has drained" +
                said,
            ""};
  if (file_)
    file_->database->leave_wal();
  suspect_ = suspect_ || e.trouble() == sqlite_trouble::damaged;
  fault problem{fault_code::store_unavailable, where + " cannot be used" + said, ""};
  if (e.trouble() == sqlite_trouble::damaged)
    problem.message =
        where + " is damaged; it is looked at, and set aside if need be, when it is opened again" + said;
  if (e.trouble() == sqlite_trouble::unsettled)
    problem = {fault_code::outcome_unknown,
               where + " broke off while it wrote to disk; submit again with the same id" + said, ""};
  shut(problem.message);
  return problem;
}

} // namespace chasqui
