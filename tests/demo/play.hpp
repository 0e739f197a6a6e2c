#pragma once

#include "messages/fault.hpp"
#include "messages/status.hpp"
#include "tests/demo/account.hpp"
#include "tests/demo/display.hpp"
#include "tests/demo/fixture.hpp"
#include "tests/demo/ledger.hpp"
#include "tests/demo/sandbox_verbs.hpp"
#include "tests/demo/team.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <variant>

namespace chasqui::night {

/// How a night is played.
struct programme {
  double pace = 400; ///< Transactions a second, of all control processes together.
  std::chrono::seconds before{40};
  std::chrono::seconds outage{100};
};

/// What chasquid lets a control room do.
struct site_access {
  session_opener open_session;
  std::function<std::variant<status_report, fault>()> status;
};

/// Somebody pressed Ctrl-C.
struct interrupted : std::runtime_error {
  interrupted() : std::runtime_error{"interrupted"} {}
};

/// A night: the link open, cut, and open again, while the observatory goes on all the time.
class play {
public:
  /// `broken_off` is looked at all the time.
  play(std::span<const observation> night, programme how, site_access site, const sandbox_verbs& sandbox,
       const std::atomic<bool>& broken_off);

  /// Plays it and closes with its account. Throws `interrupted`, or `std::runtime_error` when the sandbox or
  /// the servers cannot be reached.
  account run();

private:
  using predicate = std::function<bool(const status_report&)>;

  void begin();
  void observe_with_link_open();
  void observe_with_link_cut();
  void drain();
  void settle();
  account close_the_books();

  /// Shows what goes on until it holds; false if it does not in time.
  bool until(const predicate& holds, std::chrono::seconds patience);
  /// Puts into the account what did not come about.
  void note(const std::string& what);

  std::span<const observation> night_;
  programme how_;
  site_access site_;
  const sandbox_verbs& sandbox_;
  const std::atomic<bool>& broken_off_;
  ledger records_{team::size()};
  display display_;
  night_times times_;
  time_point healed_at_;
  status_report status_; ///< The last that came.
  std::string unfinished_;
  team team_; ///< Last, so that it breaks off first.
};

} // namespace chasqui::night
