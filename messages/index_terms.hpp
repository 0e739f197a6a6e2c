#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

/// What an entry of the log is found by: a hash of a lane, a table and, mostly, a column and its value. Two
/// that fall together cost a reader an entry that is none of its concern, and nothing else.
using index_term = std::uint64_t;

enum class term_kind : char {
  table = 't', ///< Every entry that touches the table.
  wide = 'a',  ///< Those whose steps cannot be found by a value: a reader of the table looks at them all.
  row = 'r',   ///< A row, or what an update sets, has this value.
  where = 'w'  ///< An update, delete or upsert picks its rows by this value.
};

/// An entry with more values than so many stands under its tables alone.
constexpr std::size_t index_values_max = 64;

/// Entries are found by the values of these columns: `id`, and names that end in `_id`.
bool is_indexed_column(std::string_view column);

/// One form for every way to write a value of a number, a UUID or a text: what PostgreSQL holds for equal has
/// the same one (the reverse is not so).
std::string index_value(std::string_view text);

/// The name of a table without its schema: how it was called does not matter to the index.
std::string_view bare_table(std::string_view table);

/// A term without a value: `table` or `wide`.
index_term term_of(std::string_view lane, term_kind kind, std::string_view table);

/// A term of a value, in the form of `index_value`.
index_term term_of(std::string_view lane, term_kind kind, std::string_view table, std::string_view column,
                   std::string_view value);

/// What an entry with this payload is found by; nothing for a decision.
std::vector<index_term> index_terms(std::string_view lane, std::string_view payload);

/// Terms as stores keep them: eight bytes each, big-endian.
std::string to_bytes(const std::vector<index_term>& terms);

} // namespace chasqui
