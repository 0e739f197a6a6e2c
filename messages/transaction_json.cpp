#include "messages/json.hpp"
#include "messages/json_fields.hpp"

#include <algorithm>
#include <array>

namespace chasqui {

namespace {

enum field : std::size_t { id, lane, origin, depends_on, steps, member_count };

constexpr std::array<std::string_view, member_count> member_names{"id", "lane", "origin", "depends_on",
                                                                  "steps"};

using members = std::array<json_value, member_count>;

constexpr bool is_lane_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

fault read_lane(json_value value, const json_path& path, std::string& out) {
  constexpr std::size_t lane_bytes_max = 63;
  if (auto f = require_kind(value, path, json_kind::string))
    return f;
  const auto name = value.text();
  if (name.empty() || name.size() > lane_bytes_max ||
      !std::all_of(name.begin(), name.end(), is_lane_character))
    return refuse(fault_code::malformed, path, "must be 1 to 63 characters of a-z, 0-9, _ and -");
  out = name;
  return {};
}

fault read_origin(json_value value, const json_path& path, const transaction_limits& limits,
                  std::string& out) {
  if (auto f = require_kind(value, path, json_kind::string))
    return f;
  if (value.text().size() > limits.origin_bytes_max)
    return refuse(fault_code::over_limit, path,
                  "has " + std::to_string(value.text().size()) + " bytes, at most " +
                      std::to_string(limits.origin_bytes_max) + " are allowed: shorten it");
  if (value.text().find('\0') != std::string_view::npos)
    return refuse(fault_code::malformed, path, R"(contains \u0000: remove it)");
  out = value.text();
  return {};
}

fault read_depends_on(json_value value, const json_path& path, const transaction_limits& limits,
                      transaction& out) {
  if (auto f = require_kind(value, path, json_kind::array))
    return f;
  if (auto f = require_at_most(value, path, limits.depends_on_max))
    return f;
  for (const auto element : value) {
    const json_path element_path{path, out.depends_on.size()};
    if (auto f = read_uuid(element, element_path, out.depends_on.emplace_back()))
      return f;
    if (out.depends_on.back() == out.id)
      return refuse(fault_code::invalid_id, element_path, "is the transaction's own id: remove it");
  }
  return {};
}

fault read_steps(json_value value, const json_path& path, const transaction_limits& limits,
                 std::vector<step>& out) {
  if (!value)
    return refuse(fault_code::missing_field, path, "is missing: give at least one step");
  if (auto f = require_kind(value, path, json_kind::array))
    return f;
  if (value.empty())
    return refuse(fault_code::missing_field, path, "is empty: give at least one step");
  if (auto f = require_at_most(value, path, limits.steps_max))
    return f;
  out.reserve(value.size());
  for (const auto element : value) {
    const json_path step_path{path, out.size()};
    if (auto f = read_step(element, step_path, limits, out.emplace_back()))
      return f;
  }
  return {};
}

fault read_transaction(json_value value, const transaction_limits& limits, transaction& out) {
  const json_path document;
  const auto at = [&document](field f) { return json_path{document, member_names[f]}; };
  members found;
  if (auto f = read_fields(value, document, member_names, found))
    return f;
  if (found[id])
    if (auto f = read_uuid(found[id], at(id), out.id))
      return f;
  if (found[lane])
    if (auto f = read_lane(found[lane], at(lane), out.lane))
      return f;
  if (found[origin])
    if (auto f = read_origin(found[origin], at(origin), limits, out.origin))
      return f;
  if (found[depends_on])
    if (auto f = read_depends_on(found[depends_on], at(depends_on), limits, out))
      return f;
  return read_steps(found[steps], at(steps), limits, out.steps);
}

/// Opens the next member of the object that `out` ends in.
void append_member(std::string& out, field f) {
  if (out.back() != '{')
    out += ',';
  append_quoted(out, member_names[f]);
  out += ':';
}

} // namespace

std::variant<transaction, fault> decode_transaction(std::string_view json, const transaction_limits& limits) {
  if (json.size() > limits.bytes_max)
    return refuse(fault_code::over_limit, {},
                  "has " + std::to_string(json.size()) + " bytes, at most " +
                      std::to_string(limits.bytes_max) + " are allowed: split it");
  auto read = json_tape::read(json);
  if (auto* malformed = std::get_if<fault>(&read))
    return std::move(*malformed);
  transaction t;
  if (auto f = read_transaction(std::get<json_tape>(read).root(), limits, t))
    return f;
  return t;
}

std::string encode_transaction(const transaction& t) {
  std::string out{"{"};
  if (!t.id.is_nil()) {
    append_member(out, id);
    append_quoted(out, to_string(t.id));
  }
  if (!t.lane.empty()) {
    append_member(out, lane);
    append_quoted(out, t.lane);
  }
  if (!t.origin.empty()) {
    append_member(out, origin);
    append_quoted(out, t.origin);
  }
  if (!t.depends_on.empty()) {
    append_member(out, depends_on);
    auto separator = '[';
    for (const auto& ancestor : t.depends_on) {
      out += separator;
      separator = ',';
      append_quoted(out, to_string(ancestor));
    }
    out += ']';
  }
  append_member(out, steps);
  auto separator = '[';
  for (const auto& s : t.steps) {
    out += separator;
    separator = ',';
    append_step(out, s);
  }
  out += ']';
  return out + '}';
}

} // namespace chasqui
