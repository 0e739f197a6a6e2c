#pragma once

#include "actors/append_queue.hpp"
#include "actors/moment.hpp"
#include "actors/store_pair.hpp"
#include "actors/timeline.hpp"
#include "actors/waiting_room.hpp"
#include "adapters/ports/log_store.hpp"
#include "messages/event.hpp"
#include "messages/log.hpp"
#include "messages/status.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace chasqui {

/// Bounds on what the buffer holds and how long it lets others wait.
struct buffer_limits {
  std::chrono::milliseconds submit_deadline{250};
  std::uint64_t pending_entries_max = 10'000'000;
  std::uint64_t waiting_entries_max = 10'000;
  std::uint64_t waiting_bytes_max = 64U << 20U;
  std::uint64_t group_entries_max = 500;
  std::uint64_t group_bytes_max = 4U << 20U;
  std::uint64_t retain_entries = 10'000;
  std::chrono::milliseconds retain_for{std::chrono::hours{24}};
  std::uint64_t waiters_max = 20'000;
  std::chrono::milliseconds mark_interval{100}; ///< Marks are saved at most so often.
  std::uint64_t trim_entries_max = 10'000;      ///< With marks that are saved.
  std::uint64_t catching_up_entries = 10'000; ///< Not committed: the lane catches up, and trimming has time.
  std::chrono::milliseconds reopen_min{100};
  std::chrono::milliseconds reopen_max{1000};
};

/// The answer to one append.
struct append_reply {
  ticket who = 0;
  append_outcome outcome;
};

/// Marks to save, and how far to trim.
struct mark_order {
  lane_marks marks;
  seqno trim_through = 0;
};

/// What the shell does next, in this order.
struct buffer_actions {
  bool open = false;               ///< Open the store.
  std::vector<append_item> append; ///< If any: as one group.
  std::vector<rejected> bury;
  std::vector<resolved> settle;
  bool count_dead = false; ///< Ask the store how many dead letters it has.
  std::vector<mark_order> mark;
  std::vector<append_reply> replies;
  std::vector<wait_over> waits;
  std::vector<available> hints; ///< To whoever took the lane last.
  std::vector<event> events;
  bool dismiss = false; ///< Whoever forwards goes by numbers of before: it begins anew, and is heard no more.
  std::optional<fault> quit;
};

/// How log and primary are compared.
enum class align_step : std::uint8_t {
  compare, ///< Read the entry at the cursor: is it the one that the primary has applied?
  look,    ///< Nothing to compare: see whether the next entry is there.
  renumber ///< The primary is ahead: the log has lost its end, and may have given numbers twice.
};

/// Sequence numbers, group commit, stages, and what is still owed, for every lane of one log.
class buffer_core {
public:
  buffer_core(const std::vector<std::string>& lanes, buffer_limits limits);

  buffer_actions start();
  buffer_actions on_opened(log_opened opened, moment now);
  /// The first of them has the ticket `first`, and each of the others the next one. Takes what they hold.
  buffer_actions on_append(ticket first, std::span<append> all, moment now);
  buffer_actions on_appended(const append_result& result, moment now);
  buffer_actions on_store_change(const store_change& change, moment now);
  /// Entries that another runtime was left with are in the log.
  buffer_actions on_taken_in(const std::vector<append_slot>& slots, moment now);
  /// Opens the log again, as its numbers have changed.
  buffer_actions reopen(const std::string& why, moment now);
  buffer_actions on_marked(const fault& problem, moment now);
  buffer_actions on_buried(const rejected& why, const fault& problem, moment now);
  buffer_actions on_settled(const resolved& what, const fault& problem, moment now);
  void on_counted(std::uint64_t dead_letters) { dead_letters_ = dead_letters; }
  buffer_actions on_committed(const committed& c, moment now);
  buffer_actions on_replicated(const replicated& r, moment now);
  buffer_actions on_rejected(const rejected& r, moment now);
  buffer_actions on_resolved(const resolved& r, moment now);
  buffer_actions on_missing(const missing& m, moment now);
  buffer_actions on_await(ticket who, const await& what, const log_place& place, moment now);
  buffer_actions on_tick(moment now);
  /// Keeps nothing new; quits with `none` once nothing is under way.
  buffer_actions drain(moment now);

  [[nodiscard]] const std::vector<std::string>& lanes() const noexcept { return lane_names_; }

  /// Whether the store's answer to `open` is still to come.
  [[nodiscard]] bool is_opening() const noexcept { return phase_ == store_phase::opening; }

  /// Where a lane stands; a fault while the store is not open.
  [[nodiscard]] std::variant<position, fault> locate(const std::string& lane) const;
  [[nodiscard]] const lane_marks& marks_of(const std::string& lane) const { return lanes_.at(lane).marks; }

  /// Whether a take can be served now; a fault if not.
  [[nodiscard]] fault may_take(const take& what) const;
  /// The slice that was read, as a batch; a fault if the store could not read it.
  std::variant<batch, fault> on_slice(const take& what, log_slice slice, buffer_actions& out, moment now);

