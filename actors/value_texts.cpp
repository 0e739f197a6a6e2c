#include "actors/value_texts.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace chasqui {

namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr bool is_hex(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }

std::string lowered(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string_view without_sign(std::string_view text) {
  return text.substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0);
}

// PostgreSQL 16 reads 0x1F, 0o17, 0b11 and 1_000, PostgreSQL 15 does not; floats are 0x1F everywhere.
bool has_newer_form(std::string_view unsigned_text) {
  return unsigned_text.find('_') != std::string_view::npos ||
         (unsigned_text.size() > 1 && unsigned_text[0] == '0' && !is_digit(unsigned_text[1]) &&
          std::string_view{"xXoObB"}.find(unsigned_text[1]) != std::string_view::npos);
}

std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

/// The exponent at the end of a number; nothing if something else is there.
std::optional<std::int64_t> read_exponent(std::string_view text) {
  constexpr std::int64_t huge = 1'000'000;
  if (text.empty())
    return 0;
  if (lower(text.front()) != 'e')
    return std::nullopt;
  text.remove_prefix(1);
  const bool is_negative = text.starts_with('-');
  text = without_sign(text);
  const auto digits = take_digits(text);
  if (digits.empty() || !text.empty())
    return std::nullopt;
  std::int64_t value = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc{} || value > huge)
    value = huge;
  return is_negative ? -value : value;
}

} // namespace

std::string_view trimmed_text(std::string_view text) {
  constexpr std::string_view blanks = " \t\n\v\f\r";
  const auto first = text.find_first_not_of(blanks);
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::optional<decimal> parse_decimal(std::string_view text) {
  decimal out;
  out.is_negative = text.starts_with('-');
  text = without_sign(text);
  const auto whole = take_digits(text);
  std::string_view part;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    part = take_digits(text);
  }
  const auto exponent = read_exponent(text);
  if (!exponent || (whole.empty() && part.empty()))
    return std::nullopt;
  out.digits.append(whole).append(part);
  out.digits.erase(0, std::min(out.digits.find_first_not_of('0'), out.digits.size()));
  out.scale = static_cast<std::int64_t>(part.size()) - *exponent;
  return out;
}

int compare(const decimal& a, const decimal& b) {
  const auto sign = [](const decimal& x) { return x.digits.empty() ? 0 : x.is_negative ? -1 : 1; };
  if (sign(a) != sign(b))
    return sign(a) < sign(b) ? -1 : 1;
  if (sign(a) == 0)
    return 0;
  if (a.whole_digits() != b.whole_digits())
    return a.whole_digits() < b.whole_digits() ? -sign(a) : sign(a);
  auto left = a.digits;
  auto right = b.digits;
  const auto length = std::max(left.size(), right.size());
  left.resize(length, '0');
  right.resize(length, '0');
  const auto order = left.compare(right);
  return order == 0 ? 0 : (order < 0 ? -sign(a) : sign(a));
}

std::optional<std::string> plain_number(std::string_view json) {
  constexpr std::int64_t digits_max = 400;
  auto number = parse_decimal(json);
  if (!number || number->scale > digits_max || number->whole_digits() > digits_max)
    return std::nullopt;
  auto& [is_negative, digits, scale] = *number;
  std::string out{is_negative && !digits.empty() ? "-" : ""};
  if (scale < 0 && !digits.empty())
    digits.append(static_cast<std::size_t>(-scale), '0');
  const auto places = static_cast<std::size_t>(std::max<std::int64_t>(scale, 0));
  if (digits.size() <= places)
    digits.insert(0, places + 1 - digits.size(), '0');
  out.append(digits, 0, digits.size() - places);
  return places == 0 ? out : out.append(".").append(digits, digits.size() - places);
}

takes is_integer(std::string_view text) {
  text = without_sign(trimmed_text(text));
  if (has_newer_form(text))
    return takes::unsure;
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit) ? takes::yes : takes::no;
}

bool is_within(std::string_view integer, std::uint64_t max) {
  integer = trimmed_text(integer);
  const bool is_negative = integer.starts_with('-');
  integer = without_sign(integer);
  std::uint64_t value = 0;
  const auto end = std::from_chars(integer.data(), integer.data() + integer.size(), value);
  return end.ec == std::errc{} && value <= max + (is_negative ? 1U : 0U);
}

takes is_number(std::string_view text) {
  text = trimmed_text(text);
  const auto word = lowered(without_sign(text).substr(0, 3));
  if (word == "nan" || word == "inf" || has_newer_form(without_sign(text)))
    return takes::unsure;
  return parse_decimal(text) ? takes::yes : takes::no;
}

