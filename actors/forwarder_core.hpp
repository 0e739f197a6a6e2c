#pragma once

#include "actors/forwarder_verdict.hpp"
#include "actors/moment.hpp"
#include "actors/send_window.hpp"
#include "adapters/ports/primary.hpp"
#include "messages/log.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace chasqui {

/// Bounds on what is under way.
struct forwarder_limits {
  std::uint64_t window_entries_max = 16'384;
  std::uint64_t window_bytes_max = 16U << 20U;
  std::uint64_t window_start_bytes = 512U << 10U; ///< Before it is known what the link carries.
  std::chrono::milliseconds queue{500};           ///< How long what is sent may queue on the link.
  std::uint64_t rate_min_kbps = 128;              ///< A link that carries less counts as stalled.
  std::uint64_t take_entries_max = 200;
  std::uint64_t take_bytes_max = 1U << 20U;
  std::uint64_t barrier_entries = 1000;
  std::uint64_t careful_entries = 8000;        ///< In a row that were no trouble, before care is given up.
  std::uint32_t resends_max = 3;               ///< Of one entry, before the link is given up for a while.
  std::chrono::milliseconds ask_again_min{50}; ///< For what an entry waits for.
  std::chrono::milliseconds ask_again_max{1000};
  std::chrono::milliseconds stall_timeout{5000};
  std::chrono::milliseconds heartbeat{2000};
};

/// That the lane is not stuck, though nothing of it is committed.
struct lane_moves {
  seqno waits = 0; ///< This entry waits; 0: none does.
  uuid wants;      ///< For this transaction,
  std::string of;  ///< which is in this lane,
  seqno at = 0;    ///< under this number.
};

/// What the shell does next, in this order.
struct forwarder_actions {
  std::vector<segment> send;
  std::vector<rejected> refused;
  std::vector<resolved> decided;
  std::optional<committed> done;
  std::optional<missing> lost; ///< What an alignment has brought to light.
  std::optional<align> ask;
  std::optional<find> ask_about; ///< What an entry waits for: has the log got it?
  bool look = false;             ///< Ask the session how far it has come.
  bool in_step = false;          ///< The link works, and log and primary agree.
  std::optional<lane_moves> moves;
  std::optional<take> pull;
  std::optional<fault> quit; ///< `none` when it has drained.
};

/// Carries one lane over one session. It sends ahead of the answers; when an entry fails, those behind it
/// fail on the gap, harmlessly, and are sent again in a new *generation*. If the entry is to blame, from then
/// on *carefully*: as attempts, in which the primary itself decides what becomes of an entry, so that the
/// next bad one costs no round trip. While the lane has dead letters there is no other way: an entry may
/// depend on one. An entry whose dependency has not come, in another lane, holds up its own lane, and no
/// other.
class forwarder_core {
public:
  forwarder_core(std::string lane, forwarder_limits limits)
      : lane_{std::move(lane)}, limits_{limits}, window_{{limits.window_bytes_max, limits.window_start_bytes,
                                                          limits.queue}} {}

  /// The session stands, or does not: asks the buffer how to go on from the primary's cursor.
  forwarder_actions on_opened(primary_opened opened, time_point now);
  /// Starts where log and primary agree; until they do, moves the cursor and asks again.
  forwarder_actions on_alignment(alignment a, time_point now);
  forwarder_actions on_batch(batch b, time_point now);
  /// The log has nothing where it should: quits with that, but not before what is under way is settled, or an
  /// entry that takes two attempts would never pass in front of a hole.
  forwarder_actions on_hole(fault why, time_point now);
  forwarder_actions on_available(const available& a);
  /// What the log knows of the transaction that an entry waits for; nothing, if it has none.
  forwarder_actions on_dependency(const std::optional<life>& found, time_point now);
  /// What entry `seq` waits for cannot come: the primary shall decide without it.
  forwarder_actions on_give_up(seqno seq, time_point now);
  forwarder_actions on_answers(const std::vector<segment_answer>& answers, moment now);
  /// How far the session has come with what it was given.
  void on_transmission(const transmission& t, time_point now);
  forwarder_actions on_tick(time_point now);
  /// Takes no more; quits with `none` once every segment, and a barrier behind them, is answered.
  forwarder_actions drain(time_point now);

