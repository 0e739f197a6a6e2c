#pragma once

#include "messages/identity.hpp"
#include "messages/index_terms.hpp"
#include "messages/log.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

/// One column to sort by.
struct order_column {
  std::string column;
  bool descending = false;
};

/// Asks for rows of a table as they will be once everything that is buffered has arrived.
struct read_rows {
  std::string table;
  std::string where = "{}"; ///< JSON object: equality on these columns; null means IS NULL.
  std::vector<order_column> order;
  std::uint64_t limit = 100;
  std::chrono::milliseconds timeout{2000};
};

/// Where a row comes from.
enum class row_origin : std::uint8_t {
  replica, ///< It is on the replica, and nothing is pending for it.
  pending, ///< It is in the log alone.
  merged   ///< It is on the replica, and pending transactions change it.
};

std::string_view to_string(row_origin value);
std::optional<row_origin> parse_row_origin(std::string_view name);

/// One row.
struct found_row {
  std::string json; ///< One JSON object with the table's columns.
  row_origin origin = row_origin::replica;
  std::vector<uuid> transactions;   ///< Those pending that made it what it is, oldest first.
  std::vector<std::string> unknown; ///< Columns that get their value on the primary; null until then.
};

/// How far a lane had come in what was read.
struct read_position {
  std::string lane;
  seqno cursor = 0; ///< The replica's.
  seqno head = 0;   ///< Everything up to here is in the answer.
};

/// The rows, in the order asked for.
struct found_rows {
  std::vector<found_row> found;
  bool more = false;   ///< There are others beyond the limit.
  std::string replica; ///< "" if it took part; else why not: then there are only pending rows.
  std::vector<read_position> positions;
  std::vector<std::string> notes; ///< What the answer cannot know, a sentence each.
};

/// Rows that are expected alike: to be there, or not to be.
struct probe_kind {
  std::string lane; ///< Whose pending entries count.
  std::string table;
  std::vector<std::string> columns; ///< They are looked for by these; at least one is indexed.
  bool is_there = false;            ///< What is expected.
};

/// One such row.
struct row_probe {
  std::uint64_t kind = 0; ///< Its place among the kinds.
  std::string where;      ///< JSON object: equality on the kind's columns, in their order, none of them null.
};

/// Asks of many rows at once whether all is as expected, for certain; whoever needs to know more reads.
struct glance {
  std::vector<probe_kind> kinds;
  std::vector<row_probe> probes;
  std::chrono::milliseconds timeout{2000};
};

/// Those of which that cannot be said.
struct glanced {
  std::vector<std::uint64_t> doubtful; ///< Places among the probes, in order.
  std::string replica;                 ///< "" if it took part; else why not: then all are.
};

/// Asks a log for the entries that any of `terms` finds, from `from_seq` to `to_seq`.
struct look_up {
  std::string lane;
  seqno from_seq = 1; ///< 0: the first that is not released.
  seqno to_seq = ~seqno{0};
  std::vector<index_term> terms;
  std::uint64_t entries_max = 1000;
  std::uint64_t bytes_max = 1U << 20U;
  /// What the store remembers not to find it need not look for. If that is everything, `first` and
  /// `indexed_from` in the answer are `from_seq`.
  bool by_memory = false;
};

/// The entries, in order.
struct looked_up {
  std::string lane;
  seqno from_seq = 1;     ///< As asked.
  seqno first = 1;        ///< Oldest entry still in the log.
  seqno head = 0;         ///< Last one, when it was looked up.
  seqno indexed_from = 1; ///< Entries before this one are not in the index.
  bool more = false;      ///< There are more than the limits allow: these are not all.
  std::vector<entry> entries;
};

template <class I> auto inspect(I& f, order_column& x) { return f(x.column, x.descending); }
template <class I> auto inspect(I& f, read_rows& x) {
  return f(x.table, x.where, x.order, x.limit, x.timeout);
}
template <class I> auto inspect(I& f, found_row& x) { return f(x.json, x.origin, x.transactions, x.unknown); }
template <class I> auto inspect(I& f, read_position& x) { return f(x.lane, x.cursor, x.head); }
template <class I> auto inspect(I& f, found_rows& x) {
  return f(x.found, x.more, x.replica, x.positions, x.notes);
}
template <class I> auto inspect(I& f, probe_kind& x) { return f(x.lane, x.table, x.columns, x.is_there); }
template <class I> auto inspect(I& f, row_probe& x) { return f(x.kind, x.where); }
template <class I> auto inspect(I& f, glance& x) { return f(x.kinds, x.probes, x.timeout); }
template <class I> auto inspect(I& f, glanced& x) { return f(x.doubtful, x.replica); }
template <class I> auto inspect(I& f, look_up& x) {
  return f(x.lane, x.from_seq, x.to_seq, x.terms, x.entries_max, x.bytes_max, x.by_memory);
}
template <class I> auto inspect(I& f, looked_up& x) {
  return f(x.lane, x.from_seq, x.first, x.head, x.indexed_from, x.more, x.entries);
}

} // namespace chasqui
