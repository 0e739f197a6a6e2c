#include "adapters/schema_query.hpp"

#include "adapters/catalogue_sql.hpp"

#include <libpq-fe.h>

#include <array>
#include <utility>

namespace chasqui {

bool schema_query::send(const char* name, const std::string& sql, bool& is_prepared) {
  answered_ = false;
  if (!is_prepared && PQsendPrepare(connection_, name, sql.c_str(), 0, nullptr) != 1) {
    return false;
  }
  is_prepared = true;
  const std::array<const char*, 2> values{scope_.role.c_str(), scope_.database.c_str()};
  return PQsendQueryPrepared(connection_, name, static_cast<int>(values.size()), values.data(), nullptr,
                             nullptr, 0) == 1 &&
         PQpipelineSync(connection_) == 1;
}

bool schema_query::ask(std::string known) {
  known_ = std::move(known);
  outcome_ = {};
  wants_document_ = false;
  return send("fingerprint", schema_fingerprint_sql(), fingerprint_prepared_);
}

std::optional<schema_sighting> schema_query::collect() {
  pg_results results{connection_};
  while (const auto result = results.next()) {
    if (PQresultStatus(result.get()) != PGRES_PIPELINE_SYNC) {
      take(result);
    } else if (!answered_ && !outcome_.problem) {
      outcome_.problem = {fault_code::unavailable,
                          "the replica's database is not " + scope_.database +
                              ", which is the primary's: look at replica.dsn and primary.dsn",
                          {}};
    } else if (wants_document_ || outcome_.schema.fingerprint == known_) {
      return std::exchange(outcome_, {});
    } else {
      wants_document_ = true;
      if (!send("document", schema_document_sql(), document_prepared_)) {
        outcome_.problem = {fault_code::link_lost, "the connection to the replica broke", {}};
      }
    }
    if (outcome_.problem) {
      return std::exchange(outcome_, {});
    }
  }
  return std::nullopt;
}

void schema_query::take(const pg_answer& result) {
  const auto status = PQresultStatus(result.get());
  if (status == PGRES_FATAL_ERROR) {
    outcome_.problem = {
        fault_code::link_lost, "the replica does not tell its schema: " + error_of(result.get()).message, {}};
  } else if (status == PGRES_TUPLES_OK) {
    take_row(result);
  } else if (is_uncalled_for(result)) {
    outcome_.problem = {
        fault_code::link_lost, "the replica answered with something that was not asked for", {}};
  }
}

void schema_query::take_row(const pg_answer& result) {
  if (PQntuples(result.get()) == 0) {
    return;
  }
  answered_ = true;
  outcome_.schema.fingerprint = text_of(result, 0, 0);
  if (!wants_document_) {
    return;
  }
  const auto text = text_of(result, 0, 1);
  if (text.size() > scope_.bytes_max) {
    outcome_.problem = {fault_code::over_limit,
                        "the schema has " + std::to_string(text.size()) + " bytes, catalogue.bytes_max is " +
                            std::to_string(scope_.bytes_max) + ": raise it",
                        {}};
    return;
  }
  outcome_.schema.text = text;
}

} // namespace chasqui
