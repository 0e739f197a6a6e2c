#include "link_settings.hpp"

#include <array>
#include <charconv>
#include <system_error>
#include <utility>

namespace chasqui::link {
namespace {

constexpr double latency_ms_max = 60'000;
constexpr std::uint64_t rate_kbps_max = 100'000'000;
constexpr std::uint64_t cut_after_bytes_max = std::uint64_t{1} << 60U;

constexpr std::string_view keys =
    "mode=open|blackhole|oneway|reset, latency_ms=0..60000 (one way), jitter_ms=0..60000, "
    "rate_kbps=0..100000000 "
    "(0 = no limit), loss=0..1, cut_after_bytes=N|off, cut_direction=up|down|both, target=HOST:PORT";

constexpr std::array modes{std::pair{traffic::open, std::string_view{"open"}},
                           std::pair{traffic::blackhole, std::string_view{"blackhole"}},
                           std::pair{traffic::oneway, std::string_view{"oneway"}},
                           std::pair{traffic::reset, std::string_view{"reset"}}};

constexpr std::array sides{std::pair{cut_side::up, std::string_view{"up"}},
                           std::pair{cut_side::down, std::string_view{"down"}},
                           std::pair{cut_side::both, std::string_view{"both"}}};

template <class Number> bool parse_number(std::string_view text, Number least, Number most, Number& out) {
  Number value{};
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  // Written so that a NaN is refused too.
  if (error != std::errc{} || stop != end || !(value >= least && value <= most))
    return false;
  out = value;
  return true;
}

template <class Table, class Value> bool parse_name(const Table& table, std::string_view text, Value& out) {
  for (const auto& [value, name] : table) {
    if (name == text) {
      out = value;
      return true;
    }
  }
  return false;
}

template <class Table, class Value> std::string name_of(const Table& table, Value wanted) {
  for (const auto& [value, name] : table) {
    if (value == wanted)
      return std::string{name};
  }
  return "?";
}

bool parse_cut(std::string_view text, std::optional<std::uint64_t>& out) {
  if (text == "off") {
    out.reset();
    return true;
  }
  std::uint64_t bytes = 0;
  if (!parse_number<std::uint64_t>(text, 0, cut_after_bytes_max, bytes))
    return false;
  out = bytes;
  return true;
}

bool parse_target(std::string_view text, endpoint& out) {
  auto parsed = parse_endpoint(text);
  if (!parsed || parsed->port == 0)
    return false;
  out = std::move(*parsed);
  return true;
}

/// Nothing if the key is unknown, otherwise whether the value was taken.
std::optional<bool> set(settings& s, std::string_view key, std::string_view value) {
  if (key == "mode")
    return parse_name(modes, value, s.mode);
  if (key == "latency_ms")
    return parse_number(value, 0.0, latency_ms_max, s.latency_ms);
  if (key == "jitter_ms")
    return parse_number(value, 0.0, latency_ms_max, s.jitter_ms);
  if (key == "rate_kbps")
    return parse_number<std::uint64_t>(value, 0, rate_kbps_max, s.rate_kbps);
  if (key == "loss")
    return parse_number(value, 0.0, 1.0, s.loss);
  if (key == "cut_after_bytes")
    return parse_cut(value, s.cut_after_bytes);
  if (key == "cut_direction")
    return parse_name(sides, value, s.cut_direction);
  if (key == "target")
    return parse_target(value, s.target);
  return std::nullopt;
}

std::string allowed() { return "; allowed: " + std::string{keys}; }

} // namespace

std::optional<endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0)
    return std::nullopt;
  endpoint e{std::string{text.substr(0, colon)}, 0};
  if (e.host == "localhost")
    e.host = "127.0.0.1";
  if (e.host.find_first_not_of("0123456789.") != std::string::npos)
    return std::nullopt;
  if (!parse_number<std::uint16_t>(text.substr(colon + 1), 0, 65535, e.port))
    return std::nullopt;
  return e;
}

std::optional<std::string> amend(settings& current, std::string_view line) {
  constexpr std::string_view blanks = " \t\r\n";
  auto wanted = current;
  while (true) {
    const auto begin = line.find_first_not_of(blanks);
    if (begin == std::string_view::npos)
      break;
    line.remove_prefix(begin);
    const auto word = line.substr(0, line.find_first_of(blanks));
    line.remove_prefix(word.size());
    const auto equals = word.find('=');
    if (equals == std::string_view::npos)
      return "'" + std::string{word} + "' is not key=value" + allowed();
    const auto key = word.substr(0, equals);
    const auto taken = set(wanted, key, word.substr(equals + 1));
    if (!taken)
      return "unknown key '" + std::string{key} + "'" + allowed();
    if (!*taken)
      return "bad value in '" + std::string{word} + "'" + allowed();
  }
  current = std::move(wanted);
  return std::nullopt;
}

std::string to_string(traffic mode) { return name_of(modes, mode); }

std::string to_string(cut_side side) { return name_of(sides, side); }

std::string to_string(const endpoint& e) { return e.host + ":" + std::to_string(e.port); }

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += '\\';
    const auto code = static_cast<unsigned char>(c);
    // What is not printable ASCII may not be valid UTF-8 either.
    out += code < 0x20 || code > 0x7e ? '?' : c;
  }
  return out + '"';
}

std::string number(double value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? std::string{text.data(), end} : "0";
}

} // namespace chasqui::link
