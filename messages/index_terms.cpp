#include "messages/index_terms.hpp"

#include "messages/record_scan.hpp"

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
    for (const char c : text)
      mix(static_cast<unsigned char>(c));
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

template <class Each> void for_each(std::string_view values, Each each) {
  scan_values(values, [&](const scanned_value& value) {
    each(value);
    return true;
  });
}

/// Gathers the terms of one payload.
class gatherer {
public:
  explicit gatherer(std::string_view lane) : lane_{lane} {}

  void add_step(std::string_view step) {
    scanned_value table;
    scanned_value key;
    scanned_value rows;
    scanned_value where;
    scanned_value set;
    for_each(step, [&](const scanned_value& field) {
      if (field.key == "table")
        table = field;
      else if (field.key == "key")
        key = field;
      else if (field.key == "rows")
        rows = field;
      else if (field.key == "where")
        where = field;
      else if (field.key == "set")
        set = field;
    });
    if (table.kind != json_kind::string)
      return;
    table_ = bare_table(text_of(table, room_));
    tables_.insert(table_);
    for_each(rows.json, [&](const scanned_value& row) {
      add_row(row.json);
      if (!key.json.empty())
        add_key(row.json, key.json);
    });
    if (where.json.empty())
      return;
    add_where(where.json);
    add_row(set.json);
  }

  std::vector<index_term> take() {
    std::vector<index_term> terms;
    if (values_.size() > index_values_max) {
      values_.clear();
      wide_ = tables_;
    }
    for (const auto& table : tables_)
      terms.push_back(term_of(lane_, term_kind::table, table));
    for (const auto& table : wide_)
      terms.push_back(term_of(lane_, term_kind::wide, table));
    terms.insert(terms.end(), values_.begin(), values_.end());
    return terms;
  }

private:
  static bool is_scalar(const scanned_value& value) {
    return value.kind != json_kind::array && value.kind != json_kind::object;
  }
  static bool is_findable(const scanned_value& value) {
    return is_indexed_column(value.key) && value.kind != json_kind::null;
  }

  void add(term_kind kind, const scanned_value& value) {
    if (values_.size() <= index_values_max)
      values_.insert(
          term_of(lane_, kind, table_, name_of(value, other_room_), index_value(text_of(value, room_))));
  }

  void add_row(std::string_view row) {
    for_each(row, [&](const scanned_value& value) {
      if (!is_findable(value))
        return;
      if (is_scalar(value))
        add(term_kind::row, value);
      else
        wide_.insert(table_);
    });
  }

  /// One value is enough to find it by, and that of `id` says the most.
  void add_first(const scanned_value& best) {
    if (!best.json.empty())
      add(term_kind::where, best);
    else
      wide_.insert(table_);
  }

  static void prefer(scanned_value& best, const scanned_value& value) {
    if (is_findable(value) && is_scalar(value) && (best.json.empty() || value.key == "id"))
      best = value;
  }

  void add_where(std::string_view where) {
    scanned_value best;
    for_each(where, [&](const scanned_value& value) { prefer(best, value); });
    add_first(best);
  }

  void add_key(std::string_view row, std::string_view key) {
    scanned_value best;
    for_each(key, [&](const scanned_value& column) {
      for_each(row, [&](const scanned_value& value) {
        if (name_of(value, other_room_) == text_of(column, room_))
          prefer(best, value);
      });
    });
    add_first(best);
  }

  std::string_view lane_;
  std::string table_;
  std::string room_; ///< For what has to be unescaped, as the other one.
  std::string other_room_;
  std::set<std::string> tables_;
  std::set<std::string> wide_;
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
  gatherer all{lane};
  if (payload.starts_with('{'))
    for_each(payload, [&](const scanned_value& field) {
      if (field.key == "steps" && field.kind == json_kind::array)
        for_each(field.json, [&](const scanned_value& step) {
          if (step.kind == json_kind::object)
            all.add_step(step.json);
        });
    });
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
