// A submission: whatever is accepted comes back from the log as the same transaction, and can be said in SQL.

#include "adapters/primary_entry.hpp"
#include "messages/index_terms.hpp"
#include "messages/json.hpp"
#include "messages/json_tape.hpp"
#include "messages/transaction_scan.hpp"
#include "tests/fuzz/promise.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <variant>
#include <vector>

namespace chasqui {

namespace {

/// Small, so that a short input can be on either side of each.
transaction_limits narrow_limits() {
  transaction_limits limits;
  limits.bytes_max = 4000;
  limits.steps_max = 6;
  limits.rows_max = 6;
  limits.origin_bytes_max = 20;
  limits.depends_on_max = 3;
  limits.depth_max = 4;
  return limits;
}

bool is_json(const std::string& text) { return std::holds_alternative<json_tape>(json_tape::read(text)); }

/// What is left of `sql` without its quoted names; `open` if a quote is not closed.
std::string unquoted(const std::string& sql) {
  std::string rest;
  bool within = false;
  for (const char c : sql) {
    if (c == '"')
      within = !within; // A doubled quote leaves and comes back.
    else if (!within)
      rest += c;
  }
  return within ? "open" : rest;
}

/// How many parameters `sql` names; they are $1, $2 and so on.
std::size_t parameters_of(const std::string& sql) {
  std::size_t count = 0;
  while (sql.find("$" + std::to_string(count + 1)) != std::string::npos)
    ++count;
  return count;
}

void check_statement(const statement& s) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ().,=*:$_";
  constexpr std::size_t parameters_max = 3; // What a pipeline can carry of one statement.
  const auto sql = unquoted(s.sql);
  promise(sql.find_first_not_of(letters) == std::string::npos, "nothing of a transaction is SQL itself");
  promise(s.sql.find('\0') == std::string::npos && is_utf8(s.sql), "SQL is text");
  promise(parameters_of(sql) == s.params.size(), "every parameter is used");
  promise(s.params.size() <= parameters_max, "a statement has few parameters");
  for (const auto& param : s.params)
    promise(is_json(param), "a parameter is JSON");
}

/// The steps of a document, as a parser reads them that is none of ours; without what is the same left out or
/// given.
nlohmann::json steps_of(std::string_view text) {
  auto document = nlohmann::json::parse(text, nullptr, false);
  if (document.is_discarded()) // A number beyond doubles.
    return nullptr;
  for (auto& step : document["steps"])
    if (step.contains("expect_rows") && step["expect_rows"] == 1)
      step.erase("expect_rows");
  return document["steps"];
}

void check_refusal(const fault& why) {
  promise(why && !why.message.empty(), "a refusal says why");
  promise(is_utf8(why.message) && is_utf8(why.field), "a refusal is text");
}

void check_statements(const transaction& t, const std::string& canonical) {
  std::vector<statement> statements;
  for (const auto& step : t.steps)
    promise(!append_statements(step, statements), "what is accepted can be said in SQL");
  promise(statements.size() >= t.steps.size(), "every step is carried out");
  for (const auto& s : statements)
    check_statement(s);
  promise(is_json(json_of(statements)), "statements travel as JSON");
  std::vector<statement> from_log;
  std::vector<uuid> depends_on;
  promise(!statements_of(canonical, from_log, depends_on), "the log's entry can be said in SQL");
  promise(depends_on == t.depends_on, "the log's entry depends on the same");
  promise(stands_alone(canonical) == !depends_on.empty(), "who depends on others stands alone");
  promise(from_log == statements, "the log's entry does the same");
  promise(scan_steps(canonical) == t.steps, "the log's entry is read from its form alone");
}

void submit(std::string_view text) {
  const auto limits = narrow_limits();
  scan_steps(text); // Of any text it makes something or nothing.
  index_terms("main", text);
  const auto read = decode_transaction(text, limits);
  if (const auto* why = std::get_if<fault>(&read))
    return check_refusal(*why);
  const auto& t = std::get<transaction>(read);
  const auto canonical = encode_transaction(t);
  promise(canonical.size() <= text.size(), "the canonical form is not the longer one");
  promise(is_utf8(canonical), "the canonical form is text");
  promise(steps_of(canonical) == steps_of(text), "the canonical form says the same");
  const auto again = decode_transaction(canonical, limits);
  promise(std::holds_alternative<transaction>(again), "the canonical form is accepted");
  promise(std::get<transaction>(again) == t, "the canonical form is the same transaction");
  promise(encode_transaction(std::get<transaction>(again)) == canonical, "the canonical form is its own");
  check_statements(t, canonical);
}

} // namespace

} // namespace chasqui

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  chasqui::submit({data, size});
  return 0;
}