  /// What to find out before a session goes on from where the primary stands.
  [[nodiscard]] std::variant<align_step, fault> begin_align(const align& what) const;
  /// Whether entry `cursor` in the log is another one than the primary has applied.
  [[nodiscard]] static bool is_another(const align& what, const log_slice& at_cursor);
  /// Whether the log has an entry before `cursor`, by what was read from `from` on.
  [[nodiscard]] static bool stands_before(seqno cursor, seqno from, const log_slice& slice);
  /// How the session goes on, from what was read behind the cursor and from the roll.
  [[nodiscard]] std::variant<alignment, fault> end_align(const align& what, seqno missing_to,
                                                         const std::vector<roll_line>& roll) const;

  /// `unavailable` if it cannot be known whether the transaction at this place is a dead letter.
  [[nodiscard]] fault doubt_of(const log_place& place) const;
  /// How far the transaction at this place has come, if there is no such doubt.
  [[nodiscard]] life tell(uuid id, const log_place& place) const;
  [[nodiscard]] log_report report(instant now) const;

private:
  enum class store_phase : std::uint8_t { opening, open, waiting };

  struct lane_state {
    explicit lane_state(std::string name) { marks.lane = std::move(name); }
    lane_marks marks;
    seqno sent = 0;
    seqno told_sent = 0; ///< As far as events have said so.
    seqno trimmed = 0;
    seqno head_at_trim = 0;   ///< Where it ended when it was trimmed last.
    seqno outlived = 0;       ///< Released for longer than it is to be kept.
    bool taker_waits = false; ///< Somebody took all there was.
    bool had_more = false;    ///< Who took last did not get all there was.
    time_point taken_at;
    bool dirty = false; ///< Marks have moved since they were saved.
    lsn flushed;
    std::map<seqno, rejected> unburied;  ///< Dead letters that the store has not confirmed.
    std::map<seqno, resolved> unsettled; ///< Decisions that the store has not confirmed.
    std::map<seqno, uuid> dead;          ///< Dead letters that were told, of entries still in the log.
    timeline kept{4096, timeline::forget::detail};
    timeline commits{4096, timeline::forget::oldest};
    timeline replays{4096, timeline::forget::oldest};
    timeline releases{4096, timeline::forget::detail}; ///< By the steady clock.
  };
  struct flying_append {
    ticket who;
    uuid id;
    time_point deadline;
    bool answered;
  };

  struct early_wait {
    ticket who;
    await what;
    time_point deadline;
  };

  /// Whether a lane in front of this one has more than it can send.
  [[nodiscard]] bool goes_last(const std::string& lane, time_point now) const;
  [[nodiscard]] fault admission(const append& what) const;
  void refuse_group(buffer_actions& out, const std::vector<flying_append>& flying, const fault& why,
                    moment now);
  void acknowledge_group(buffer_actions& out, const std::vector<flying_append>& flying,
                         const append_result& result, moment now);
  void move_heads(buffer_actions& out, const std::vector<append_slot>& slots, instant now);
  static void hint(buffer_actions& out, lane_state& lane);
  void send_group(buffer_actions& out, instant now);
  void release(buffer_actions& out, lane_state& lane, moment now);
  /// What the store is still to be told about dead letters.
  static void tell_again(buffer_actions& out, const lane_state& lane);
  /// Whether the store has it; else it is told again.
  bool letter_kept(buffer_actions& out, const fault& problem, moment now);
  void settle_wait(const early_wait& w, const log_place& place, buffer_actions& out);
  [[nodiscard]] std::vector<waiting_room::target> targets_of(const await& what, const log_place& place) const;
  [[nodiscard]] std::optional<rejected> death_of(const log_place& place) const;
  void trim(lane_state& lane) const;
  void save_marks(buffer_actions& out, moment now);
  void lose_store(buffer_actions& out, const fault& why, moment now);
  void expire(buffer_actions& out, time_point now);
  void answer_waiting(buffer_actions& out, const fault& why);
  void quit_if_drained(buffer_actions& out) const;
  static event range_event(event_kind kind, const lane_state& lane, seqno from, seqno to, instant at);
  static event store_event(instant at, std::string detail);

  buffer_limits limits_;
  std::vector<std::string> lane_names_;
  std::map<std::string, lane_state> lanes_;
  store_phase phase_ = store_phase::opening;
  fault store_fault_;
  store_kind kind_ = store_kind::redis;
  chasqui::durability durability_ = durability::buffered;
  epoch_no epoch_ = 0;
  std::uint32_t reopens_ = 0;
  time_point reopen_at_;
  append_queue waiting_;
  std::vector<flying_append> flying_;
  bool append_in_flight_ = false;
  std::uint32_t marks_in_flight_ = 0;
  time_point marked_at_;
  std::uint64_t dead_letters_ = 0;
  std::uint64_t missing_ = 0;
  waiting_room room_;
  std::vector<early_wait> early_waits_; ///< What they wait for cannot be told before the store is open.
  std::optional<time_point> bury_again_at_;
  bool renumbered_ = false; ///< What is remembered of the lanes may be about other entries than the log has.
  bool draining_ = false;
};

} // namespace chasqui
