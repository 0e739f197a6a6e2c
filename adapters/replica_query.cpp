#include "adapters/replica_query.hpp"

#include <libpq-fe.h>

#include <string_view>
#include <utility>

namespace chasqui {

namespace {

// pg_control_recovery knows the timeline before a WAL receiver has connected; a server that was never in
// recovery has none there. The functions of a server in recovery fail on one that is not, and the other way
// round.
constexpr const char* positions_sql = R"sql(
SELECT s.recovering,
       CASE WHEN s.recovering THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_flush_lsn() END,
       CASE WHEN s.recovering THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END,
       CASE WHEN s.recovering THEN
         coalesce(w.received_tli,
                  (SELECT nullif(min_recovery_end_timeline, 0) FROM pg_control_recovery()),
                  (SELECT timeline_id FROM pg_control_checkpoint()))::text
       ELSE ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::int::text END,
       (SELECT system_identifier FROM pg_control_system()),
       w.pid IS NOT NULL AND coalesce(w.status = 'streaming', true),
       (extract(epoch FROM w.last_msg_receipt_time) * 1000000)::bigint,
       to_regclass('chasqui.cursor') IS NOT NULL
FROM (SELECT pg_is_in_recovery() AS recovering) AS s LEFT JOIN pg_stat_wal_receiver AS w ON true)sql";

constexpr const char* cursors_sql = "SELECT lane, last_seq FROM chasqui.cursor WHERE site = $1";

bool truth_of(const pg_answer& result, int column) { return text_of(result, 0, column) == "t"; }

/// The schema went away between two looks.
bool is_missing(std::string_view sqlstate) { return sqlstate == "42P01" || sqlstate == "3F000"; }

} // namespace

replica_query::replica_query(pg_conn* connection, std::string site)
    : connection_{connection}, site_{std::move(site)} {}

bool replica_query::ask() {
  outcome_ = {};
  awaited_ = question::positions;
  cursors_asked_ = cursors_prepared_;
  return send_positions() && (!cursors_asked_ || send_cursors());
}

bool replica_query::send_positions() {
  if (!positions_prepared_ && PQsendPrepare(connection_, "positions", positions_sql, 0, nullptr) != 1) {
    return false;
  }
  positions_prepared_ = true;
  return PQsendQueryPrepared(connection_, "positions", 0, nullptr, nullptr, nullptr, 0) == 1 &&
         PQpipelineSync(connection_) == 1;
}

bool replica_query::send_cursors() {
  if (!cursors_prepared_ && PQsendPrepare(connection_, "cursors", cursors_sql, 0, nullptr) != 1) {
    return false;
  }
  cursors_prepared_ = true;
  cursors_asked_ = true;
  const char* site = site_.c_str();
  return PQsendQueryPrepared(connection_, "cursors", 1, &site, nullptr, nullptr, 0) == 1 &&
         PQpipelineSync(connection_) == 1;
}

std::optional<sighting> replica_query::collect() {
  pg_results results{connection_};
  while (awaited_ != question::nothing) {
    const auto result = results.next();
    if (result == nullptr) {
      return std::nullopt;
    }
    if (PQresultStatus(result.get()) != PGRES_PIPELINE_SYNC) {
      take(result);
    } else if (!next()) {
      outcome_.problem = {fault_code::link_lost, "the connection to the replica broke", {}};
    }
    if (outcome_.problem || awaited_ == question::nothing) {
      return std::move(outcome_);
    }
  }
  return std::nullopt;
}

/// Goes on to the cursors, where there are any; false if the connection is unusable.
bool replica_query::next() {
  const bool more = awaited_ == question::positions && cursors_exist_;
  awaited_ =
      more || (awaited_ == question::positions && cursors_asked_) ? question::cursors : question::nothing;
  return !more || cursors_asked_ || send_cursors();
}

void replica_query::take(const pg_answer& result) {
  const auto status = PQresultStatus(result.get());
  if (status == PGRES_FATAL_ERROR) {
    const auto e = error_of(result.get());
    // Without a schema there are no cursors. The next look prepares anew, on a new connection if it comes to
    // that.
    if (awaited_ != question::cursors || !is_missing(e.sqlstate)) {
      outcome_.problem = {fault_code::link_lost, "the replica does not answer: " + e.message, {}};
    }
  } else if (status == PGRES_TUPLES_OK && awaited_ == question::positions) {
    take_positions(result);
  } else if (status == PGRES_TUPLES_OK) {
    take_cursors(result);
  } else if (is_uncalled_for(result)) {
    outcome_.problem = {
        fault_code::link_lost, "the replica answered with something that was not asked for", {}};
  }
}

void replica_query::take_positions(const pg_answer& result) {
  outcome_.in_recovery = truth_of(result, 0);
  outcome_.receive = parse_lsn(text_of(result, 0, 1)).value_or(lsn{});
  outcome_.replay = parse_lsn(text_of(result, 0, 2)).value_or(lsn{});
  outcome_.timeline = number_of<std::uint32_t>(result, 0, 3);
  outcome_.system_id = number_of<std::uint64_t>(result, 0, 4);
  outcome_.streaming = truth_of(result, 5);
  outcome_.last_message_at = time_of(result, 0, 6);
  cursors_exist_ = truth_of(result, 7);
}

void replica_query::take_cursors(const pg_answer& result) {
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    outcome_.cursors.push_back({std::string{text_of(result, row, 0)}, number_of<seqno>(result, row, 1)});
  }
}

} // namespace chasqui
