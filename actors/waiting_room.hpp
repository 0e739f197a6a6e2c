#pragma once

#include "messages/log.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace chasqui {

/// Names a question until it is answered.
using ticket = std::uint64_t;

/// Somebody's wait has ended: with what was awaited, or with a fault.
struct wait_over {
  ticket who = 0;
  reached what;
  fault problem;
};

/// Who waits for a mark to pass a seq. Joining, passing and expiring cost O(log n) each.
class waiting_room {
public:
  /// The marks that can be waited for, in the order in which an entry passes them.
  enum class mark : std::uint8_t { committed, replicated, released };

  /// A mark of a lane that has to pass `seq`.
  struct target {
    std::string lane;
    mark which = mark::committed;
    seqno seq = 0;
    uuid id{}; ///< Of the transaction, where just one is waited for.
  };

  /// `who` waits until every target has passed; then it is told `what`.
  void join(ticket who, reached what, std::vector<target> targets, time_point deadline);

  /// The transaction at this seq is put aside, `rejected` or `parked`: the waits for just this one end, and
  /// are told so.
  void refused(const std::string& lane, seqno seq, stage now, std::vector<wait_over>& out);

  /// These transactions, which stood at `from..to`, are lost: the waits for them end, and are told so.
  void lost(const missing& what, std::vector<wait_over>& out);

  /// Entries may stand elsewhere now: the waits for one of them end, and are told so.
  void numbered_anew(std::vector<wait_over>& out);

  /// The mark stands at `seq` now.
  void passed(const std::string& lane, mark which, seqno seq, std::vector<wait_over>& out);

  void expire(time_point now, std::vector<wait_over>& out);

  [[nodiscard]] std::size_t size() const noexcept { return waiters_.size(); }

  /// Targets that are waited for: what the room costs.
  [[nodiscard]] std::size_t places() const noexcept;

  /// Waits that marks and clocks have made it look at so far: what its work costs.
  [[nodiscard]] std::uint64_t looks() const noexcept { return looks_; }

private:
  struct waiter {
    reached what;
    std::vector<target> targets;
    std::size_t missing = 0;
    std::multimap<time_point, ticket>::iterator deadline;
  };
  using waiters = std::unordered_map<ticket, waiter>;
  using queue = std::set<std::pair<seqno, ticket>>;

  void leave(waiters::iterator who);
  template <class Why> void end_transactions(std::vector<wait_over>& out, Why why);

  waiters waiters_;
  std::map<std::pair<std::string, mark>, queue> queues_;
  std::multimap<time_point, ticket> deadlines_;
  std::uint64_t looks_ = 0;
};

} // namespace chasqui
