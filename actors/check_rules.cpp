#include "actors/check_rules.hpp"

#include "actors/value_texts.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace chasqui {

namespace {

using relation = comparison::relation;

/// Reads the text of a rule from left to right; what does not fit leaves it where it was.
class rule_reader {
public:
  explicit rule_reader(std::string_view text) : rest_{text} {}

  std::optional<std::vector<comparison>> read() {
    std::vector<comparison> out;
    if (!conjunction(out) || !rest_.empty())
      return std::nullopt;
    return out;
  }

private:
  /// Takes a piece of text and the blanks behind it.
  bool take(std::string_view what) {
    if (!rest_.starts_with(what))
      return false;
    rest_.remove_prefix(what.size());
    while (rest_.starts_with(' '))
      rest_.remove_prefix(1);
    return true;
  }

  template <class Read> bool attempt(Read read) {
    const auto before = rest_;
    if (read())
      return true;
    rest_ = before;
    return false;
  }

  bool conjunction(std::vector<comparison>& out) {
    do {
      if (!term(out))
        return false;
    } while (take("AND "));
    return true;
  }

  bool term(std::vector<comparison>& out) {
    comparison c;
    const auto size = out.size();
    if (attempt([&] { return compares(c); })) {
      out.push_back(std::move(c));
      return true;
    }
    return attempt([&] {
      out.resize(size);
      return take("(") && conjunction(out) && take(")");
    });
  }

  bool compares(comparison& c) {
    if (!column(c.column) || !operation(c.is))
      return false;
    if (c.is == relation::equal && take("ANY (")) // A list.
      return list(c) && take(")");
    return constant(c);
  }

  /// A column, perhaps in brackets, perhaps seen as text, which changes nothing.
  bool column(std::string& name) {
    return attempt([&] { return take("(") && column(name) && take(")"); }) ? (take("::text"), true)
                                                                           : identifier(name);
  }

  bool identifier(std::string& name) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyz0123456789_";
    if (rest_.starts_with('"'))
      return quoted('"', name);
    const auto end = std::min(rest_.find_first_not_of(plain), rest_.size());
    name = rest_.substr(0, end);
    // `true`, `null` and functions are no columns.
    return end > 0 && !(rest_[0] >= '0' && rest_[0] <= '9') && name != "true" && name != "false" &&
           name != "null" && take(name) && !rest_.starts_with('(');
  }

  bool operation(relation& is) {
    constexpr std::array<std::pair<std::string_view, relation>, 6> all{{{"<> ", relation::different},
                                                                        {"<= ", relation::at_most},
                                                                        {">= ", relation::at_least},
                                                                        {"= ", relation::equal},
                                                                        {"< ", relation::less},
                                                                        {"> ", relation::greater}}};
    return std::any_of(all.begin(), all.end(), [&](const auto& one) {
      is = one.second;
      return take(one.first);
    });
  }

  bool list(comparison& c) {
    if (attempt([&] { return take("(") && list(c) && take(")"); }))
      return take("::text[]");
    if (!take("ARRAY["))
      return false;
    do {
      if (!constant(c))
        return false;
    } while (take(", "));
    return take("]");
  }

  bool constant(comparison& c) {
    if (attempt([&] { return take("(") && constant(c) && take(")"); }))
      return casts(c);
    std::string text;
    bool is_text = rest_.starts_with('\'');
    if (is_text ? !quoted('\'', text) : !number(text))
      return false;
    if (is_text && rest_.starts_with("::integer")) // '-90'::integer
      is_text = !parse_decimal(text);
    if (!c.constants.empty() && c.is_text != is_text)
      return false;
    c.is_text = is_text;
    c.constants.push_back(std::move(text));
    return casts(c);
  }

  /// Casts of a constant that do not change it.
  bool casts(const comparison& c) {
    constexpr std::array<std::string_view, 5> of_numbers{"::integer", "::bigint", "::smallint", "::numeric",
                                                         "::double precision"};
    constexpr std::array<std::string_view, 2> of_texts{"::text", "::character varying"};
    const auto any = [&](const auto& types) {
      return std::any_of(types.begin(), types.end(), [&](auto type) { return take(type); });
    };
    while (c.is_text ? any(of_texts) : any(of_numbers))
      continue;
    return !rest_.starts_with("::") && !rest_.starts_with('(');
  }

  bool number(std::string& text) {
    const auto end = std::min(rest_.find_first_not_of("0123456789.-"), rest_.size());
    text = rest_.substr(0, end);
    return parse_decimal(text).has_value() && take(text);
  }

  bool quoted(char quote, std::string& text) {
    text.clear();
    for (std::size_t at = 1; at < rest_.size(); ++at) {
      if (rest_[at] == quote && (at + 1 == rest_.size() || rest_[at + 1] != quote))
        return take(rest_.substr(0, at + 1));
      at += rest_[at] == quote ? 1 : 0;
      text += rest_[at];
    }
    return false;
  }

  std::string_view rest_;
};

bool holds(relation is, int order) {
  switch (is) {
  case relation::equal:
    return order == 0;
  case relation::different:
    return order != 0;
  case relation::less:
    return order < 0;
  case relation::at_most:
    return order <= 0;
  case relation::greater:
    return order > 0;
  default:
    return order >= 0;
  }
}

bool is_exact(const catalogue_column& c) {
  return c.kind == value_kind::int2 || c.kind == value_kind::int4 || c.kind == value_kind::int8 ||
         (c.kind == value_kind::numeric && c.typmod == -1); // Nothing is rounded when it is stored.
}

std::optional<double> as_double(std::string_view text) {
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  return end.ec == std::errc{} && end.ptr == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

bool fails_as_number(const comparison& what, const catalogue_column& column, const scanned_value& value) {
  constexpr std::size_t digits_max = 300;
  if (column.kind == value_kind::float8) {
    const auto stored = as_double(value.json);
    return stored && std::none_of(what.constants.begin(), what.constants.end(), [&](const auto& constant) {
             const auto limit = as_double(constant);
             return !limit || holds(what.is, *stored < *limit ? -1 : *stored > *limit ? 1 : 0);
           });
  }
  if (!is_exact(column))
    return false;
  const auto number = parse_decimal(value.json);
  if (!number || number->digits.size() > digits_max)
    return false;
  return std::none_of(what.constants.begin(), what.constants.end(), [&](const auto& constant) {
    return holds(what.is, compare(*number, *parse_decimal(constant)));
  });
}

bool fails_as_text(const comparison& what, const catalogue_column& column, const scanned_value& value) {
  const bool is_order = what.is != relation::equal && what.is != relation::different;
  if (is_order || column.kind != value_kind::text || column.folds)
    return false; // The order of texts is a matter of the collation.
  std::string room;
  const auto text = text_of(value, room);
  if (column.typmod != -1 && text.ends_with(' '))
    return false; // They may be cut off.
  return std::none_of(what.constants.begin(), what.constants.end(),
                      [&](const std::string& constant) { return holds(what.is, text == constant ? 0 : 1); });
}

} // namespace

std::optional<std::vector<comparison>> read_check(std::string_view rule) { return rule_reader{rule}.read(); }

bool fails(const comparison& what, const catalogue_column& column, const scanned_value& value) {
  if (column.is_array)
    return false;
  if (!what.is_text)
    return value.kind == json_kind::real && fails_as_number(what, column, value);
  return value.kind == json_kind::string && fails_as_text(what, column, value);
}

} // namespace chasqui
