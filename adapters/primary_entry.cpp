#include "adapters/primary_entry.hpp"

#include "messages/json.hpp"
#include "messages/json_text.hpp"

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

} // namespace

fault statements_of(std::string_view payload, std::vector<statement>& statements,
                    std::vector<uuid>& depends_on) {
  auto decoded = decode_transaction(payload, log_limits());
  if (auto* problem = std::get_if<fault>(&decoded)) {
    return *problem;
  }
  auto& what = std::get<transaction>(decoded);
  for (const auto& step : what.steps) {
    if (auto problem = append_statements(step, statements)) {
      return problem;
    }
  }
  depends_on = std::move(what.depends_on);
  return {};
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
