#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chasqui {

// What PostgreSQL's input functions make of a text, as far as every version since 15 agrees about it.

/// A decimal number, exactly: `digits` × 10^-`scale`, without leading zeros; no digits are zero.
struct decimal {
  bool is_negative = false;
  std::string digits;
  std::int64_t scale = 0;

  /// How many digits stand before the point: 3 for 123.4, -1 for 0.0123.
  [[nodiscard]] std::int64_t whole_digits() const { return static_cast<std::int64_t>(digits.size()) - scale; }
};

/// Reads `-12.5e3`; nothing for another text.
std::optional<decimal> parse_decimal(std::string_view text);

/// -1, 0 or 1; the numbers must be of a moderate size.
int compare(const decimal& a, const decimal& b);

/// How PostgreSQL writes the number of a JSON text; nothing for one of more than some hundred digits.
std::optional<std::string> plain_number(std::string_view json);

/// Whether a text is one of the kind; `unsure` where versions differ or the rules are long.
enum class takes : std::uint8_t { yes, no, unsure };

takes is_integer(std::string_view text);
takes is_number(std::string_view text);
bool is_boolean(std::string_view text);
bool is_uuid(std::string_view text);
bool is_bytea(std::string_view text);
takes is_time(std::string_view text); ///< Or a date.

/// Whether the integer of a text that is one is within `max` and -`max` - 1.
bool is_within(std::string_view integer, std::uint64_t max);

/// Without white space at either end.
std::string_view trimmed_text(std::string_view text);

/// Characters of a UTF-8 text.
std::size_t character_count(std::string_view text);

} // namespace chasqui
