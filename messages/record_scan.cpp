#include "messages/record_scan.hpp"

#include <algorithm>

namespace chasqui {

namespace {

json_kind kind_at(char first) {
  switch (first) {
  case '"':
    return json_kind::string;
  case '{':
    return json_kind::object;
  case '[':
    return json_kind::array;
  case 't':
  case 'f':
    return json_kind::boolean;
  case 'n':
    return json_kind::null;
  default:
    return json_kind::real; // A number; whether a whole one depends on who asks.
  }
}

unsigned digit(char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10); }

// The canonical form escapes what must be escaped: quotes, backslashes and control characters, which are
// ASCII.
char unescaped(std::string_view text, std::size_t& at) {
  constexpr std::size_t digits = 4;
  if (at >= text.size())
    return '\\';
  switch (text[at]) {
  case 'b':
    return '\b';
  case 'f':
    return '\f';
  case 'n':
    return '\n';
  case 'r':
    return '\r';
  case 't':
    return '\t';
  case 'u':
    if (text.size() - at <= digits)
      return 'u';
    at += digits;
    return static_cast<char>(digit(text[at - 1]) << 4U | digit(text[at]));
  default:
    return text[at];
  }
}

std::string_view without_escapes(std::string_view inner, std::string& room) {
  if (inner.find('\\') == std::string_view::npos)
    return inner;
  room.clear();
  for (std::size_t at = 0; at < inner.size(); ++at)
    room += inner[at] == '\\' ? unescaped(inner, ++at) : inner[at];
  return room;
}

} // namespace

// Every payload is scanned on its way into the log, and most of it is strings: against a look at each
// character, a search for the quote saves a third of the time.
void record_scan::skip_string() {
  const auto first = at_ + 1;
  const auto is_escaped = [&](std::size_t quote) {
    auto at = quote;
    while (at > first && json_[at - 1] == '\\')
      --at;
    return (quote - at) % 2 == 1;
  };
  auto quote = json_.find('"', first);
  while (quote != std::string_view::npos && is_escaped(quote))
    quote = json_.find('"', quote + 1);
  at_ = quote == std::string_view::npos ? json_.size() : quote + 1;
}

void record_scan::skip_value() {
  std::size_t depth = 0;
  do {
    switch (here()) {
    case '"':
      skip_string();
      break;
    case '{':
    case '[':
      ++depth;
      ++at_;
      break;
    case '}':
    case ']':
      depth -= depth > 0 ? 1 : 0;
      ++at_;
      break;
    default:
      at_ = depth > 0 ? at_ + 1 : json_.find_first_of(",}]", at_);
    }
  } while (depth > 0 && !is_at_end());
  at_ = std::min(at_, json_.size());
}

bool record_scan::next(scanned_value& out) {
  if (here() == ',')
    ++at_;
  if (is_at_end() || here() == '}' || here() == ']')
    return false;
  std::string_view key;
  if (is_object_) {
    const auto first = at_ + 1;
    skip_string();
    if (is_at_end())
      return false;
    key = json_.substr(first, at_ - 1 - first);
    ++at_; // The colon.
  }
  if (is_at_end())
    return false;
  const auto first = at_;
  skip_value();
  out = {kind_at(json_[first]), json_.substr(first, at_ - first), key};
  return true;
}

std::string_view text_of(const scanned_value& value, std::string& room) {
  if (value.kind != json_kind::string)
    return value.json;
  return without_escapes(value.json.substr(1, value.json.size() - 2), room);
}

std::string_view name_of(const scanned_value& value, std::string& room) {
  return without_escapes(value.key, room);
}

} // namespace chasqui
