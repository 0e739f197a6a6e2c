#pragma once

#include "adapters/ports/log_store.hpp"
#include "messages/event.hpp"
#include "tests/simulation/transactions.hpp"
#include "tests/simulation/world.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace chasqui::simulation {

/// A promise that was broken.
struct violation {
  std::string check; ///< Which promise, in one word or two.
  std::string what;
};

/// Knows what was promised and to whom, and what became of it; knows nothing of how the runtime works. It is
/// told by control processes, by the stores and by the servers, never by an actor about itself, except for
/// what an actor says to others.
class checker {
public:
  /// What is known of one transaction.
  struct fate {
    uuid id;
    std::size_t lane = 0;
    std::uint64_t submitted = 0;           ///< Count of happenings when it was first submitted.
    std::uint64_t acknowledged = 0;        ///< And first acknowledged; 0 is never.
    seqno seq = 0;                         ///< As the first receipt says.
    std::optional<sim_time> kept_by_redis; ///< When the first receipt came, if it was Redis'.
    bool may_be_kept = false;              ///< Somebody was told so, or was told that nobody knows.
    bool replayed = false;                 ///< A replica has had it, applied or as a dead letter.
    bool flushed = false;                  ///< The primary has had it on disk.
    std::uint64_t tried = 0;               ///< When it was last submitted.
    std::uint64_t destroyed = 0;           ///< When a store lost it; 0 is never.
    std::uint64_t named = 0;               ///< When the primary's record first named it as missing.
    bool brought_back = false;             ///< By a snapshot, when it may have been given up already.
    bool nameless = false;                 ///< Lost, and nobody had its name any more.
    bool left_behind = false;              ///< In a journal, while the log went on without that one.
    bool letter_lost = false;              ///< A store has lost it as a dead letter.
  };

  explicit checker(std::size_t lanes) : lanes_(lanes) {}

  std::function<void(const event&, std::uint64_t life)>
      told; ///< Called with whatever the runtime tells its listeners, if set.
  std::function<bool(const uuid&)> is_kept = [](const uuid&) { return false; }; ///< By any store, now.

  [[nodiscard]] const std::optional<violation>& broken() const noexcept { return broken_; }
  [[nodiscard]] const std::vector<fate>& fates() const noexcept { return fates_; }
  [[nodiscard]] std::uint64_t acknowledged() const noexcept { return acknowledged_; }
  /// Acknowledged, lost by a store, and named by the runtime.
  [[nodiscard]] std::uint64_t named() const;
  [[nodiscard]] fate& of(const uuid& id) { return fates_.at(index_of(id) - 1); }
  [[nodiscard]] const fate& of(const uuid& id) const { return fates_.at(index_of(id) - 1); }

  /// Reports a broken promise; the first one counts.
  void fail(std::string check, std::string what);
  /// `what` makes the sentence, if it is needed.
  template <class Sentence> void expect(bool holds, const char* check, Sentence what) {
    if (!holds)
      fail(check, what());
  }

  // Control processes.
  uuid born(std::size_t lane, nature kind);
  void submitted(const uuid& id);
  /// `kept_there` stands at the receipt's number in the receipt's store; nil is nobody, or nobody knows.
  void answered(const receipt& proof, durability store_promise, const uuid& kept_there);
  void refused(const uuid& id, const fault& why);
  void left_open(const uuid& id) { of(id).may_be_kept = true; }
  void told_in_time(sim_time waited, sim_time allowed, const char* what);

  // The store, the primary and the replica.
  /// A store has lost these entries; `has_name` says of which somebody else knows that they were there.
  void destroyed(const std::vector<uuid>& ids, const std::function<bool(const uuid&)>& has_name);
  /// A store has these; some of them it had lost.
  void brought_back(const std::vector<uuid>& ids);
  /// Of what is lost and not named yet, these cannot be named any more.
  void forget_names(const std::vector<uuid>& ids);
  void forget_all_names();
  /// The runtime has removed these from a store.
  void trimmed(const std::vector<uuid>& ids);
  void letters_lost(const std::vector<uuid>& ids);
  void left_behind(const std::vector<uuid>& ids);
  /// The primary has on its record that it never got this one.
  void named_missing(const uuid& id);
  void flushed(std::size_t lane, seqno seq, const uuid& id);
  void replayed(std::size_t lane, seqno seq, const uuid& id);

  /// Up to where a lane may have been trimmed by now, or may yet be before the site hears of a failover.
  [[nodiscard]] seqno beyond_recall(std::size_t lane, std::uint64_t retained) const;

  // What the runtime says and does.
  void marks_saved(const lane_marks& marks, seqno trim_through);
  void heard(const event& e, std::uint64_t life);

  /// What is on the primary in the end, in the order of application, one list a lane, and the dead letters.
  /// `renumbered`: entries have come under new numbers.
  void judge_end(const std::vector<std::vector<uuid>>& applied, const std::vector<uuid>& dead,
                 bool renumbered);

private:
  struct lane_facts {
    seqno flushed = 0;  ///< The furthest that was ever on the primary's disk.
    seqno replayed = 0; ///< The furthest that a replica ever had.
    seqno trimmed = 0;  ///< By the runtime.
  };
  void judge_order(const std::vector<uuid>& applied, std::size_t lane);
  void claim(const char* check, const char* who, const lane_marks& marks);

  std::uint64_t happenings_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::vector<fate> fates_;
  std::vector<lane_facts> lanes_;
  std::optional<violation> broken_;
  std::map<std::uint64_t, std::uint64_t> last_events_; ///< By life.
  bool loses_ = false;                                 ///< A store has lost something.
};

} // namespace chasqui::simulation
