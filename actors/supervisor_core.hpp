#pragma once

#include "actors/link_lifecycle.hpp"
#include "messages/event.hpp"
#include "messages/status.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace chasqui {

/// What a child's faults mean.
enum class child_kind : std::uint8_t {
  ours, ///< Every fault is ours: it counts against the restart intensity, and all that were started later
        ///< start again.
  link, ///< A forwarder: faults of the link are answered with a backoff and never counted.
};

/// One row of the child table, in the order in which children are started.
struct child_spec {
  std::string name;
  child_kind kind = child_kind::ours;
  std::string lane; ///< link: whose.
};

/// Bounds on failing.
struct supervision_policy {
  std::uint32_t restarts_max = 5;
  std::chrono::milliseconds restart_window{60'000};
  std::chrono::milliseconds progress_timeout{30'000};
  backoff_policy backoff;
};

/// Whether one more restart is still within the intensity.
class restart_budget {
public:
  restart_budget(std::uint32_t restarts_max, std::chrono::milliseconds window)
      : restarts_max_{restarts_max}, window_{window} {}
  bool spend(time_point now);

private:
  std::uint32_t restarts_max_;
  std::chrono::milliseconds window_;
  std::deque<time_point> spent_;
};

/// Stop a child: let it finish what is under way, or not.
struct stop_order {
  std::size_t child = 0;
  bool at_once = false;
};

/// What an entry of a lane waits for.
struct lane_wait {
  seqno entry = 0; ///< 0: none does.
  uuid wants;
  std::string of; ///< The lane in which that is,
  seqno at = 0;   ///< and its number there.
};

/// Tell the forwarder that what entry `seq` waits for cannot come.
struct give_up_order {
  std::size_t child = 0;
  seqno seq = 0;
};

/// What the shell does next.
struct supervision_actions {
  std::vector<std::size_t>
      start; ///< In order; `supervisor_core::on_started` is called before the next event.
  std::vector<stop_order> stop;
  std::vector<give_up_order> give_up;
  std::vector<event> events;
  std::optional<fault>
      finished; ///< All have stopped: `none` as asked, else the fault that could not be mended.
};

/// Decides which children run. Starting and stopping follow from the phases and from one rule: a child runs
/// when it is wanted, everything before it runs, and nothing that was started after a failed one is left
/// over.
class supervisor_core {
public:
  supervisor_core(std::vector<child_spec> children, supervision_policy policy);

  supervision_actions start(moment now);
  supervision_actions on_down(std::size_t child, const fault& why, moment now, double jitter);
  supervision_actions on_link_up(const std::string& lane, moment now);
  /// The lane is not stuck, though nothing of it is committed.
  supervision_actions on_link_moves(const std::string& lane, lane_wait wait, moment now);
  supervision_actions on_sign_of_life(moment now);
  supervision_actions on_ping(bool answered, moment now);
  supervision_actions on_steer(const steer& what, moment now);
  supervision_actions on_progress(const log_report& log, moment now, double jitter);
  supervision_actions on_tick(moment now);
  supervision_actions shut_down(moment now, std::chrono::milliseconds grace);

  /// Whether it is worth asking for a sign of life.
  [[nodiscard]] bool is_backing_off() const;
  [[nodiscard]] link_status link() const;
  [[nodiscard]] supervision_report report() const;

private:
  struct child {
    child_spec spec;
    link_lifecycle phase; ///< link.
    bool alive = false;
    bool asked_to_stop = false;
    std::uint64_t restarts = 0;
    seqno committed = 0; ///< link: as last seen by the watchdog, and when it moved.
    time_point moved_at;
    lane_wait wait;     ///< link: what its next entry waits for, as last heard.
    seqno given_up = 0; ///< link: this entry was told to wait no more.
  };

  child* forwarder_of(const std::string& lane);
  void break_circle(child& c, moment now, supervision_actions& out);
  [[nodiscard]] bool is_wanted(std::size_t index) const;
  void reconcile(supervision_actions& out);
  void stop_one_by_one(supervision_actions& out);
  void shift(child& c, const link_event& what, moment now, supervision_actions& out);
  void shift_all(const link_event& what, moment now, supervision_actions& out);
  void look_at_log(const store_status& store, moment now, supervision_actions& out);
  void on_our_fault(std::size_t index, const fault& why, moment now, supervision_actions& out);
  void escalate(fault why, moment now, supervision_actions& out);

  std::vector<child> children_;
  supervision_policy policy_;
  restart_budget budget_;
  std::optional<std::size_t> restart_from_;
  bool silent_ = false; ///< The primary has left a ping unanswered since the link failed.
  store_status store_;  ///< As last seen.
  bool stopping_ = false;
  time_point kill_at_;
  fault outcome_;
};

} // namespace chasqui
