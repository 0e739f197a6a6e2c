#include "runtime/console_format.hpp"

#include "messages/json.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace chasqui {

namespace {

using row = std::vector<std::string>;

// Text of others may hold anything; one that does not decode is no reason to print nothing.
std::string dump(const nlohmann::json& j, int indent = -1) {
  return j.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

// What comes from the primary or from a client must not steer the terminal, nor break a row.
std::string one_line(const std::string& cell) {
  std::string text;
  for (const char c : cell) {
    const auto byte = static_cast<unsigned char>(c);
    std::array<char, 8> hex{};
    if (c == '\n')
      text += "\\n";
    else if (c == '\t')
      text += "\\t";
    else if (c == '\\')
      text += "\\\\";
    else if (byte < 0x20 || byte == 0x7F)
      text.append(hex.data(),
                  static_cast<std::size_t>(std::snprintf(hex.data(), hex.size(), "\\x%02x", byte)));
    else
      text += c;
  }
  return text;
}

/// Characters, not bytes: continuation bytes of UTF-8 take no room.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::vector<std::size_t> widths_of(const std::vector<row>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& cells : rows) {
    widths.resize(std::max(widths.size(), cells.size()));
    for (std::size_t i = 0; i < cells.size(); ++i)
      widths[i] = std::max(widths[i], width_of(cells[i]));
  }
  return widths;
}

std::string table_text(const section& s) {
  std::vector<row> rows;
  if (!s.header.empty())
    rows.push_back(s.header);
  for (auto cells : s.rows) {
    std::transform(cells.begin(), cells.end(), cells.begin(), one_line);
    rows.push_back(std::move(cells));
  }
  const auto widths = widths_of(rows);
  std::string text = s.title.empty() ? "" : s.title + '\n';
  for (const auto& cells : rows) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i)
      line += cells[i] + std::string(widths[i] - width_of(cells[i]) + 2, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string tsv_line(const row& cells) {
  std::string line;
  for (const auto& cell : cells)
    line += (line.empty() && &cell == &cells.front() ? "" : "\t") + one_line(cell);
  return line + '\n';
}

std::string tsv_text(const section& s) {
  auto text = s.header.empty() ? "" : tsv_line(s.header);
  for (const auto& cells : s.rows)
    text += tsv_line(cells);
  return text;
}

std::string sections_text(const document& d, std::string (*text_of)(const section&)) {
  std::string text;
  for (const auto& s : d.sections)
    text += (text.empty() ? "" : "\n") + text_of(s);
  return text;
}

} // namespace

std::string render(const document& d, output_form form) {
  if (form == output_form::table)
    return sections_text(d, table_text);
  if (form == output_form::tsv)
    return sections_text(d, tsv_text);
  if (form == output_form::json)
    return dump(d.json, 2) + '\n';
  if (!d.items)
    return dump(d.json) + '\n';
  std::string text;
  for (const auto& item : *d.items)
    text += dump(item) + '\n';
  return text;
}

std::string event_line(const event& e, output_form form) {
  if (form == output_form::json || form == output_form::ndjson)
    return dump(nlohmann::json(e)) + '\n';
  const std::string kind{to_string(e.kind)};
  if (form == output_form::tsv)
    return tsv_line({std::to_string(e.number), to_string(e.at), kind, e.lane, std::to_string(e.from_seq),
                     std::to_string(e.to_seq), e.id.is_nil() ? "" : to_string(e.id), e.detail});
  auto what = e.lane;
  if (e.to_seq != 0)
    what += (what.empty() ? "" : " ") + (e.from_seq == e.to_seq ? "" : std::to_string(e.from_seq) + "..") +
            std::to_string(e.to_seq);
  if (!e.id.is_nil())
    what += ' ' + to_string(e.id);
  if (!e.detail.empty())
    (what += what.empty() ? "" : "  ") += e.detail;
  constexpr std::size_t kind_width = 12;
  const auto gap = std::string(kind_width - std::min(kind_width - 1, kind.size()), ' ');
  return std::to_string(e.number) + "  " + to_string(e.at) + "  " + kind + gap + one_line(what) + '\n';
}

std::string event_header(output_form form) {
  if (form != output_form::tsv)
    return "";
  return tsv_line({"number", "at", "kind", "lane", "from_seq", "to_seq", "id", "detail"});
}

std::string receipt_line(const receipt& r) { return dump(nlohmann::json(r)) + '\n'; }

line_error to_line_error(const fault& f) { return {std::string{to_string(f.code)}, f.message, f.field}; }

std::optional<line_error> error_of_end(stage end, const uuid& id) {
  const std::string code{to_string(end)};
  if (end == stage::rejected)
    return line_error{
        code, "The primary refused it for good; `chasqui dead show " + to_string(id) + "` says why.", ""};
  if (end == stage::parked)
    return line_error{code, "It depends on a dead letter, and waits beside it.", ""};
  if (end == stage::discarded)
    return line_error{code, "An operator discarded it.", ""};
  return std::nullopt;
}

std::string error_line(std::uint64_t line, const line_error& why, const receipt* kept) {
  nlohmann::json error{{"code", why.code}, {"message", why.message}, {"line", line}};
  if (!why.field.empty())
    error["field"] = why.field;
  if (!why.id.empty())
    error["id"] = why.id;
  if (kept != nullptr)
    error["receipt"] = *kept;
  return dump({{"error", std::move(error)}}) + '\n';
}

std::string for_people(std::chrono::microseconds duration) {
  using namespace std::chrono;
  const auto seconds = std::max<std::int64_t>(0, duration_cast<std::chrono::seconds>(duration).count());
  const auto two = [](std::int64_t big, const char* big_unit, std::int64_t small, const char* small_unit) {
    return std::to_string(big) + ' ' + big_unit + ' ' + std::to_string(small) + ' ' + small_unit;
  };
  constexpr std::int64_t minute = 60;
  constexpr std::int64_t hour = 60 * minute;
  constexpr std::int64_t day = 24 * hour;
  if (seconds >= day)
    return two(seconds / day, "d", seconds % day / hour, "h");
  if (seconds >= hour)
    return two(seconds / hour, "h", seconds % hour / minute, "min");
  if (seconds >= minute)
    return two(seconds / minute, "min", seconds % minute, "s");
  const auto tenths = std::max<std::int64_t>(0, duration_cast<milliseconds>(duration).count() / 100);
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " s";
}

} // namespace chasqui
