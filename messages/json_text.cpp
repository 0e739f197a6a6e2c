#include "messages/json_text.hpp"

namespace chasqui {

namespace {

/// The letter after the backslash, `u` where a character has no short escape, 0 where it needs none.
constexpr char escape_of(char c) {
  switch (c) {
  case '"':
  case '\\':
    return c;
  case '\b':
    return 'b';
  case '\f':
    return 'f';
  case '\n':
    return 'n';
  case '\r':
    return 'r';
  case '\t':
    return 't';
  default:
    return static_cast<unsigned char>(c) < 0x20 ? 'u' : '\0';
  }
}

constexpr bool continues_a_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

} // namespace

void append_quoted(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto escape = escape_of(text[at]);
    if (escape == '\0')
      continue;
    out.append(text, copied, at - copied);
    copied = at + 1;
    out += '\\';
    out += escape;
    if (escape == 'u') {
      const auto code = static_cast<unsigned char>(text[at]);
      out += "00";
      out += digits[code >> 4U];
      out += digits[code & 0xFU];
    }
  }
  out.append(text, copied);
  out += '"';
}

std::string clip(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max)
    return std::string{text};
  auto end = bytes_max;
  while (end > 0 && continues_a_character(text[end]))
    --end;
  return std::string{text.substr(0, end)} + "…";
}

std::string json_path::text() const {
  if (parent_ == nullptr)
    return "";
  auto path = parent_->text();
  if (is_index_)
    return path + '[' + std::to_string(index_) + ']';
  if (!path.empty())
    path += '.';
  return path + clip(name_);
}

} // namespace chasqui
