#include "runtime/console_lines.hpp"

#include "messages/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <variant>

namespace chasqui {

namespace {

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\v\f") == std::string_view::npos; }

} // namespace

void line_splitter::keep(std::string_view part) {
  if (too_long_ || part.size() > bytes_max_ - partial_.size()) {
    too_long_ = true;
    partial_.clear();
    return;
  }
  partial_.append(part);
}

std::optional<line_splitter::line> line_splitter::next_of_any_kind() {
  const auto rest = std::string_view{chunk_}.substr(at_);
  const auto end = rest.find('\n');
  keep(rest.substr(0, end));
  at_ += end == std::string_view::npos ? rest.size() : end + 1;
  const bool has_rest = too_long_ || !partial_.empty();
  if (end == std::string_view::npos && (!finished_ || !has_rest))
    return std::nullopt;
  return line{++number_, std::exchange(partial_, {}), std::exchange(too_long_, false)};
}

std::optional<line_splitter::line> line_splitter::next() {
  while (auto found = next_of_any_kind())
    if (found->too_long || !is_blank(found->text))
      return found;
  return std::nullopt;
}

std::uint64_t ordered_results::take_ticket() {
  places_.emplace_back();
  return first_ + places_.size() - 1;
}

void ordered_results::settle(std::uint64_t ticket, std::string line) {
  if (ticket < first_ || ticket - first_ >= places_.size())
    return;
  if (auto& place = places_[ticket - first_]; !place)
    place = std::move(line);
}

std::optional<std::string> ordered_results::next() {
  if (places_.empty() || !places_.front())
    return std::nullopt;
  auto line = std::move(places_.front());
  places_.pop_front();
  ++first_;
  return line;
}

identified_line identify(std::string text, uuid fresh, const transaction_limits& limits) {
  const auto decoded = decode_transaction(text, limits);
  const auto* const what = std::get_if<transaction>(&decoded);
  if (what == nullptr)
    return {std::move(text), ""};
  if (!what->id.is_nil())
    return {std::move(text), to_string(what->id)};
  const auto member = R"("id":")" + to_string(fresh) + R"(",)"; // A transaction has steps: others follow.
  if (text.size() + member.size() > limits.bytes_max)
    return {std::move(text), ""};
  text.insert(text.find('{') + 1, member);
  return {std::move(text), to_string(fresh)};
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  using unit = std::pair<std::string_view, std::int64_t>;
  constexpr std::array units{unit{"ms", 1}, unit{"s", 1000}, unit{"m", 60'000}, unit{"h", 3'600'000}};
  constexpr std::int64_t year_ms = 366LL * 24 * 3'600'000;
  std::int64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const std::string_view name{stop, static_cast<std::size_t>(end - stop)};
  const auto* const found =
      std::find_if(units.begin(), units.end(), [&](const unit& u) { return u.first == name; });
  if (error != std::errc{} || found == units.end() || number <= 0 || number > year_ms / found->second)
    return std::nullopt;
  return std::chrono::milliseconds{number * found->second};
}

} // namespace chasqui
