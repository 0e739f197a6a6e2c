#include "adapters/primary_entry.hpp"

#include "messages/json.hpp"
#include "messages/json_text.hpp"
#include "messages/transaction_scan.hpp"

#include <cstddef>
#include <limits>
#include <utility>
#include <variant>

namespace chasqui {

namespace {

/// Ingest has checked what is in the log, under limits that may have been other ones then.
transaction_limits log_limits() {
  constexpr auto any = std::numeric_limits<std::size_t>::max();
  transaction_limits limits;
  limits.bytes_max = any;
  limits.steps_max = any;
  limits.rows_max = any;
  limits.origin_bytes_max = any;
  limits.depends_on_max = any;
  return limits;
}

fault append_all(const std::vector<step>& steps, std::vector<statement>& statements) {
  for (const auto& step : steps) {
    if (auto problem = append_statements(step, statements)) {
      return problem;
    }
  }
  return {};
}

} // namespace

fault statements_of(std::string_view payload, std::vector<statement>& statements,
                    std::vector<uuid>& depends_on) {
  auto decoded = decode_transaction(payload, log_limits());
  if (auto* problem = std::get_if<fault>(&decoded)) {
    return *problem;
  }
  auto& what = std::get<transaction>(decoded);
  depends_on = std::move(what.depends_on);
  return append_all(what.steps, statements);
}

fault statements_of(std::string_view payload, std::vector<statement>& statements) {
  if (const auto steps = scan_steps(payload)) {
    return append_all(*steps, statements);
  }
  std::vector<uuid> depends_on;
  return statements_of(payload, statements, depends_on);
}

std::string json_of(const std::vector<statement>& statements) {
  std::string json = "[";
  for (const auto& s : statements) {
    json += json.size() > 1 ? ",[" : "[";
    append_quoted(json, s.sql);
    for (const auto& param : s.params) {
      json += "," + param; // Every parameter is JSON itself.
    }
    json += "]";
  }
  return json + "]";
}

} // namespace chasqui
