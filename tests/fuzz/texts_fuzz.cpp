// Short texts from outside: ids, positions, times, durations, connection strings, bytes that should be UTF-8,
// lines of NDJSON.

#include "adapters/conninfo.hpp"
#include "adapters/id_bytes.hpp"
#include "adapters/pg_answer.hpp"
#include "adapters/utf8.hpp"
#include "config/suggestion.hpp"
#include "messages/identity.hpp"
#include "messages/json_tape.hpp"
#include "messages/json_text.hpp"
#include "messages/near_name.hpp"
#include "runtime/console_lines.hpp"
#include "tests/fuzz/promise.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace chasqui {

namespace {

std::string lower_case(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

void check_identities(std::string_view text) {
  if (const auto id = parse_uuid(text)) {
    promise(to_string(*id) == lower_case(text), "a UUID is printed as it was read");
    promise(from_bytes(to_bytes(*id)) == id, "an id comes back from its bytes");
  }
  if (const auto id = from_bytes(text))
    promise(to_bytes(*id) == text && parse_uuid(to_string(*id)) == id, "bytes are an id and come back");
  if (const auto position = parse_lsn(text); position && position->known())
    promise(parse_lsn(to_string(*position)) == position, "a log position is printed as it was read");
  if (const auto at = parse_instant(text); at && *at != instant{})
    promise(to_string(*at) == text, "a time is printed as it was read");
  if (const auto duration = parse_duration(text))
    promise(duration->count() > 0, "a duration is positive");
}

void check_utf8(std::string_view text) {
  const auto valid = valid_utf8(text);
  const bool has_zero = text.find('\0') != std::string_view::npos;
  promise(is_utf8(valid) && valid.find('\0') == std::string::npos, "what PostgreSQL gets is text");
  promise(valid_utf8(valid) == valid, "text is left alone");
  promise((valid == text) == (is_utf8(text) && !has_zero), "only what is no text is replaced");
  std::string json;
  append_quoted(json, valid);
  const auto tape = json_tape::read(json);
  promise(std::holds_alternative<json_tape>(tape) && std::get<json_tape>(tape).root().text() == valid,
          "a text comes back from JSON");
  for (const std::size_t bytes_max : {0U, 1U, 7U, 64U}) {
    constexpr std::size_t ellipsis = 3;
    const auto clipped = clip(valid, bytes_max);
    promise(clipped.size() <= bytes_max + ellipsis && is_utf8(clipped),
            "a text is clipped between characters");
  }
}

void check_names(std::string_view text) {
  constexpr std::array<std::string_view, 4> names{"insert", "upsert", "update", "delete"};
  const auto near = near_name(text, names);
  promise(near.empty() || std::find(names.begin(), names.end(), near) != names.end(),
          "a near name is one of the names");
  promise(suggestion(text, {"buffer.group_bytes_max", "site"}).size() < 64, "a suggestion is short");
  const auto line = one_line(std::string{text}.c_str());
  promise(line.find('\n') == std::string::npos && line.size() <= text.size(), "a line is one");
}

void check_conninfo(std::string_view text) {
  if (text.find("service") != std::string_view::npos || text.find("passfile") != std::string_view::npos)
    return; // libpq would read files.
  const auto where = parse_conninfo(std::string{text});
  promise(!where.problem || !where.problem.message.empty(), "a problem is said");
  promise(where.problem || !where.port.empty(), "there is always a port");
  promise(!where.is_local() || !where.needs_lookup(), "a socket needs no name service");
}

using lines = std::vector<line_splitter::line>;

lines split(std::string_view text, std::size_t chunk_bytes) {
  line_splitter splitter{40};
  lines found;
  const auto take = [&] {
    while (auto line = splitter.next())
      found.push_back(std::move(*line));
  };
  for (; !text.empty(); text.remove_prefix(std::min(chunk_bytes, text.size()))) {
    splitter.feed(text.substr(0, chunk_bytes));
    take();
  }
  splitter.finish();
  take();
  return found;
}

void check_lines(std::string_view text) {
  const auto whole = split(text, std::max<std::size_t>(text.size(), 1));
  for (const std::size_t chunk_bytes : {1U, 3U}) {
    const auto pieces = split(text, chunk_bytes);
    promise(std::equal(whole.begin(), whole.end(), pieces.begin(), pieces.end(),
                       [](const auto& a, const auto& b) {
                         return a.number == b.number && a.text == b.text && a.too_long == b.too_long;
                       }),
            "lines do not depend on how they arrive");
  }
}

} // namespace

} // namespace chasqui

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  const std::string_view text{data, size};
  chasqui::check_identities(text);
  chasqui::check_utf8(text);
  chasqui::check_names(text);
  chasqui::check_conninfo(text);
  chasqui::check_lines(text);
  return 0;
}
