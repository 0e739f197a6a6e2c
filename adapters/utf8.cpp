#include "adapters/utf8.hpp"

#include <cstddef>

namespace chasqui {

namespace {

unsigned byte_at(std::string_view text, std::size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
}

bool in(unsigned byte, unsigned low, unsigned high) { return byte >= low && byte <= high; }

/// Length of the well-formed sequence at the start of `text`; 0 if there is none.
std::size_t sequence_length(std::string_view text) {
  const unsigned first = byte_at(text, 0);
  const unsigned second = byte_at(text, 1);
  const bool third_ok = in(byte_at(text, 2), 0x80, 0xBF);
  if (in(first, 0x01, 0x7F)) {
    return 1;
  }
  if (in(first, 0xC2, 0xDF)) {
    return in(second, 0x80, 0xBF) ? 2 : 0;
  }
  if (in(first, 0xE0, 0xEF)) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : 0xBF;
    return in(second, low, high) && third_ok ? 3 : 0;
  }
  if (in(first, 0xF0, 0xF4)) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
    return in(second, low, high) && third_ok && in(byte_at(text, 3), 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

} // namespace

std::string valid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    if (const auto length = sequence_length(text); length > 0) {
      result += text.substr(0, length);
      text.remove_prefix(length);
    } else {
      result += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    }
  }
  return result;
}

} // namespace chasqui
