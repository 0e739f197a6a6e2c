#pragma once

#include "config/settings.hpp"
#include "messages/interfaces.hpp"
#include "runtime/remote_client.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/sandbox.hpp"
#include "tests/support/wait_until.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace chasqui::test {

constexpr std::chrono::seconds default_timeout{60};

/// By the id of their transaction.
using receipt_map = std::map<std::string, receipt>;

/// Whether a machine that is slow for a moment explains it: the same again may be answered otherwise.
bool is_passing(const refusal& answer);

/// A sandbox with a daemon in it, and a table `probe` to write to. The settings may be changed line by line
/// (`table.key=value`) as flags of the daemon.
class observatory {
public:
  explicit observatory(const std::vector<std::string>& sandbox_options,
                       std::vector<std::string> settings = {});

  sandbox& box() noexcept { return box_; }
  child_process& daemon() { return *daemon_; }
  /// Starts the daemon; does not wait for it.
  void start();
  void kill() { daemon_->kill_and_wait(); }

  /// Asks the daemon; tries once more in a new session if the old one has broken. May be called by several
  /// threads: they share a session.
  template <class Answer, class Question>
  std::variant<Answer, refusal> ask(const Question& question,
                                    std::chrono::milliseconds timeout = default_timeout) {
    for (int attempt = 0;; ++attempt) {
      std::shared_lock lock{session_mutex_};
      const auto session = session_;
      if (connected_) {
        auto answer = client_->ask<Answer>(question, timeout);
        const auto* problem = std::get_if<refusal>(&answer);
        if (problem == nullptr || !problem->unreachable || attempt == 1)
          return answer;
      }
      lock.unlock();
      if (auto problem = reconnect(session))
        return refusal{*problem, true};
    }
  }
  /// The same again for as long as a slow machine explains that it is refused.
  template <class Answer, class Question>
  std::variant<Answer, refusal> ask_until_told(const Question& question) {
    std::variant<Answer, refusal> answer;
    wait_until([&] {
      answer = ask<Answer>(question);
      return std::holds_alternative<Answer>(answer) || !is_passing(std::get<refusal>(answer));
    });
    return answer;
  }
  std::variant<receipt, refusal> submit(const std::string& json) { return ask<receipt>(submission{json}); }
  /// Submits until it is kept, as a slow machine lets a deadline pass: `json` has an id, and is kept once.
  /// Throws if it is refused for another reason.
  receipt keep(const std::string& json);
  /// Nothing if the daemon cannot be reached or refuses; `why_no_status` says why.
  std::optional<status_report> status();
  [[nodiscard]] const std::string& why_no_status() const noexcept { return why_no_status_; }
  /// Waits until the first lane and the link satisfy `holds`.
  bool wait_for(const std::function<bool(const status_report&)>& holds,
                std::chrono::milliseconds within = long_enough);
  bool wait_until_ready() {
    return wait_for([](const auto& s) { return s.log.store.state == "open"; });
  }
  bool wait_for_store(store_kind kind) {
    return wait_for([&](const auto& s) { return s.log.store.kind == kind && s.log.store.state == "open"; });
  }
  bool wait_until_replicated() {
    return wait_for([](const auto& s) { return s.log.lanes[0].replicated == s.log.lanes[0].head; });
  }
  bool wait_until_released() {
    return wait_for([](const auto& s) { return s.log.lanes[0].released == s.log.lanes[0].head; });
  }
  /// Waits until the replica knows that the daemon may write to this table.
  bool wait_until_granted(const std::string& table);
  /// How many sessions it has taken so far.
  [[nodiscard]] std::uint64_t sessions() const noexcept { return session_; }
  [[nodiscard]] std::uint16_t door() const noexcept { return settings_.remote.port; }
  [[nodiscard]] std::string daemon_log() const;

private:
  std::optional<fault> reconnect(std::uint64_t broken_session);

  sandbox box_;
  settings settings_;
  std::vector<std::string> flags_;
  std::unique_ptr<child_process> daemon_;
  std::unique_ptr<remote_client> client_;
  std::shared_mutex session_mutex_;
  std::uint64_t session_ = 0; ///< Counts them.
  bool connected_ = false;
  std::string why_no_status_;
};

/// One insert into `probe`.
std::string probe_insert(const std::string& id, int origin, int number);

/// The path of a program that was built.
std::string program(const std::string& name);

/// A random UUID, as text.
std::string random_id();

/// Control processes that submit inserts into `probe`, each its next one when it has the receipt of the last.
/// What is refused is submitted again under the same id, for as long as it takes.
class load {
public:
  /// Each origin waits for its receipt, and then for the rest of `pace`.
  load(observatory& where, int origins, std::chrono::milliseconds pace = {});
  ~load() { stop(); }
  /// Ends after the transactions that are under way.
  void stop();
  [[nodiscard]] std::size_t acknowledged() const { return acknowledged_; }
  /// Waits until so many more are acknowledged than now.
  bool wait_for(std::size_t more, std::chrono::milliseconds within = long_enough) const;
  /// Every receipt.
  [[nodiscard]] receipt_map receipts() const;

private:
  void work(int origin);

  observatory& where_;
  std::chrono::milliseconds pace_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::size_t> acknowledged_ = 0;
  mutable std::mutex mutex_;
  receipt_map receipts_;
  std::vector<std::thread> threads_;
};

/// Which receipts have the number under which their transaction arrives: where the journal began without
/// Redis, or had to hand over what it has, its own do not.
enum class final_numbers : std::uint8_t { all, of_redis, none };

/// What is wrong with what arrived, against the receipts, as the server at `dsn` has it: lost, doubled, out
/// of order or under another number. "" if nothing is.
std::string account(const std::string& dsn, const receipt_map& receipts,
                    final_numbers numbers = final_numbers::all);

/// The same for a site, whose journal begins without Redis wherever that is slow.
std::string account(const observatory& site, const std::string& dsn, const receipt_map& receipts);

} // namespace chasqui::test
