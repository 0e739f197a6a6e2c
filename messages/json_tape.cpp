#include "messages/json_tape.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <map>
#include <string>

namespace chasqui {

namespace {

// The parser refuses numbers that its own type cannot hold, though only their digits are wanted here: long
// double holds up to 1e4932.
using wide_json =
    nlohmann::basic_json<std::map, std::vector, std::string, bool, std::int64_t, std::uint64_t, long double>;

/// The parser's complaint without its prefix, and without the text it read last: that may be a megabyte, or
/// no UTF-8.
std::string complaint(std::string_view what) {
  const auto prefix = what.find("] ");
  if (prefix != std::string_view::npos)
    what.remove_prefix(prefix + 2);
  constexpr std::string_view opening = "parse error ";
  if (what.starts_with(opening))
    what.remove_prefix(opening.size());
  return std::string{what.substr(0, what.find("; last read: "))};
}

fault malformed(const std::string& why) {
  return {fault_code::malformed, "This is not JSON: " + why + ".", ""};
}

} // namespace

/// Takes the parser's events and writes the tape.
class json_tape_builder {
public:
  explicit json_tape_builder(std::string_view text) {
    // Nothing on the tape is longer than its text in the document, so the views stay good.
    tape_.characters_.reserve(text.size());
    tape_.nodes_.reserve(text.size() / 16 + 1);
  }

  bool null() { return scalar(json_kind::null, "null"); }
  bool boolean(bool value) { return scalar(json_kind::boolean, value ? "true" : "false"); }
  bool number_integer(std::int64_t value) { return integer(value); }
  bool number_unsigned(std::uint64_t value) { return integer(value); }
  bool number_float(long double, const std::string& digits);
  bool string(const std::string& text) { return scalar(json_kind::string, keep(text)); }
  bool binary(const wide_json::binary_t&) { return false; }
  bool key(const std::string& text) {
    key_ = keep(text);
    return true;
  }
  bool start_object(std::size_t) { return open(json_kind::object); }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(json_kind::array); }
  bool end_array() { return close(); }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::json::exception& e);

  std::variant<json_tape, fault> result(bool done) &&;

private:
  std::string_view keep(std::string_view text);
  bool scalar(json_kind kind, std::string_view text);
  template <class Number> bool integer(Number value);
  bool open(json_kind kind);
  bool close();

  json_tape tape_;
  std::string_view key_;
  std::vector<std::size_t> open_;
  fault fault_;
};

std::string_view json_tape_builder::keep(std::string_view text) {
  auto& kept = tape_.characters_;
  assert(kept.capacity() - kept.size() >= text.size());
  const auto at = kept.size();
  kept.insert(kept.end(), text.begin(), text.end());
  return {kept.data() + at, text.size()};
}

bool json_tape_builder::scalar(json_kind kind, std::string_view text) {
  auto& nodes = tape_.nodes_;
  nodes.push_back({kind, key_, text, nodes.size() + 1});
  return true;
}

template <class Number> bool json_tape_builder::integer(Number value) {
  std::array<char, 24> digits{};
  const auto* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return scalar(json_kind::integer, keep({digits.data(), end}));
}

bool json_tape_builder::number_float(long double, const std::string& digits) {
  const auto kept = keep(digits);
  // The lexer writes the point as the process's locale has it.
  const auto first = tape_.characters_.end() - static_cast<std::ptrdiff_t>(kept.size());
  std::replace_if(
      first, tape_.characters_.end(),
      [](char c) { return std::string_view{"+-0123456789eE"}.find(c) == std::string_view::npos; }, '.');
  const auto whole = kept.find_first_of(".eE") == std::string_view::npos;
  return scalar(whole ? json_kind::integer : json_kind::real, kept);
}

bool json_tape_builder::open(json_kind kind) {
  open_.push_back(tape_.nodes_.size());
  return scalar(kind, {});
}

bool json_tape_builder::close() {
  tape_.nodes_[open_.back()].end = tape_.nodes_.size();
  open_.pop_back();
  return true;
}

bool json_tape_builder::parse_error(std::size_t at, const std::string&, const nlohmann::json::exception& e) {
  constexpr int number_overflow = 406;
  if (e.id == number_overflow)
    fault_ = malformed("the number that ends at byte " + std::to_string(at) + " is too large");
  else
    fault_ = malformed(complaint(e.what()));
  return false;
}

std::variant<json_tape, fault> json_tape_builder::result(bool done) && {
  if (!done)
    return std::move(fault_);
  return std::move(tape_);
}

std::variant<json_tape, fault> json_tape::read(std::string_view text) {
  // The parser takes a NUL for the end of the text and would not look at what follows.
  if (const auto at = text.find('\0'); at != std::string_view::npos)
    return malformed("byte " + std::to_string(at + 1) + " is a NUL");
  json_tape_builder builder{text};
  const auto done = wide_json::sax_parse(text, &builder);
  return std::move(builder).result(done);
}

std::size_t json_value::size() const {
  std::size_t count = 0;
  for (auto it = begin(); it != end(); ++it)
    ++count;
  return count;
}

} // namespace chasqui
