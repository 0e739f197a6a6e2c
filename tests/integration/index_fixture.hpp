#pragma once

// A log in Redis whose index lies in many small pieces.

#include "tests/support/indexed_rows.hpp"
#include "tests/support/log_stores.hpp"
#include "tests/support/wait_until.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace chasqui::test {

using namespace std::chrono_literals;

inline redis_settings with_tails_of(std::size_t bytes) {
  redis_settings settings;
  settings.socket = fresh_redis::server().socket();
  settings.timeout = long_enough;
  settings.index_tail_max = bytes;
  return settings;
}

/// Makes a segment of ten postings, and one of the small ones once they have two hundred.
inline redis_settings in_pieces() {
  auto settings = with_tails_of(100);
  settings.index_segment_max = 6100;
  return settings;
}

/// A log in a Redis that holds nothing else.
struct log_in_pieces {
  fresh_redis store; // Emptied first.
  io_thread io;
  redis_settings settings = in_pieces();
  log_client log{make_redis_log(io, "atacama", settings)};

  log_in_pieces() { reopen(); }
  void reopen() { BOOST_REQUIRE(log.open({"main"}).problem.message == ""); }
};

inline index_term by(const std::string& column, std::uint64_t value) {
  return row_term(column, std::to_string(value));
}

inline std::string key(const std::string& name) { return "chasqui:{atacama}:" + name; }

inline std::string redis(const std::vector<std::string>& words) {
  return fresh_redis::server().command(words);
}

inline int segments() { return std::stoi(redis({"ZCARD", key("segments:main")})); }
inline int tail_bytes() { return std::stoi(redis({"STRLEN", key("tail:main")})); }

/// What has come since a tail was looked at last may be as much again.
inline bool comes_to_rest() {
  return wait_until([] { return tail_bytes() < 200; });
}

/// What the log has, and what its index has to find.
class model {
public:
  explicit model(log_client& log) : log_{&log} {}
  void go_on_with(log_client& log) { log_ = &log; }

  void append(std::uint64_t count, std::mt19937& random) {
    std::vector<append_item> items;
    for (std::uint64_t i = 0; i < count; ++i) {
      const indexed_row row{random() % 40, random() % 3 == 0};
      rows_[++head_] = row;
      items.push_back(item_of(++number_, row));
    }
    BOOST_REQUIRE(log_->append(items).slots.back().seq == head_);
  }
  void import(std::mt19937& random) {
    const indexed_row row{random() % 40, random() % 3 == 0};
    const auto item = item_of(++number_, row);
    rows_[++head_] = row;
    BOOST_REQUIRE(log_->import({{head_, item.id, item.at, item.payload}}).message == "");
  }
  void trim(seqno through) {
    BOOST_REQUIRE(log_->mark(marks_up_to(through, head_), through).message == "");
    rows_.erase(rows_.begin(), rows_.upper_bound(through));
  }
  void cut(seqno head) {
    BOOST_REQUIRE(log_->adopt(marks_up_to(0, head)).message == "");
    rows_.erase(rows_.upper_bound(head), rows_.end());
    head_ = head;
  }
  void renumber(seqno by) {
    BOOST_REQUIRE(log_->renumber(first() + by).message == "");
    std::map<seqno, indexed_row> moved;
    for (const auto& [seq, row] : rows_)
      moved[seq + by] = row;
    rows_ = std::move(moved);
    head_ = rows_.empty() ? head_ + by : rows_.rbegin()->first;
  }

  void check(seqno from) const {
    const auto all = log_->look_up({by("id", 3), by("parent_id", 7)}, from);
    BOOST_TEST(all.problem.message == "");
    BOOST_TEST(all.found.head == head_);
    BOOST_TEST(all.found.indexed_from <= first());
    std::vector<seqno> expected;
    for (const auto& [seq, row] : rows_)
      if (seq >= from && (row.id == 3 || row.has_parent))
        expected.push_back(seq);
    std::vector<seqno> found;
    for (const auto& e : all.found.entries)
      if (const auto row = rows_.find(e.seq);
          row == rows_.end() || row->second.id == 3 || row->second.has_parent)
        found.push_back(e.seq);
    BOOST_REQUIRE(found == expected);
    BOOST_TEST(all.found.entries.size() <= expected.size() + 5); // It does not just find everything.
    BOOST_REQUIRE(log_->look_up({by("id", 99)}, from).found.entries.empty());
  }
  void start_behind(seqno head) { head_ = head; }
  [[nodiscard]] seqno first() const { return rows_.empty() ? head_ + 1 : rows_.begin()->first; }
  [[nodiscard]] seqno head() const { return head_; }

private:
  log_client* log_;
  std::map<seqno, indexed_row> rows_;
  seqno head_ = 0;
  std::uint64_t number_ = 0;
};

/// Nothing is left of the index once its entries are gone.
inline bool nothing_is_left() {
  return wait_until([] {
    return redis({"KEYS", key("seg*")}).empty() && redis({"KEYS", key("tail*")}).empty();
  });
}

/// Appends one entry a row, all at once.
inline void append_all(log_client& log, const std::vector<indexed_row>& rows, std::uint64_t first_number) {
  std::vector<append_item> items;
  for (const auto& row : rows)
    items.push_back(item_of(first_number++, row));
  BOOST_REQUIRE(log.append(items).problem.message == "");
}

inline std::vector<seqno> found_by(log_client& log, std::uint64_t id, seqno from = 1) {
  const auto page = log.look_up({by("id", id)}, from, 10'000);
  BOOST_TEST(page.problem.message == "");
  BOOST_TEST(!page.found.more);
  std::vector<seqno> out;
  for (const auto& e : page.found.entries)
    if (e.payload.find(R"("id":)" + std::to_string(id) + "}") != std::string::npos)
      out.push_back(e.seq);
  return out;
}

} // namespace chasqui::test
