#include "messages/index_terms.hpp"

#include "messages/json_tape.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace chasqui {

namespace {

constexpr std::size_t uuid_digits = 32;
constexpr int exponent_digits_max = 6; ///< PostgreSQL has no number with a longer one.

// FNV-1a, 64 bits (Fowler, Noll, Vo): short texts, and nobody to defend against.
class hasher {
public:
  hasher& add(std::string_view text) {
    for (const unsigned char c : text)
      mix(c);
    mix(0);
    return *this;
  }
  hasher& add(term_kind kind) {
    mix(static_cast<unsigned char>(kind));
    return *this;
  }
  [[nodiscard]] index_term value() const { return value_; }

private:
  void mix(unsigned char byte) { value_ = (value_ ^ byte) * 0x100000001B3ULL; }
  index_term value_ = 0xCBF29CE484222325ULL;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string plain(std::string_view text) {
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back()))
    text.remove_suffix(1);
  std::string out{text};
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// The digits of a UUID however it is set, "" for anything else.
std::string digits_of_uuid(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (is_hex(c))
      digits += c;
    else if (c != '-' && c != '{' && c != '}')
      return "";
  }
  return digits.size() == uuid_digits ? digits : "";
}

/// A decimal number as sign, digits without zeros at either end, and exponent.
std::optional<std::string> decimal(std::string_view text) {
  std::string sign;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    sign = text.front() == '-' ? "-" : "";
    text.remove_prefix(1);
  }
  std::string digits;
  long exponent = 0;
  bool fraction = false;
  std::size_t at = 0;
  for (; at < text.size() && (is_digit(text[at]) || (text[at] == '.' && !fraction)); ++at) {
    if (text[at] == '.') {
      fraction = true;
      continue;
    }
    digits += text[at];
    exponent -= fraction ? 1 : 0;
  }
  if (digits.empty())
    return std::nullopt;
  if (at < text.size()) {
    auto rest = text.substr(at);
    if (rest.front() != 'e' || rest.size() > 2 + exponent_digits_max)
      return std::nullopt;
    rest.remove_prefix(rest.size() > 1 && rest[1] == '+' ? 2 : 1);
    long power = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), power);
    if (rest.empty() || error != std::errc{} || end != rest.data() + rest.size())
      return std::nullopt;
    exponent += power;
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  while (!digits.empty() && digits.back() == '0') {
    digits.pop_back();
    ++exponent;
  }
  if (digits.empty())
    return "0";
  return sign + digits + 'e' + std::to_string(exponent);
}

/// Gathers the terms of one payload.
class gatherer {
public:
  explicit gatherer(std::string_view lane) : lane_{lane} {}

  void add_step(json_value step) {
    json_value table;
    json_value key;
    json_value rows;
    json_value where;
    json_value set;
    json_value other;
    for (const auto field : step) {
      const auto name = field.key();
      (name == "table"   ? table
       : name == "key"   ? key
       : name == "rows"  ? rows
       : name == "where" ? where
       : name == "set"   ? set
                         : other) = field;
    }
    if (!table)
      return;
    table_ = bare_table(table.text());
    tables_.insert(table_);
    if (rows)
      for (const auto row : rows) {
        add_row(row);
        if (key)
          add_key(row, key);
      }
    if (where)
      add_where(where);
    if (where && set && set.kind() == json_kind::object)
      add_row(set);
  }

  std::vector<index_term> take() {
    std::vector<index_term> terms;
    if (values_.size() > index_values_max) {
      values_.clear();
      wide_ = tables_;
    }
    for (const auto table : tables_)
      terms.push_back(term_of(lane_, term_kind::table, table));
    for (const auto table : wide_)
      terms.push_back(term_of(lane_, term_kind::wide, table));
    terms.insert(terms.end(), values_.begin(), values_.end());
    return terms;
  }

private:
  static bool is_scalar(json_value value) {
    return value.kind() != json_kind::array && value.kind() != json_kind::object;
  }

  void add(term_kind kind, json_value value) {
    if (values_.size() <= index_values_max)
      values_.insert(term_of(lane_, kind, table_, value.key(), index_value(value.text())));
  }

  void add_row(json_value row) {
    for (const auto value : row) {
      if (!is_indexed_column(value.key()) || value.kind() == json_kind::null)
        continue;
      if (is_scalar(value))
        add(term_kind::row, value);
      else
        wide_.insert(table_);
    }
  }

  /// One value is enough to find it by, and that of `id` says the most.
  void add_first(json_value best) {
    if (best)
      add(term_kind::where, best);
    else
      wide_.insert(table_);
  }

  static void prefer(json_value& best, json_value value) {
    if (is_indexed_column(value.key()) && value.kind() != json_kind::null && is_scalar(value) &&
        (!best || value.key() == "id"))
      best = value;
  }

  void add_where(json_value where) {
    json_value best;
    for (const auto value : where)
      prefer(best, value);
    add_first(best);
  }

  void add_key(json_value row, json_value key) {
    json_value best;
    for (const auto column : key)
      for (const auto value : row)
        if (value.key() == column.text())
          prefer(best, value);
    add_first(best);
  }

  std::string_view lane_;
  std::string_view table_;
  std::set<std::string_view> tables_;
  std::set<std::string_view> wide_;
  std::set<index_term> values_;
};

} // namespace

bool is_indexed_column(std::string_view column) { return column == "id" || column.ends_with("_id"); }

std::string index_value(std::string_view text) {
  auto value = plain(text);
  if (auto digits = digits_of_uuid(value); !digits.empty())
    value = std::move(digits);
  if (auto number = decimal(value))
    return "#" + *number;
  return value;
}

std::string_view bare_table(std::string_view table) {
  const auto dot = table.rfind('.');
  return dot == std::string_view::npos ? table : table.substr(dot + 1);
}

index_term term_of(std::string_view lane, term_kind kind, std::string_view table) {
  return hasher{}.add(kind).add(lane).add(table).value();
}

index_term term_of(std::string_view lane, term_kind kind, std::string_view table, std::string_view column,
                   std::string_view value) {
  return hasher{}.add(kind).add(lane).add(table).add(column).add(value).value();
}

std::vector<index_term> index_terms(std::string_view lane, std::string_view payload) {
  auto outcome = json_tape::read(payload);
  const auto* tape = std::get_if<json_tape>(&outcome);
  if (tape == nullptr || tape->root().kind() != json_kind::object)
    return {};
  gatherer all{lane};
  for (const auto field : tape->root())
    if (field.key() == "steps" && field.kind() == json_kind::array)
      for (const auto step : field)
        if (step.kind() == json_kind::object)
          all.add_step(step);
  return all.take();
}

std::string to_bytes(const std::vector<index_term>& terms) {
  constexpr int bits = 64;
  constexpr int byte = 8;
  std::string bytes;
  for (const auto term : terms)
    for (int shift = bits - byte; shift >= 0; shift -= byte)
      bytes += static_cast<char>(term >> static_cast<unsigned>(shift) & 0xFFU);
  return bytes;
}

} // namespace chasqui