  [[nodiscard]] std::uint64_t bytes_in_flight() const noexcept { return bytes_in_flight_; }

private:
  struct flight {
    std::uint64_t ticket;
    segment_kind kind;
    seqno seq;
    uuid id;
    std::uint64_t bytes;
    std::uint64_t generation;
    send_window::mark mark;
  };
  void send(forwarder_actions& out, segment s, time_point now);
  [[nodiscard]] bool barrier_due() const;
  [[nodiscard]] std::uint64_t window_bytes() const { return window_.bytes(goes_last_); }
  void watch(forwarder_actions& out, time_point now);
  [[nodiscard]] bool oldest_is_leaving() const;
  void send_barrier(forwarder_actions& out, time_point now);
  void send_entry(forwarder_actions& out, entry e, time_point now);
  void settle(forwarder_actions& out, const flight& f, const segment_answer& a, moment now);
  void start(forwarder_actions& out, time_point now);
  void on_realigned(forwarder_actions& out, const segment_answer& a);
  void on_barrier(forwarder_actions& out, const segment_answer& a);
  void on_refusal(forwarder_actions& out, const flight& f, const segment_answer& a);
  void on_attempted(const flight& f, const segment_answer& a, moment now);
  void wait_for(forwarder_actions& out, const flight& f, uuid dependency, time_point now);
  /// The end that an error calls for; `what` says what cannot be done if the error is neither the link's nor
  /// the cursor's.
  [[nodiscard]] fault refusal(const segment_answer& a, const std::string& what) const;
  void be_careful();
  void rewind(seqno to);
  void pull_if_room(forwarder_actions& out);
  void pull(forwarder_actions& out, std::uint64_t entries_max, std::uint64_t bytes_max);

  std::string lane_;
  forwarder_limits limits_;
  send_window window_;
  std::deque<flight> in_flight_;
  std::vector<rejected> refused_; ///< Dead letters on the primary that no barrier covers yet.
  std::vector<resolved> decided_; ///< The same of decisions.
  std::uint64_t letters_ = 0;     ///< Open dead letters of the lane, as far as it is known.
  std::uint64_t next_ticket_ = 1;
  std::uint64_t generation_ = 0;
  std::uint64_t bytes_in_flight_ = 0;
  std::uint64_t since_barrier_ = 0; ///< Entries sent since the last barrier was.
  std::uint64_t bytes_since_barrier_ = 0;
  std::optional<alignment> realigning_; ///< The primary has been asked to skip this.
  seqno next_ = 0;                      ///< To be taken next; 0 until log and primary are in step.
  seqno head_ = 0;
  seqno applied_ = 0;
  std::optional<seqno> resending_; ///< The entry that failed last, for a reason that passes.
  std::uint32_t resends_ = 0;
  std::uint64_t careful_left_ = 0; ///< Entries to be applied without trouble before care is given up.
  bool waiting_ = false;           ///< Entry `next_` waits for what it depends on.
  std::optional<time_point> ask_again_at_;
  std::chrono::milliseconds ask_again_after_{0};
  seqno final_ = 0;        ///< This entry is not to wait any more.
  bool goes_last_ = false; ///< Another lane needs the link.
  time_point heard_at_;
  time_point moved_at_; ///< When the connection came on last.
  time_point looked_at_;
  transmission sent_so_far_;
  std::optional<std::uint64_t> oldest_end_; ///< With so many bytes acknowledged the oldest segment has left.
  std::optional<fault> hole_;               ///< What is at `next_` instead of an entry.
  seqno pulling_ = 0;                       ///< Asked for from here on; 0 while nothing is.
  bool draining_ = false;
};

} // namespace chasqui
