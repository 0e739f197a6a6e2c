#include "messages/identity.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace chasqui {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::size_t uuid_size = 36;
constexpr std::string_view instant_form = "0000-00-00T00:00:00.000000Z";

constexpr bool is_dash_place(std::size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/// The whole of `digits` as a number; nothing when a character is left over or the number does not fit.
template <class Number> std::optional<Number> parse_number(std::string_view digits, int base) {
  Number value{};
  const auto* last = digits.data() + digits.size();
  const auto [end, failure] = std::from_chars(digits.data(), last, value, base);
  if (digits.empty() || failure != std::errc{} || end != last)
    return std::nullopt;
  return value;
}

/// 1 to 8 hexadecimal digits: half a log position.
std::optional<std::uint32_t> parse_half(std::string_view digits) {
  if (digits.size() > 8)
    return std::nullopt;
  return parse_number<std::uint32_t>(digits, 16);
}

void append_hex(std::string& out, std::uint64_t value) {
  std::array<char, 16> text{};
  auto* end = std::to_chars(text.data(), text.data() + text.size(), value, 16).ptr;
  std::transform(text.data(), end, text.data(),
                 [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c; });
  out.append(text.data(), end);
}

void put_decimal(std::string& out, std::size_t at, std::size_t digits, std::uint64_t value) {
  for (auto place = at + digits; place-- > at; value /= 10)
    out[place] = static_cast<char>('0' + value % 10);
}

/// True when `text` has digits where the form has digits, and the same characters elsewhere.
bool has_instant_form(std::string_view text) {
  return std::equal(text.begin(), text.end(), instant_form.begin(), instant_form.end(),
                    [](char c, char form) { return form == '0' ? c >= '0' && c <= '9' : c == form; });
}

} // namespace

uuid make_uuid7(instant at, std::uint64_t random_high, std::uint64_t random_low) {
  const auto since_epoch = std::chrono::floor<std::chrono::milliseconds>(at).time_since_epoch().count();
  const auto ms = static_cast<std::uint64_t>(since_epoch);
  constexpr std::uint64_t version = 0x7000;
  constexpr std::uint64_t variant = 0x8000'0000'0000'0000;
  return {ms << 16U | version | (random_high & 0x0FFFU), variant | (random_low & ~(0b11ULL << 62U))};
}

std::string to_string(const uuid& id) {
  std::string text(uuid_size, '-');
  unsigned nibble = 0;
  for (std::size_t at = 0; at < uuid_size; ++at) {
    if (is_dash_place(at))
      continue;
    const auto half = nibble < 16 ? id.high : id.low;
    text[at] = hex_digits[half >> (60U - nibble % 16 * 4) & 0xFU];
    ++nibble;
  }
  return text;
}

std::optional<uuid> parse_uuid(std::string_view text) {
  if (text.size() != uuid_size)
    return std::nullopt;
  uuid id;
  unsigned nibble = 0;
  for (std::size_t at = 0; at < uuid_size; ++at) {
    if (is_dash_place(at)) {
      if (text[at] != '-')
        return std::nullopt;
      continue;
    }
    const auto value = hex_value(text[at]);
    if (value < 0)
      return std::nullopt;
    auto& half = nibble < 16 ? id.high : id.low;
    half = half << 4U | static_cast<unsigned>(value);
    ++nibble;
  }
  return id;
}

std::string to_string(const lsn& position) {
  if (!position.known())
    return "";
  std::string text;
  append_hex(text, position.value >> 32U);
  text += '/';
  append_hex(text, position.value & 0xFFFF'FFFFU);
  return text;
}

std::optional<lsn> parse_lsn(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos)
    return std::nullopt;
  const auto high = parse_half(text.substr(0, slash));
  const auto low = parse_half(text.substr(slash + 1));
  if (!high || !low)
    return std::nullopt;
  return lsn{std::uint64_t{*high} << 32U | *low};
}

instant system_time() {
  return std::chrono::time_point_cast<instant::duration>(std::chrono::system_clock::now());
}

instant nearest_writable(instant at) {
  using namespace std::chrono;
  constexpr instant first = sys_days{year{0} / 1 / 1};
  constexpr instant last = sys_days{year{10'000} / 1 / 1} - microseconds{1};
  return std::clamp(at, first, last);
}

std::string to_string(const instant& any) {
  if (any == instant{})
    return "";
  const auto at = nearest_writable(any);
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{at - day};
  std::string text{instant_form};
  put_decimal(text, 0, 4, static_cast<std::uint64_t>(static_cast<int>(date.year())));
  put_decimal(text, 5, 2, static_cast<unsigned>(date.month()));
  put_decimal(text, 8, 2, static_cast<unsigned>(date.day()));
  put_decimal(text, 11, 2, static_cast<std::uint64_t>(time.hours().count()));
  put_decimal(text, 14, 2, static_cast<std::uint64_t>(time.minutes().count()));
  put_decimal(text, 17, 2, static_cast<std::uint64_t>(time.seconds().count()));
  put_decimal(text, 20, 6, static_cast<std::uint64_t>(time.subseconds().count()));
  return text;
}

std::optional<instant> parse_instant(std::string_view text) {
  using namespace std::chrono;
  if (!has_instant_form(text))
    return std::nullopt;
  const auto number = [text](std::size_t at, std::size_t digits) {
    return parse_number<unsigned>(text.substr(at, digits), 10).value_or(0);
  };
  const year_month_day date{year{static_cast<int>(number(0, 4))}, month{number(5, 2)}, day{number(8, 2)}};
  if (!date.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 59)
    return std::nullopt;
  return sys_days{date} + hours{number(11, 2)} + minutes{number(14, 2)} + seconds{number(17, 2)} +
         microseconds{number(20, 6)};
}

} // namespace chasqui
