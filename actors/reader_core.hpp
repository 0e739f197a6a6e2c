#pragma once

#include "actors/reader_search.hpp"
#include "adapters/ports/row_source.hpp"
#include "messages/reading.hpp"
#include "messages/transaction.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace chasqui {

/// Bounds on one read.
struct reader_limits {
  std::uint64_t rows_max = 10'000;      ///< Of the replica, and in an answer.
  std::uint64_t entries_max = 10'000;   ///< Pending entries that concern it.
  std::uint64_t bytes_max = 16U << 20U; ///< Of their payload.
  std::uint64_t terms_max = 20'000;     ///< That are looked up in the index.
  std::uint32_t rounds_max = 16;  ///< Of looking up and fetching: then every entry of the table is read.
  std::uint32_t attempts_max = 8; ///< With a snapshot each.
};

// What a reading wants next.
struct open_order {
  std::string table;
  rows_wanted first;
};
struct look_order {
  std::vector<look_up> each; ///< One a lane.
};
struct fetch_order {
  std::vector<rows_wanted> wanted;
};
struct rank_order {
  std::vector<std::string> records;
  std::vector<std::size_t> columns;
};
using reading_step = std::variant<open_order, look_order, fetch_order, rank_order, found_rows, fault>;

class reader_overlay;

/// One read, step by step.
///
/// The snapshot of the replica comes first, then the index: an entry is in the snapshot, or it has a number
/// above the snapshot's cursor and is in the log. What lies beyond the head that the first look found does
/// not count.
class reading {
public:
  reading(read_rows what, std::vector<std::string> lanes, reader_limits limits);
  reading(const reading&) = delete;
  reading& operator=(const reading&) = delete;
  ~reading();

  reading_step start();
  reading_step on_opened(snapshot_opened opened);
  reading_step on_found(const std::vector<looked_up>& found);
  reading_step on_fetched(base_page page);
  reading_step on_ranked(const ranking& answer);

private:
  [[nodiscard]] fault check();
  [[nodiscard]] fault check_columns() const;
  reading_step open();
  reading_step try_again(const fault& why);
  reading_step without_replica(const std::string& why);
  reading_step begin_search(std::vector<base_row> found);
  reading_step go_on();
  reading_step look(const std::vector<search_term>& terms);
  [[nodiscard]] fault check_lane(const looked_up& lane) const;
  void add_base(std::vector<base_row> found);
  reading_step lay();
  reading_step finish();
  reading_step answer_replica_alone();
  [[nodiscard]] found_rows answer_with(std::vector<found_row> found, bool more) const;
  [[nodiscard]] bool is_plain() const;

  read_rows what_;
  std::vector<std::string> lanes_;
  reader_limits limits_;
  record where_;
  std::optional<column_value> pivot_;
  bool whole_table_ = false;
  std::uint64_t first_max_ = 0; ///< Rows that are asked for first.
  std::uint32_t attempts_ = 0;

  // Of one attempt.
  table_shape table_;
  std::map<std::string, seqno> cursors_;
  std::string away_; ///< Why the replica is.
  std::optional<entry_search> search_;
  std::map<std::string, seqno> heads_;
  std::vector<base_row> base_;
  std::set<std::string> places_;
  std::size_t first_rows_ = 0;
  std::uint32_t rounds_ = 0;
  std::unique_ptr<reader_overlay> overlay_;
};

} // namespace chasqui
