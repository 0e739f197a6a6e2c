#include "actors/column_rules.hpp"

#include "actors/value_texts.hpp"
#include "messages/json_text.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace chasqui {

namespace {

// How PostgreSQL packs them into a typmod (VARHDRSZ; numeric.c, make_numeric_typmod).
constexpr std::int32_t typmod_offset = 4;

std::string refuse_integer(std::string_view text, std::uint64_t max, const std::string& type) {
  switch (is_integer(text)) {
  case takes::unsure:
    return "";
  case takes::no:
    return "is no integer";
  default:
    return is_within(text, max) ? "" : "is out of range for " + type;
  }
}

/// `least` and `most`: of decimal exponents, beyond which a float of this size is zero or infinite.
std::string refuse_float(std::string_view text, std::int64_t least, std::int64_t most,
                         const std::string& type) {
  const auto is = is_number(text);
  if (is != takes::yes)
    return is == takes::no ? "is no number" : "";
  const auto number = parse_decimal(trimmed_text(text));
  if (!number || number->digits.empty())
    return "";
  const auto exponent = number->whole_digits() - 1;
  return exponent < least || exponent > most ? "is out of range for " + type : "";
}

std::string refuse_numeric(std::string_view text, std::int32_t typmod, const std::string& type) {
  const auto is = is_number(text);
  if (is != takes::yes)
    return is == takes::no ? "is no number" : "";
  const auto number = parse_decimal(trimmed_text(text));
  if (typmod < typmod_offset || !number || number->digits.empty())
    return "";
  const auto bits = static_cast<std::uint32_t>(typmod - typmod_offset);
  const auto precision = static_cast<std::int64_t>(bits >> 16U);
  const auto scale = static_cast<std::int64_t>((bits & 0x7FFU) ^ 1024U) - 1024;
  return number->whole_digits() > precision - scale ? "has too many digits for " + type : "";
}

/// What is too long is cut short if only blanks are lost.
std::string refuse_length(std::string_view text, std::int32_t typmod, const std::string& type) {
  if (typmod < typmod_offset)
    return "";
  const auto length_max = static_cast<std::size_t>(typmod - typmod_offset);
  const auto without_blanks = text.substr(0, text.find_last_not_of(' ') + 1);
  if (without_blanks.size() <= length_max || character_count(without_blanks) <= length_max)
    return "";
  return "is too long for " + type;
}

std::string refuse_label(std::string_view text, const std::vector<std::string>& labels) {
  if (std::find(labels.begin(), labels.end(), text) != labels.end())
    return "";
  std::string known;
  for (const auto& label : labels)
    known += (known.empty() ? "" : ", ") + label;
  return "is none of " + clip(known, 200);
}

std::string refuse_text(const catalogue_column& column, std::string_view text) {
  constexpr auto int2_max = std::uint64_t{std::numeric_limits<std::int16_t>::max()};
  constexpr auto int4_max = std::uint64_t{std::numeric_limits<std::int32_t>::max()};
  constexpr auto int8_max = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  switch (column.kind) {
  case value_kind::int2:
    return refuse_integer(text, int2_max, column.type);
  case value_kind::int4:
    return refuse_integer(text, int4_max, column.type);
  case value_kind::int8:
    return refuse_integer(text, int8_max, column.type);
  case value_kind::float4:
    return refuse_float(text, -50, 38, column.type);
  case value_kind::float8:
    return refuse_float(text, -330, 308, column.type);
  case value_kind::numeric:
    return refuse_numeric(text, column.typmod, column.type);
  case value_kind::boolean:
    return is_boolean(text) ? "" : "is no boolean";
  case value_kind::uuid:
    return is_uuid(text) ? "" : "is no UUID";
  case value_kind::text:
  case value_kind::character:
    return refuse_length(text, column.typmod, column.type);
  case value_kind::bytea:
    return is_bytea(text) ? "" : R"(is no bytea: write \x and hexadecimal digits)";
  case value_kind::enumeration:
    return refuse_label(text, column.labels);
  default:
    return "";
  }
}

/// A number that fits without a closer look: no exponent, and not many digits.
bool is_easy(value_kind kind, std::string_view number) {
  constexpr std::size_t float_bytes_max = 30;
  const bool is_float = kind == value_kind::float4 || kind == value_kind::float8;
  const auto easy_bytes_max = kind == value_kind::int8   ? 18U
                              : kind == value_kind::int4 ? 9U
                              : kind == value_kind::int2 ? 4U
                                                         : 0U;
  return number.find_first_of(is_float ? "eE" : ".eE") == std::string_view::npos &&
         number.size() <= (is_float ? float_bytes_max : easy_bytes_max);
}

bool is_composite(json_kind kind) { return kind == json_kind::object || kind == json_kind::array; }

std::string refuse_composite(value_kind kind) {
  switch (kind) {
  case value_kind::int2:
  case value_kind::int4:
  case value_kind::int8:
    return "is no integer";
  case value_kind::float4:
  case value_kind::float8:
  case value_kind::numeric:
    return "is no number";
  case value_kind::boolean:
    return "is no boolean";
  case value_kind::uuid:
    return "is no UUID";
  default:
    return "";
  }
}

std::string refuse_scalar(const catalogue_column& column, const scanned_value& value) {
  if (is_composite(value.kind))
    return refuse_composite(column.kind);
  const bool is_date = column.kind == value_kind::date || column.kind == value_kind::timestamp;
  if (is_date && value.kind == json_kind::boolean)
    return "is no " + column.type;
  if (value.kind == json_kind::real) {
    if (is_easy(column.kind, value.json))
      return "";
    const auto text = plain_number(value.json);
    return text ? refuse_text(column, *text) : "";
  }
  std::string room;
  const auto text = text_of(value, room);
  if (is_date)
    return is_time(text) == takes::no ? "is no " + column.type : "";
  return refuse_text(column, text);
}

/// An array of one dimension; the rules for more are long.
std::string refuse_elements(const catalogue_column& column, std::string_view json) {
  scanned_value element;
  for (record_scan scan{json}; scan.next(element);)
    if (is_composite(element.kind))
      return "";
  for (record_scan scan{json}; scan.next(element);)
    if (element.kind != json_kind::null)
      if (const auto why = refuse_scalar(column, element); !why.empty())
        return clip(element.json) + " " + why;
  return "";
}

} // namespace

std::string refusal_of(const catalogue_column& column, const scanned_value& value) {
  if (column.kind == value_kind::other || value.kind == json_kind::null)
    return "";
  if (column.is_array && value.kind == json_kind::array)
    return refuse_elements(column, value.json);
  if (column.is_array) // A string may be PostgreSQL's own form, {1,2}.
    return value.kind == json_kind::string ? "" : clip(value.json) + " is no array";
  const auto why = refuse_scalar(column, value);
  return why.empty() ? "" : clip(value.json) + " " + why;
}

} // namespace chasqui
