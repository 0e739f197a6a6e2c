#include "messages/json_fields.hpp"

#include "messages/name_table.hpp"
#include "messages/near_name.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace chasqui {

namespace {

constexpr name_table<json_kind, 7> kind_phrases{
    {"null", "true or false", "a whole number", "a number", "a string", "an array", "an object"}};
static_assert(kind_phrases.ends_with(json_kind::object));

constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; }

std::string in_quotes(std::string_view text) {
  std::string quoted;
  append_quoted(quoted, clip(text));
  return quoted;
}

fault refuse_repeated(const json_path& path) {
  return refuse(fault_code::malformed, path, "stands there more than once: keep one of them");
}

} // namespace

fault refuse(fault_code code, const json_path& path, std::string_view message) {
  auto field = path.text();
  auto sentence = (field.empty() ? "The transaction" : "`" + field + "`") + " " + std::string{message} + ".";
  return {code, std::move(sentence), std::move(field)};
}

fault require_kind(json_value value, const json_path& path, json_kind kind) {
  if (value.kind() == kind)
    return {};
  const auto wanted = std::string{kind_phrases.name(kind)};
  return refuse(fault_code::malformed, path,
                "must be " + wanted + ", not " + std::string{kind_phrases.name(value.kind())});
}

fault require_at_most(json_value array, const json_path& path, std::size_t count_max) {
  const auto count = array.size();
  if (count <= count_max)
    return {};
  return refuse(fault_code::over_limit, path,
                "has " + std::to_string(count) + " elements, at most " + std::to_string(count_max) +
                    " are allowed: split it");
}

fault read_fields(json_value object, const json_path& path, std::span<const std::string_view> names,
                  std::span<json_value> found) {
  if (auto f = require_kind(object, path, json_kind::object))
    return f;
  for (const auto member : object) {
    const json_path member_path{path, member.key()};
    const auto name = std::find(names.begin(), names.end(), member.key());
    if (name == names.end()) {
      auto f = refuse(fault_code::unknown_field, member_path, "is not known here");
      f.message += did_you_mean(member.key(), names);
      return f;
    }
    auto& place = found[static_cast<std::size_t>(name - names.begin())];
    if (place)
      return refuse_repeated(member_path);
    place = member;
  }
  return {};
}

std::optional<std::string_view> repeated_key(json_value object) {
  constexpr std::size_t few = 12;
  std::array<std::string_view, few> first_keys;
  std::size_t count = 0;
  for (const auto member : object) {
    if (count == few)
      break;
    const std::span known{first_keys.data(), count};
    if (std::find(known.begin(), known.end(), member.key()) != known.end())
      return member.key();
    first_keys[count++] = member.key();
  }
  if (count < few)
    return std::nullopt;
  // Sorted, lest a large object cost the square of its size.
  std::vector<std::string_view> keys;
  for (const auto member : object)
    keys.push_back(member.key());
  std::sort(keys.begin(), keys.end());
  const auto twin = std::adjacent_find(keys.begin(), keys.end());
  return twin == keys.end() ? std::nullopt : std::optional{*twin};
}

fault check_name(std::string_view name, const json_path& path, const transaction_limits& limits) {
  if (name.empty())
    return refuse(fault_code::malformed, path, "has an empty name in it");
  if (name.size() > limits.name_bytes_max)
    return refuse(fault_code::over_limit, path,
                  "has a name of " + std::to_string(name.size()) + " bytes in it, PostgreSQL keeps " +
                      std::to_string(limits.name_bytes_max));
  if (std::any_of(name.begin(), name.end(), is_control))
    return refuse(fault_code::malformed, path, "has a control character in a name");
  return {};
}

fault read_uuid(json_value value, const json_path& path, uuid& out) {
  if (auto f = require_kind(value, path, json_kind::string))
    return f;
  const auto id = parse_uuid(value.text());
  if (!id)
    return refuse(fault_code::invalid_id, path,
                  "must be a UUID of 36 characters, such as 0197a4e2-8c1d-7000-8000-5f2a6b3c4d5e, not " +
                      in_quotes(value.text()));
  if (id->is_nil())
    return refuse(fault_code::invalid_id, path, "must not be the nil UUID: make one, or leave it away");
  out = *id;
  return {};
}

namespace {

/// Writes values in canonical form.
class value_writer {
public:
  value_writer(std::string& out, std::size_t depth_max) : out_{out}, depth_max_{depth_max} {}

  fault write(json_value value, const json_path& path, std::size_t depth);

private:
  fault write_text(std::string_view text, const json_path& path);
  fault write_array(json_value array, const json_path& path, std::size_t depth);
  fault write_object(json_value object, const json_path& path, std::size_t depth);

  std::string& out_;
  std::size_t depth_max_;
};

fault value_writer::write(json_value value, const json_path& path, std::size_t depth) {
  switch (value.kind()) {
  case json_kind::string:
    return write_text(value.text(), path);
  case json_kind::array:
  case json_kind::object:
    if (depth == depth_max_)
      return refuse(fault_code::over_limit, path,
                    "is nested more than " + std::to_string(depth_max_) + " deep");
    return value.kind() == json_kind::array ? write_array(value, path, depth + 1)
                                            : write_object(value, path, depth + 1);
  default:
    out_ += value.text();
    return {};
  }
}

fault value_writer::write_text(std::string_view text, const json_path& path) {
  if (text.find('\0') != std::string_view::npos)
    return refuse(
        fault_code::malformed, path,
        R"(contains \u0000, which PostgreSQL cannot keep in a text: remove it, or encode the bytes)");
  append_quoted(out_, text);
  return {};
}

fault value_writer::write_array(json_value array, const json_path& path, std::size_t depth) {
  std::size_t index = 0;
  out_ += '[';
  for (const auto element : array) {
    if (index > 0)
      out_ += ',';
    if (auto f = write(element, {path, index}, depth))
      return f;
    ++index;
  }
  out_ += ']';
  return {};
}

fault value_writer::write_object(json_value object, const json_path& path, std::size_t depth) {
  if (const auto key = repeated_key(object))
    return refuse_repeated({path, *key});
  auto separator = '{';
  for (const auto member : object) {
    const json_path member_path{path, member.key()};
    out_ += separator;
    separator = ',';
    if (auto f = write_text(member.key(), member_path))
      return f;
    out_ += ':';
    if (auto f = write(member, member_path, depth))
      return f;
  }
  out_ += separator == '{' ? "{}" : "}";
  return {};
}

} // namespace

fault read_record(json_value value, const json_path& path, const transaction_limits& limits, record& out) {
  // PostgreSQL's MaxHeapAttributeNumber.
  constexpr std::size_t columns_max = 1600;
  if (auto f = require_kind(value, path, json_kind::object))
    return f;
  if (value.empty())
    return refuse(fault_code::missing_field, path, "is empty: name at least one column");
  if (auto f = require_at_most(value, path, columns_max))
    return f;
  if (const auto key = repeated_key(value))
    return refuse_repeated({path, *key});
  out.json = "{";
  for (const auto member : value) {
    const json_path member_path{path, member.key()};
    if (auto f = check_name(member.key(), member_path, limits))
      return f;
    if (out.json.size() > 1)
      out.json += ',';
    append_quoted(out.json, member.key());
    out.json += ':';
    if (auto f = value_writer{out.json, limits.depth_max}.write(member, member_path, 0))
      return f;
    out.columns.emplace_back(member.key());
    if (member.kind() == json_kind::null)
      out.null_columns.emplace_back(member.key());
  }
  out.json += '}';
  return {};
}

} // namespace chasqui
