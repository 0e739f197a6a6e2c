#pragma once

#include "tests/simulation/primary_access.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace chasqui::simulation {

/// One session, both ends of it. The client's end may be gone while what it sent is still under way.
class connection : public std::enable_shared_from_this<connection> {
public:
  connection(primary_access& a, claimant who, seqno dead_after, window_bounds bounds,
             primary_listener listener);

  void open();
  void send(std::vector<segment> segments);
  /// The client goes; the server hears of it after all that was sent before.
  void leave();
  void reset();
  /// Nothing gets through any more, and neither end is told.
  void forget();
  /// The server's end closes.
  void end();

private:
  struct load {
    bool is_entry;
    std::uint64_t bytes;
  };

  void shake_hands(int round_trips);
  void claim();
  void run(const std::vector<segment>& part);
  void deliver(const std::vector<segment_answer>& answers);
  void fail(const char* why);
  void check_window() const;

  primary_access& access_;
  claimant who_;
  seqno dead_after_;
  window_bounds bounds_;
  primary_listener listener_;
  std::shared_ptr<wire> out_;
  std::shared_ptr<wire> back_;
  sim_time busy_until_{0};
  std::uint64_t entries_unanswered_ = 0;
  std::uint64_t bytes_unanswered_ = 0;
  std::uint64_t newest_bytes_ = 0; ///< Of the entry that was sent last.
  std::deque<load> unanswered_;
  bool opened_ = false;
  bool client_open_ = true;
  bool server_open_ = true;
};

} // namespace chasqui::simulation
