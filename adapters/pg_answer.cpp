#include "adapters/pg_answer.hpp"

#include <libpq-fe.h>

#include <cstddef>

namespace chasqui {

namespace {

std::string field_of(const PGresult* result, int field) {
  const char* text = PQresultErrorField(result, field);
  return text == nullptr ? "" : text;
}

} // namespace

void pg_result_deleter::operator()(pg_result* result) const noexcept { PQclear(result); }

pg_answer pg_results::next() {
  // Every query's results end with a null; more in a row mean that libpq has given up.
  for (int nulls = 0; nulls <= 2 && PQisBusy(connection_) == 0; ++nulls)
    if (pg_answer result{PQgetResult(connection_)})
      return result;
  return nullptr;
}

bool is_uncalled_for(const pg_answer& answer) {
  const auto status = PQresultStatus(answer.get());
  return status != PGRES_FATAL_ERROR && status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK &&
         status != PGRES_PIPELINE_SYNC && status != PGRES_PIPELINE_ABORTED;
}

pg_error error_of(const pg_result* result) {
  pg_error e;
  e.sqlstate = field_of(result, PG_DIAG_SQLSTATE);
  e.message = field_of(result, PG_DIAG_MESSAGE_PRIMARY);
  if (e.message.empty()) {
    e.message = one_line(PQresultErrorMessage(result));
  }
  if (e.message.empty()) {
    e.message = "no reason was given";
  }
  if (const auto detail = field_of(result, PG_DIAG_MESSAGE_DETAIL); !detail.empty()) {
    e.message += ": " + detail;
  }
  const auto severity = field_of(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  e.ends_session = severity == "FATAL" || severity == "PANIC" || e.sqlstate.empty();
  return e;
}

std::string_view text_of(const pg_answer& answer, int row, int column) {
  return {PQgetvalue(answer.get(), row, column),
          static_cast<std::size_t>(PQgetlength(answer.get(), row, column))};
}

instant time_of(const pg_answer& answer, int row, int column) {
  return nearest_writable(instant{std::chrono::microseconds{number_of<std::int64_t>(answer, row, column)}});
}

std::string one_line(const char* text) {
  std::string result;
  for (const char c : std::string_view{text == nullptr ? "" : text}) {
    const bool space = c == '\n' || c == '\t' || c == ' ';
    if (!space) {
      result += c;
    } else if (!result.empty() && result.back() != ' ') {
      result += ' ';
    }
  }
  if (!result.empty() && result.back() == ' ') {
    result.pop_back();
  }
  return result;
}

} // namespace chasqui