bool is_boolean(std::string_view text) {
  const auto word = lowered(trimmed_text(text));
  if (word.empty())
    return false;
  constexpr std::array<std::string_view, 4> words{"true", "false", "yes", "no"};
  return std::any_of(words.begin(), words.end(), [&](auto whole) { return whole.starts_with(word); }) ||
         word == "on" || word == "of" || word == "off" || word == "1" || word == "0";
}

bool is_uuid(std::string_view text) {
  constexpr int bytes = 16;
  const bool has_braces = text.starts_with('{');
  text.remove_prefix(has_braces ? 1 : 0);
  for (int i = 0; i < bytes; ++i) {
    if (text.size() < 2 || !is_hex(text[0]) || !is_hex(text[1]))
      return false;
    text.remove_prefix(2);
    if (i % 2 == 1 && i + 1 < bytes && text.starts_with('-'))
      text.remove_prefix(1);
  }
  return text == (has_braces ? "}" : "");
}

bool is_bytea(std::string_view text) {
  if (text.starts_with("\\x")) {
    text.remove_prefix(2);
    for (std::size_t at = 0; at < text.size();) {
      if (std::string_view{" \n\t\r"}.find(text[at]) != std::string_view::npos) {
        ++at;
        continue;
      }
      if (at + 1 == text.size() || !is_hex(text[at]) || !is_hex(text[at + 1]))
        return false;
      at += 2;
    }
    return true;
  }
  const auto octal = [&](std::size_t at, char max) {
    return at < text.size() && text[at] >= '0' && text[at] <= max;
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\')
      continue;
    if (at + 1 < text.size() && text[at + 1] == '\\')
      ++at;
    else if (octal(at + 1, '3') && octal(at + 2, '7') && octal(at + 3, '7'))
      at += 3;
    else
      return false;
  }
  return true;
}

namespace {

/// Reads `pattern`, in which 0 stands for a digit: whether the text begins so; it is cut off then.
bool take_pattern(std::string_view& text, std::string_view pattern) {
  if (text.size() < pattern.size())
    return false;
  for (std::size_t at = 0; at < pattern.size(); ++at)
    if (pattern[at] == '0' ? !is_digit(text[at]) : text[at] != pattern[at])
      return false;
  text.remove_prefix(pattern.size());
  return true;
}

int number_at(std::string_view text, std::size_t at, std::size_t length) {
  int value = 0;
  std::from_chars(text.data() + at, text.data() + at + length, value);
  return value;
}

bool is_day(int year, int month, int day) {
  constexpr std::array<int, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1)
    return false;
  const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= days.at(static_cast<std::size_t>(month) - 1) + (month == 2 && is_leap ? 1 : 0);
}

/// `Z`, `+01`, `-0330`, `+01:30` or nothing.
bool is_zone(std::string_view text) {
  if (text.empty() || text == "Z" || text == "z")
    return true;
  if (text.front() != '+' && text.front() != '-')
    return false;
  text.remove_prefix(1);
  return take_pattern(text, "00") &&
         (text.empty() || ((take_pattern(text, ":00") || take_pattern(text, "00")) && text.empty()));
}

/// What follows the date: `T00:10:00.5Z`. Out of range is `no`.
takes is_time_of_day(std::string_view text) {
  const auto clock = text.substr(1);
  text = clock;
  if (!take_pattern(text, "00:00"))
    return takes::unsure;
  bool in_range = number_at(clock, 0, 2) <= 24 && number_at(clock, 3, 2) <= 59;
  const auto seconds = text;
  if (take_pattern(text, ":00")) {
    in_range = in_range && number_at(seconds, 1, 2) <= 60;
    if (take_pattern(text, ".0"))
      take_digits(text);
  }
  return !is_zone(text) ? takes::unsure : in_range ? takes::yes : takes::no;
}

} // namespace

takes is_time(std::string_view text) {
  constexpr std::array<std::string_view, 7> words{"now",   "today", "tomorrow", "yesterday",
                                                  "epoch", "inf",   "allballs"};
  text = trimmed_text(text);
  if (std::none_of(text.begin(), text.end(), is_digit)) {
    const auto word = lowered(text);
    const bool is_special = std::any_of(
        words.begin(), words.end(), [&](auto special) { return word.find(special) != std::string::npos; });
    return is_special ? takes::unsure : takes::no;
  }
  const auto day = text;
  if (!take_pattern(text, "0000-00-00") || !(text.empty() || text.front() == 'T' || text.front() == ' '))
    return takes::unsure;
  const auto rest = text.empty() ? takes::yes : is_time_of_day(text);
  if (rest == takes::yes && !is_day(number_at(day, 0, 4), number_at(day, 5, 2), number_at(day, 8, 2)))
    return takes::no;
  return rest;
}

std::size_t character_count(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

} // namespace chasqui
