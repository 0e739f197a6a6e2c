#pragma once

#include "adapters/journal_file.hpp"
#include "adapters/progress.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace chasqui {

/// The journal's file while it is open, with what to do when SQLite refuses. For one thread.
class journal_session {
public:
  journal_session(std::string site, journal_settings settings);

  log_opened open(const std::vector<std::string>& lanes);
  void shut(const std::string& why);

  /// What every call is answered that finds the log closed.
  [[nodiscard]] fault closed() const;

  /// Carries out what adds to the log; when there is no room, nothing of it is kept.
  template <class Answer, class Work> Answer add(const Work& work) { return attempt<Answer>(work, false); }

  /// Carries out what makes room in the end, and may use the reserve for it.
  template <class Answer, class Work> Answer settle(const Work& work) { return attempt<Answer>(work, true); }

  /// As it was opened with.
  [[nodiscard]] const std::vector<std::string>& lanes() const noexcept { return lanes_; }

  /// Takes the reserve again if it was used and there is room.
  void refill() { reserve_.fill(); }

private:
  using work_on_file = std::function<void(sqlite_database&)>;

  template <class Answer, class Work> Answer attempt(const Work& work, bool may_spend);
  fault carry_out(const work_on_file& work, bool may_spend);
  void work_with_reserve(const work_on_file& work);
  fault begin(const std::vector<std::string>& lanes, log_opened& into);
  fault fault_of(const sqlite_error& e);

  std::string site_;
  journal_settings settings_;
  disk_reserve reserve_;
  std::optional<journal_file> file_;
  std::vector<std::string> lanes_;
  std::string why_closed_ = "it was not opened yet.";
  bool suspect_ = false; ///< SQLite found damage: the file is looked at as a whole when it is opened again.
};

template <class Answer, class Work> Answer journal_session::attempt(const Work& work, bool may_spend) {
  Answer answer;
  const auto problem = carry_out([&](sqlite_database& database) { answer = work(database); }, may_spend);
  return problem ? unanswered<Answer>(problem) : answer;
}

} // namespace chasqui
