#pragma once

#include "adapters/ports/primary.hpp"
#include "tests/simulation/checker.hpp"
#include "tests/simulation/lifetime.hpp"
#include "tests/simulation/world.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace chasqui::simulation {

/// One commit in the primary's write-ahead log, and what undoes it.
struct wal_record {
  enum class content : std::uint8_t { applied, skipped, rejected, claimed, nothing, jumped };
  sim_time at{0};
  content what = content::nothing;
  std::size_t lane = 0;
  seqno seq = 0;
  uuid id;
  epoch_no epoch_before = 0; ///< claimed.
  seqno cursor_before = 0;
  uuid id_before;
};

/// Whose segment it is.
struct claimant {
  std::size_t lane = 0;
  epoch_no epoch = 0;
  lifetime_ptr life;
};

/// PostgreSQL with Chasqui's schema: a cursor a lane, applied ids, dead letters, and a log that is on disk up
/// to a point. A crash takes what lies beyond; a failover takes what the standby had not received yet.
class primary_server {
public:
  primary_server(world& w, checker& c, std::size_t lanes) : world_{w}, checker_{c}, lanes_(lanes) {}

  bool up = true;
  std::string trouble; ///< SQLSTATE of a passing kind that it answers often; none if empty.
  sim_time slowness{0};
  std::function<void(const claimant&)> jumped = [](const claimant&) {}; ///< Told who passed over entries.

  /// Takes the epoch and tells the cursor.
  primary_opened claim(const claimant& who, seqno dead_after);
  /// Carries out one segment in a transaction of its own.
  segment_answer run(const segment& s, const claimant& who);

  /// Puts on disk what was committed asynchronously a while ago.
  void flush_in_background();
  void crash();
  /// The standby takes over, on a new timeline. It was `standby_lag` behind, but has at least everything up
  /// to `kept` in each lane.
  void fail_over(const std::vector<seqno>& kept, sim_time standby_lag);

  [[nodiscard]] const std::vector<wal_record>& wal() const noexcept { return wal_; }
  [[nodiscard]] std::size_t flushed() const noexcept { return flushed_; }
  [[nodiscard]] std::uint32_t timeline() const noexcept { return timeline_; }
  [[nodiscard]] seqno cursor(std::size_t lane) const { return lanes_.at(lane).cursor; }

  /// The end of the log's first `records`. It counts on the new timeline where the old one was left, so that
  /// positions of two timelines cannot be compared.
  [[nodiscard]] static lsn position(std::size_t records) { return {0xF'FFFF'F000 + records * 56}; }

private:
  struct lane_row {
    seqno cursor = 0;
    uuid last_id;
    epoch_no epoch = 0;
    std::uint64_t newest = 0; ///< Turn that has claimed it.
  };

  void barrier(const claimant& who, segment_answer& out);
  void realign(const jump& over, const claimant& who, segment_answer& out);
  void attempt(const segment& s, const claimant& who, segment_answer& out);
  [[nodiscard]] bool is_dead(const uuid& id) const;
  [[nodiscard]] bool has_applied(const uuid& id) const;
  std::string advance(const segment& s, const claimant& who, wal_record::content what);
  std::string judge_entry(const segment& s);
  void commit(wal_record::content what, std::size_t lane, seqno seq, const uuid& id);
  void flush(std::size_t through);
  void undo_to(std::size_t records);
  void undo(const wal_record& r);

  world& world_;
  checker& checker_;
  std::vector<lane_row> lanes_;
  std::map<uuid, std::uint32_t> refusals_; ///< Of flaky entries, so far.
  std::vector<bool> applied_;              ///< By index.
  std::map<std::pair<std::size_t, seqno>, rejected> dead_;
  std::vector<wal_record> wal_;
  std::size_t flushed_ = 0;
  std::uint32_t timeline_ = 1;
};

} // namespace chasqui::simulation
