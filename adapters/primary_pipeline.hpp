#pragma once

#include "adapters/pg_answer.hpp"
#include "adapters/ports/primary.hpp"
#include "adapters/shape_cache.hpp"
#include "adapters/statement.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct pg_conn;

namespace chasqui {

/// The segments under way in one connection: puts them into libpq's pipeline, and makes answers of the
/// results that come back. It never waits; its owner flushes and reads.
class primary_pipeline {
public:
  /// A statement that must be prepared in the session before the first segment.
  struct preparation {
    const char* name;
    std::string sql;
  };

  /// What segments stand on; `lane` is SQL for site, lane and epoch, `'apex', 'main', 7`, and `passing` is
  /// SQL for the errors that reject nothing.
  static std::vector<preparation> preparations(const std::string& lane, const std::string& passing);

  explicit primary_pipeline(pg_conn* connection);

  /// Whether a segment may share a transaction with those before it, which have so many bytes in all.
  static bool may_join(const std::vector<segment>& together, std::uint64_t bytes, const segment& next);

  /// Hands segments to libpq, in one transaction if they are several; false if the connection is unusable.
  bool hand_over(const std::vector<segment>& together);

  /// Appends the answers that have arrived whole. The result says why the session is over; "" while it is
  /// not.
  std::string collect(std::vector<segment_answer>& answers);

private:
  /// Of an entry that cannot be said in SQL.
  static constexpr const char* sure_failure_sqlstate = "22023";

  enum class purpose : std::uint8_t {
    entries,
    attempt,
    decision,
    barrier,
    realign,
    heartbeat,
    prepare,
    discard
  };

  struct in_flight {
    explicit in_flight(std::uint64_t ticket, purpose w = purpose::entries)
        : why{w}, syncs_due{w == purpose::barrier ? 2 : 1} {
      answer.ticket = ticket;
    }

    purpose why;
    int syncs_due;
    segment_answer answer;
    std::uint64_t joined = 0;                   ///< Segments with the next tickets get the same answer.
    std::string refusal;                        ///< Why the entry cannot be said in SQL.
    std::vector<std::shared_ptr<shape>> unsure; ///< Used here, or to be prepared; the outcome is not known.
  };

  bool hand_over_alone(const segment& what);
  bool hand_over_entries(const std::vector<segment>& together);
  bool hand_over_refusal(const std::vector<segment>& together, const fault& why);
  bool prepare_for(const std::vector<statement>& statements, std::vector<std::shared_ptr<shape>>& used,
                   in_flight& next);
  bool hand_over_attempt(const segment& what);
  bool hand_over_decision(const segment& what);
  bool hand_over_reject(const segment& what, const fault& why);
  bool hand_over_realign(const segment& what);
  bool hand_over_barrier(const segment& what);
  bool advance(const std::vector<segment>& together);
  bool decide(const char* name, const entry& what, std::vector<std::optional<std::string>> texts);
  bool prepare(std::shared_ptr<shape> made, const std::string& sql);
  bool discard_surplus();
  bool run(const char* name, const std::vector<std::string>& params);
  bool sync(in_flight next);

  std::string take(const pg_answer& result);
  void take_row(const pg_answer& result);
  static void take_verdict(const pg_answer& result, bool on_decision, segment_answer& answer);
  void finish(std::vector<segment_answer>& answers);
  void settle_preparation(const in_flight& done);

  pg_conn* connection_;
  shape_cache shapes_;
  std::deque<in_flight> under_way_;
};

} // namespace chasqui
