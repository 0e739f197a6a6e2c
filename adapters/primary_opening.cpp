#include "adapters/primary_opening.hpp"

#include "adapters/primary_letters.hpp"
#include "adapters/primary_pipeline.hpp"

#include <libpq-fe.h>

#include <memory>
#include <string_view>
#include <utility>

namespace chasqui {

namespace {

/// The version of the schema chasqui that this code speaks to.
constexpr std::string_view schema_version = "3";

/// More dead letters than these after one place in the log are left for the next opening.
constexpr std::string_view dead_letters_max = "10000";

constexpr std::string_view install_hint =
    ": install the schema with the output of `chasquid --print-primary-sql`";

/// Whatever the role or the database says, the session must not wait for ever, and the server must notice
/// soon that we are gone: it keeps the cursor locked if the link was cut in the middle of a segment. The
/// epoch is taken with a commit that is on disk.
constexpr const char* session_settings =
    "SELECT set_config('synchronous_commit', 'local', false), set_config('lock_timeout', '10s', false), "
    "set_config('statement_timeout', '60s', false), set_config('idle_session_timeout', '0', false), "
    "set_config('idle_in_transaction_session_timeout', '60s', false), "
    "set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '2', false), "
    "set_config('tcp_keepalives_count', '5', false), set_config('tcp_user_timeout', '20s', false), "
    "set_config('client_min_messages', 'error', false), set_config('standard_conforming_strings', 'on', "
    "false), "
    "set_config('default_transaction_isolation', 'read committed', false)";

constexpr const char* asynchronous_commits = "SELECT set_config('synchronous_commit', 'off', false)";

/// The schema is absent, or its parts are.
bool is_missing(std::string_view sqlstate) {
  return sqlstate == "3F000" || sqlstate == "42883" || sqlstate == "42P01";
}

} // namespace

std::string primary_opening::session_name(const std::string& site, const std::string& lane) {
  return "chasqui " + site + "/" + lane;
}

primary_opening::primary_opening(pg_conn* connection, std::string site, primary_claim claim)
    : connection_{connection}, site_{std::move(site)}, claim_{std::move(claim)} {}

bool primary_opening::ask(const std::string& sql) {
  return PQsendQueryParams(connection_, sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) == 1;
}

std::string primary_opening::literal(const std::string& text) const {
  const std::unique_ptr<char, decltype(&PQfreemem)> quoted{
      PQescapeLiteral(connection_, text.data(), text.size()), PQfreemem};
  return quoted ? quoted.get() : "NULL";
}

/// What an earlier session of this lane left in its socket would go on moving the cursor after it was read. A
/// name that the server cuts short matches nothing.
std::string primary_opening::takeover() const {
  return "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
         "usename = "
         "current_user AND application_name = " +
         literal(session_name(site_, claim_.lane)) + " AND NOT EXISTS (SELECT FROM chasqui.cursor WHERE " +
         mine() + " AND epoch > " + std::to_string(claim_.epoch) + ")";
}

/// A schema of another version is left alone, whatever its function answers with.
std::string primary_opening::begin_epoch() const {
  return "SELECT v, c->>'last_seq', c->>'last_id', c->>'letters' FROM (SELECT v, CASE WHEN v = " +
         std::string{schema_version} + " THEN to_jsonb(chasqui.begin_epoch(" + lane() +
         ")) END AS c FROM (SELECT chasqui.version() AS v) AS p) AS q";
}

std::string primary_opening::dead_letters() const {
  return "SELECT seq, txn_id, sqlstate, message, (extract(epoch FROM rejected_at) * 1000000)::bigint, behind "
         "FROM "
         "chasqui.dead_letter WHERE " +
         mine() + " AND seq > " + std::to_string(claim_.dead_after) +
         " AND state IN ('rejected', 'parked') ORDER BY seq LIMIT " + std::string{dead_letters_max};
}

/// A decision that is only half carried out has no row of its own yet.
std::string primary_opening::decisions() const {
  return "SELECT l.decided_seq, l.txn_id, l.sqlstate, l.message, "
         "(extract(epoch FROM l.decided_at) * 1000000)::bigint, l.state, d.decision_id FROM "
         "chasqui.dead_letter AS "
         "l LEFT JOIN chasqui.decision AS d ON d.site = l.site AND d.lane = l.decided_lane AND d.seq = "
         "l.decided_seq WHERE l.site = " +
         literal(site_) + " AND l.decided_lane = " + literal(claim_.lane) + " AND l.decided_seq > " +
         std::to_string(claim_.dead_after) + " ORDER BY l.decided_seq, l.no LIMIT " +
         std::string{dead_letters_max};
}

std::string primary_opening::lane() const {
  return literal(site_) + ", " + literal(claim_.lane) + ", " + std::to_string(claim_.epoch);
}

std::string primary_opening::passing() const {
  std::string list;
  for (const auto& one : claim_.passing) {
    list += (list.empty() ? "" : ", ") + literal(one);
  }
  return "ARRAY[" + list + "]::text[]";
}

std::string primary_opening::mine() const {
  return "site = " + literal(site_) + " AND lane = " + literal(claim_.lane);
}

bool primary_opening::hand_over() {
  for (const auto& sql :
       {std::string{session_settings}, takeover(), begin_epoch(), dead_letters(), decisions()}) {
    if (!ask(sql) || PQpipelineSync(connection_) != 1) {
      return false;
    }
  }
  for (const auto& one : primary_pipeline::preparations(lane(), passing())) {
    if (PQsendPrepare(connection_, one.name, one.sql.c_str(), 0, nullptr) != 1) {
      return false;
    }
  }
  return ask(asynchronous_commits) && PQpipelineSync(connection_) == 1;
}

std::optional<primary_opened> primary_opening::collect() {
  pg_results results{connection_};
  while (awaited_ != question::done) {
    const auto result = results.next();
    if (result == nullptr) {
      return std::nullopt;
    }
    if (PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) {
      awaited_ = static_cast<question>(static_cast<std::size_t>(awaited_) + 1);
      continue;
    }
    take(result);
    if (outcome_.problem) {
      return outcome_;
    }
  }
  return outcome_;
}

void primary_opening::take(const pg_answer& result) {
  const auto status = PQresultStatus(result.get());
  if (status == PGRES_FATAL_ERROR) {
    refuse(error_of(result.get()));
  } else if (status == PGRES_TUPLES_OK && awaited_ == question::epoch) {
    take_epoch(result);
  } else if (status == PGRES_TUPLES_OK && awaited_ == question::dead_letters) {
    for (int row = 0; row < PQntuples(result.get()); ++row) {
      take_dead_letter(result, row);
    }
  } else if (status == PGRES_TUPLES_OK && awaited_ == question::decisions) {
    for (int row = 0; row < PQntuples(result.get()); ++row) {
      take_decided(result, row);
    }
  } else if (is_uncalled_for(result)) {
    outcome_.problem = {
        fault_code::link_lost, "the primary answered with something that was not asked for", {}};
  }
}

void primary_opening::take_epoch(const pg_answer& result) {
  const auto version = text_of(result, 0, 0);
  if (version != schema_version) {
    outcome_.problem = {fault_code::diverged,
                        "the primary's schema chasqui has version " + std::string{version} +
                            ", this program needs " + std::string{schema_version} + std::string{install_hint},
                        {}};
    return;
  }
  outcome_.last_seq = number_of<seqno>(result, 0, 1);
  outcome_.last_id = parse_uuid(text_of(result, 0, 2)).value_or(uuid{});
  outcome_.letters = number_of<std::uint64_t>(result, 0, 3);
}

void primary_opening::take_dead_letter(const pg_answer& result, int row) {
  rejected one;
  one.lane = claim_.lane;
  one.seq = number_of<seqno>(result, row, 0);
  one.id = parse_uuid(text_of(result, row, 1)).value_or(uuid{});
  one.sqlstate = text_of(result, row, 2);
  one.message = text_of(result, row, 3);
  one.at = time_of(result, row, 4);
  one.behind = uuids_of(text_of(result, row, 5));
  outcome_.dead.push_back(std::move(one));
}

void primary_opening::take_decided(const pg_answer& result, int row) {
  const auto seq = number_of<seqno>(result, row, 0);
  auto& decisions = outcome_.decisions;
  if (decisions.empty() || decisions.back().seq != seq) {
    decisions.push_back({claim_.lane,
                         seq,
                         parse_uuid(text_of(result, row, 6)).value_or(uuid{}),
                         time_of(result, row, 4),
                         {}});
  }
  decisions.back().letters.push_back(
      {parse_uuid(text_of(result, row, 1)).value_or(uuid{}), stage_of_letter(text_of(result, row, 5)),
       std::string{text_of(result, row, 2)}, std::string{text_of(result, row, 3)}});
}

void primary_opening::refuse(const pg_error& why) {
  if (why.sqlstate == "CQ002") {
    outcome_.problem = {fault_code::fenced, why.message, {}};
  } else if (is_missing(why.sqlstate)) {
    outcome_.problem = {fault_code::diverged,
                        "the primary lacks the schema chasqui (" + why.message + ")" +
                            std::string{install_hint},
                        {}};
  } else {
    outcome_.problem = {fault_code::link_lost, "the primary does not open a session: " + why.message, {}};
  }
}

} // namespace chasqui
