#include "tests/fuzz/resp.hpp"

#include "adapters/id_bytes.hpp"

#include <algorithm>

namespace chasqui {

namespace {

std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string{text} + "\r\n";
}

std::string value_of(std::string_view line) {
  const auto rest = line.empty() ? line : line.substr(1);
  switch (line.empty() ? '_' : line.front()) {
  case '*':
  case ':':
  case '+':
  case '-':
    return std::string{line} + "\r\n";
  case '$':
    return bulk(rest);
  case '@':
    return bulk(to_bytes(parse_uuid(rest).value_or(uuid{})));
  default:
    return "$-1\r\n";
  }
}

} // namespace

std::string resp_of(std::string_view lines) {
  std::string out;
  while (!lines.empty()) {
    const auto line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    out += value_of(line);
  }
  return out;
}

} // namespace chasqui
