// What `chasqui read` prints.

#include "messages/json_tape.hpp"
#include "messages/json_text.hpp"
#include "messages/json_values.hpp"
#include "runtime/console_format.hpp"

#include <functional>

namespace chasqui {

namespace {

void append_list(std::string& out, std::size_t count, const std::function<void(std::size_t)>& append_one) {
  out += '[';
  for (std::size_t i = 0; i < count; ++i) {
    out += i == 0 ? "" : ",";
    append_one(i);
  }
  out += ']';
}

std::string line_of(const found_row& found) {
  std::string out = R"({"origin":)";
  append_quoted(out, to_string(found.origin));
  out += R"(,"transactions":)";
  append_list(out, found.transactions.size(),
              [&](auto i) { append_quoted(out, to_string(found.transactions[i])); });
  out += R"(,"unknown":)";
  append_list(out, found.unknown.size(), [&](auto i) { append_quoted(out, found.unknown[i]); });
  return out + R"(,"row":)" + found.json + '}';
}

std::string whole(const found_rows& answer) {
  std::string out = R"({"schema_version":)" + std::to_string(json_schema_version) + R"(,"rows":)";
  append_list(out, answer.found.size(), [&](auto i) { out += line_of(answer.found[i]); });
  out += std::string{R"(,"more":)"} + (answer.more ? "true" : "false") + R"(,"replica":)";
  append_quoted(out, answer.replica.empty() ? "ok" : answer.replica);
  out += R"(,"positions":)";
  append_list(out, answer.positions.size(), [&](auto i) {
    const auto& p = answer.positions[i];
    out += R"({"lane":)";
    append_quoted(out, p.lane);
    out += R"(,"cursor":)" + std::to_string(p.cursor) + R"(,"head":)" + std::to_string(p.head) + '}';
  });
  out += R"(,"notes":)";
  append_list(out, answer.notes.size(), [&](auto i) { append_quoted(out, answer.notes[i]); });
  return out + "}\n";
}

/// A table of the rows, with where each comes from in front.
document as_table(const found_rows& answer) {
  section s{"", {"origin"}, {}};
  for (const auto& one : answer.found) {
    const auto outcome = json_tape::read(one.json);
    const auto* const tape = std::get_if<json_tape>(&outcome);
    auto& line = s.rows.emplace_back();
    line.emplace_back(to_string(one.origin));
    if (tape == nullptr)
      continue;
    for (const auto value : tape->root()) {
      if (s.rows.size() == 1)
        s.header.emplace_back(value.key());
      const bool scalar = value.kind() != json_kind::array && value.kind() != json_kind::object;
      line.emplace_back(value.kind() == json_kind::null ? "" : scalar ? value.text() : "(JSON)");
    }
  }
  return {{}, std::nullopt, {std::move(s)}};
}

} // namespace

std::string rows_text(const found_rows& answer, output_form form) {
  if (form == output_form::json)
    return whole(answer);
  if (form != output_form::ndjson)
    return render(as_table(answer), form);
  std::string out;
  for (const auto& one : answer.found)
    out += line_of(one) + '\n';
  return out;
}

} // namespace chasqui
