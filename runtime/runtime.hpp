#pragma once

// Chasqui inside a host process. This header, and what it includes, names no actor framework.

#include "config/settings.hpp"
#include "messages/event.hpp"
#include "messages/fault.hpp"
#include "messages/log.hpp"
#include "messages/reading.hpp"
#include "messages/status.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace chasqui {

/// A value, or why there is none.
template <class Value> using outcome = std::variant<Value, fault>;

/// A whole Chasqui: buffer, forwarder, watcher and all, until it is destroyed. It installs no signal handlers
/// and no global logger, writes nothing to the terminal, and never ends the process. Every function may be
/// called from any thread but from within a callback of its own only those that say so.
class runtime {
public:
  /// Starts with valid settings (`read_settings` checks them). Redis, primary and replica may all be absent:
  /// it starts, says so in `status`, and goes on by itself when they come.
  explicit runtime(const settings& s);
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;
  ~runtime(); ///< `stop()` with the settings' grace period.

  /// Keeps one transaction (JSON text) durably. The answer comes within `buffer.submit_deadline_ms`, whatever
  /// the network does: a receipt, or a fault that says whether to submit the same id again.
  std::future<outcome<receipt>> submit(std::string transaction);

  /// The same with a callback, called once, on a thread of the runtime; it must not block. May be called in
  /// callbacks.
  void submit(std::string transaction, std::function<void(outcome<receipt>)> then);

  /// The transaction has reached `wanted` (`committed`, `replicated` or `released`); or it is a dead letter,
  /// as the answer's stage says; or a fault, `timed_out` among them. Many thousands may be asked for at once
  /// (`buffer.waiters_max`); each is answered in any case.
  std::future<outcome<reached>> when(const uuid& id, stage wanted,
                                     std::chrono::milliseconds timeout = std::chrono::hours{24});

  /// The same with a callback, called once, on a thread of the runtime; it must not block. May be called in
  /// callbacks.
  void when(const uuid& id, stage wanted, std::chrono::milliseconds timeout,
            std::function<void(outcome<reached>)> then);

  /// Calls `listener` for every event, in order, on a thread of the runtime: from the number `from` on (the
  /// last one seen, plus 1), which the history has as far as it goes back; or from now on, or since this run
  /// began (`from_now_on`, `from_this_run`). What cannot be told is named by an event of kind `gap`.
  std::uint64_t subscribe(std::function<void(const event&)> listener, std::uint64_t from = from_now_on);
  void unsubscribe(std::uint64_t subscription);

  /// The whole state, as the console's `status` shows it.
  outcome<status_report> status();

  /// How far a transaction has come.
  outcome<life> find(const uuid& id);

  /// What has happened, as far as the history goes back.
  outcome<past_events> events(const list_events& what);

  /// Rows of a table as they will be once everything that is buffered has arrived: those of the replica, with
  /// what is pending laid over them. The answer, or a fault, comes within the time that `what` gives.
  std::future<outcome<found_rows>> read(const read_rows& what);

  /// Returns once it holds, or with `timed_out`.
  outcome<reached> wait(const await& what);

  /// Pauses or resumes the link.
  outcome<link_status> steer(const chasqui::steer& what);

  /// Set once the runtime has stopped, by `stop` (`none`) or because it could not go on (why).
  [[nodiscard]] std::optional<fault> ended() const;

  /// Calls `then` once, when the runtime has stopped; at once if it has. May be called in callbacks.
  void when_ended(std::function<void(const fault&)> then);

  /// Refuses what is new, finishes what is under way, and stops; what has not stopped after `grace` is
  /// killed. Nothing acknowledged is lost: what was not forwarded is forwarded after the next start.
  void stop(std::chrono::milliseconds grace);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace chasqui
