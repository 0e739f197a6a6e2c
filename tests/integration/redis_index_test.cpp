#include <boost/test/unit_test.hpp>

#include "tests/support/log_stores.hpp"
#include "tests/support/wait_until.hpp"

#include <map>
#include <optional>
#include <random>

// The index of a log in Redis: a tail and segments. What it finds whatever keeps it is in log_test.cpp.

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

/// Makes a segment of ten postings, and one of the small ones once they have two hundred.
redis_settings in_pieces() {
  redis_settings settings;
  settings.socket = fresh_redis::server().socket();
  settings.index_tail_max = 100;
  settings.index_segment_max = 6100;
  return settings;
}

redis_settings with_tails_of(std::size_t bytes) {
  redis_settings settings;
  settings.socket = fresh_redis::server().socket();
  settings.index_tail_max = bytes;
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

struct one_row {
  std::uint64_t id = 0;
  bool has_parent = false;
};

append_item item_of(std::uint64_t number, const one_row& row) {
  auto item = test_item(number);
  item.payload = R"({"id":"x","lane":"main","steps":[{"op":"insert","table":"t","rows":[{"id":)" +
                 std::to_string(row.id) + (row.has_parent ? R"(,"parent_id":7)" : "") + "}]}]}";
  return item;
}

index_term by(const std::string& column, std::uint64_t value) {
  return term_of("main", term_kind::row, "t", column, index_value(std::to_string(value)));
}

std::string redis(std::vector<std::string> words, const std::string& key = "") {
  if (!key.empty())
    words.push_back("chasqui:{atacama}:" + key);
  return fresh_redis::server().command(words);
}

int segments() { return std::stoi(redis({"ZCARD"}, "segments:main")); }
int tail_bytes() { return std::stoi(redis({"STRLEN"}, "tail:main")); }

/// What has come since a tail was looked at last may be as much again.
bool comes_to_rest() {
  return wait_until([] { return tail_bytes() < 200; }, std::chrono::steady_clock::now() + 10s);
}

/// What the log has, and what its index has to find.
class model {
public:
  explicit model(log_client& log) : log_{&log} {}
  void go_on_with(log_client& log) { log_ = &log; }

  void append(std::uint64_t count, std::mt19937& random) {
    std::vector<append_item> items;
    for (std::uint64_t i = 0; i < count; ++i) {
      const one_row row{random() % 40, random() % 3 == 0};
      rows_[++head_] = row;
      items.push_back(item_of(++number_, row));
    }
    BOOST_REQUIRE(log_->append(items).slots.back().seq == head_);
  }
  void import(std::mt19937& random) {
    const one_row row{random() % 40, random() % 3 == 0};
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
    std::map<seqno, one_row> moved;
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
  std::map<seqno, one_row> rows_;
  seqno head_ = 0;
  std::uint64_t number_ = 0;
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_tail_becomes_a_segment_and_small_segments_become_one, log_in_pieces) {
  std::mt19937 random{4711};
  model has{log};
  for (int i = 0; i < 3; ++i) {
    has.append(8, random);
    BOOST_TEST(comes_to_rest());
  }
  const auto small = segments();
  BOOST_TEST(small > 0);
  for (int i = 0; i < 40; ++i) {
    has.append(8, random);
    BOOST_TEST(comes_to_rest());
    has.check(1);
  }
  BOOST_TEST(wait_until([] { return segments() < 20; }, std::chrono::steady_clock::now() + 10s));
  has.check(1);
  has.check(150);
}

BOOST_FIXTURE_TEST_CASE(a_segment_goes_with_the_last_entry_that_it_finds, log_in_pieces) {
  std::mt19937 random{4712};
  model has{log};
  for (int i = 0; i < 20; ++i)
    has.append(10, random);
  BOOST_TEST(comes_to_rest());
  const auto before = segments();
  has.trim(150);
  BOOST_TEST(segments() < before);
  has.check(1);
  has.trim(200);
  BOOST_TEST(redis({"KEYS"}, "seg*") == "");
  BOOST_TEST(redis({"KEYS"}, "tail*") == "");
  has.append(3, random);
  has.check(1);
}

namespace {

/// Has its index unsorted, as a runtime leaves it that is killed again and again.
struct untidy_log : log_in_pieces {
  io_thread other_io;
  log_client other{make_redis_log(other_io, "atacama", with_tails_of(std::size_t{1} << 30U))};
  std::mt19937 random{4713};
  model has{other};

  untidy_log() {
    BOOST_REQUIRE(other.open({"main"}).problem.message == "");
    has.append(300, random);
    BOOST_TEST(segments() == 0);
    BOOST_TEST(tail_bytes() > 3000);
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(what_a_killed_runtime_left_unsorted_is_sorted_by_the_next, untidy_log) {
  reopen();
  has.go_on_with(log);
  BOOST_TEST(comes_to_rest());
  BOOST_TEST(segments() > 0);
  has.check(1);
}

BOOST_FIXTURE_TEST_CASE(a_redis_that_is_full_has_its_index_sorted_when_there_is_room, untidy_log) {
  redis({"CONFIG", "SET", "maxmemory", "1"});
  reopen();
  has.go_on_with(log);
  has.check(1);
  BOOST_TEST(segments() == 0);
  redis({"CONFIG", "SET", "maxmemory", "0"});
  has.append(10, random);
  BOOST_TEST(comes_to_rest());
  BOOST_TEST(segments() > 0);
  has.check(1);
}

// Its size alone is more than what one script may do.
BOOST_FIXTURE_TEST_CASE(a_tail_of_any_size_is_searched_to_its_end, untidy_log) {
  redis({"SETRANGE", "chasqui:{atacama}:tail:main", std::to_string(20'000'000 - 1), "x"});
  has.append(5, random);
  const auto last = other.look_up({by("id", 3), by("parent_id", 7)}, 1);
  BOOST_TEST(last.problem.message == "");
  has.check(1);
}

BOOST_FIXTURE_TEST_CASE(a_log_that_was_being_cut_off_when_its_runtime_was_killed_is_found_as_it_is,
                        log_in_pieces) {
  std::mt19937 random{4717};
  model has{log};
  has.append(60, random);
  BOOST_TEST(comes_to_rest());
  for (const auto* gone : {"60-0", "59-0", "58-0"}) // From the end backwards.
    redis({"XDEL", "chasqui:{atacama}:log:main", gone});
  reopen();
  has.cut(50);
  has.check(1);
  has.append(30, random);
  has.check(1);
  has.trim(40);
  has.cut(40);
  BOOST_TEST(wait_until([] { return redis({"KEYS"}, "seg*").empty() && redis({"KEYS"}, "tail*").empty(); },
                        std::chrono::steady_clock::now() + 10s));
}

BOOST_FIXTURE_TEST_CASE(what_is_no_tail_is_refused_before_an_entry_is_kept, log_in_pieces) {
  redis({"RPUSH", "chasqui:{atacama}:tail:main", "somebody else's"});
  BOOST_TEST(log.append({item_of(1, {3, false})}).problem.message != "");
  BOOST_TEST(redis({"EXISTS"}, "log:main") == "0");
  redis({"DEL"}, "tail:main");
  reopen();
  BOOST_TEST(log.append({item_of(1, {3, false})}).problem.message == "");
  BOOST_TEST(log.look_up({by("id", 3)}).found.entries.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(every_lane_has_an_index_of_its_own, log_in_pieces) {
  BOOST_REQUIRE(log.open({"main", "bulk"}).problem.message == "");
  for (std::uint64_t i = 0; i < 20; ++i) {
    std::vector<append_item> items;
    for (std::uint64_t j = 1; j <= 10; ++j) {
      items.push_back(item_of(20 * i + j, {3, false}));
      items.push_back(item_of(20 * i + 10 + j, {4, false}));
      items.back().lane = "bulk";
    }
    BOOST_REQUIRE(log.append(items).problem.message == "");
  }
  BOOST_TEST(comes_to_rest());
  BOOST_TEST(segments() > 0);
  BOOST_TEST(redis({"ZCARD"}, "segments:bulk") != "0");
  BOOST_TEST(log.look_up({by("id", 3)}).found.entries.size() == 200U);
  BOOST_TEST(log.look_up({by("id", 4)}).found.entries.empty()); // A term is one of a lane.
}

// Each step as it comes, while the index is being tidied or after.
BOOST_FIXTURE_TEST_CASE(the_index_finds_what_is_there_whatever_happens_to_the_log, log_in_pieces) {
  std::mt19937 random{4714};
  model has{log};
  for (int i = 0; i < 1500; ++i) {
    switch (random() % 12) {
    case 0:
      has.trim(has.first() + random() % (has.head() + 2 - has.first()) - 1);
      break;
    case 1:
      if (random() % 4 == 0)
        has.cut(has.head() - random() % std::min<seqno>(has.head() + 2 - has.first(), 40));
      break;
    case 2:
      if (random() % 4 == 0)
        has.renumber(has.head() + 1 - has.first() + random() % 100);
      break;
    case 3:
      if (random() % 4 == 0)
        reopen();
      break;
    case 4:
      has.import(random);
      break;
    default:
      has.append(1 + random() % 30, random);
    }
    if (random() % 4 == 0)
      BOOST_REQUIRE(comes_to_rest());
    has.check(has.first() + random() % 50);
  }
}

namespace {

/// Appends one entry a row, in groups.
void append_all(log_client& log, const std::vector<one_row>& rows, std::uint64_t first_number) {
  std::vector<append_item> items;
  for (const auto& row : rows)
    items.push_back(item_of(first_number++, row));
  BOOST_REQUIRE(log.append(items).problem.message == "");
}

std::vector<seqno> found_by(log_client& log, std::uint64_t id, seqno from = 1) {
  const auto page = log.look_up({by("id", id)}, from, 10'000);
  BOOST_TEST(page.problem.message == "");
  BOOST_TEST(!page.found.more);
  std::vector<seqno> out;
  for (const auto& e : page.found.entries)
    if (e.payload.find(R"("id":)" + std::to_string(id) + "}") != std::string::npos)
      out.push_back(e.seq);
  return out;
}

} // namespace

// What is asked for at once reaches Redis before the session has sorted what it found in between.
BOOST_FIXTURE_TEST_CASE(a_tail_that_went_while_it_was_sorted_takes_no_other_with_it, log_in_pieces) {
  seqno head = 0;
  for (int round = 0; round < 50; ++round) {
    std::vector<append_item> first;
    std::vector<append_item> second;
    for (std::uint64_t i = 1; i <= 10; ++i) {
      first.push_back(item_of(head + i, {4, false}));
      second.push_back(item_of(head + 10 + i, {3, false}));
    }
    auto kept = log.begin_append(first);
    auto trimmed = log.begin_mark(marks_up_to(head + 10, head + 10), head + 10);
    auto also_kept = log.begin_append(second);
    BOOST_REQUIRE(get(kept).problem.message == "");
    BOOST_REQUIRE(get(trimmed).message == "");
    BOOST_REQUIRE(get(also_kept).problem.message == "");
    head += 20;
    BOOST_REQUIRE(comes_to_rest());
    BOOST_REQUIRE_EQUAL(found_by(log, 3).size(), 10U);
    BOOST_REQUIRE(log.mark(marks_up_to(head, head), head).message == "");
  }
}

BOOST_FIXTURE_TEST_CASE(a_tail_that_was_cut_off_while_it_was_sorted_is_not_taken_for_its_successor,
                        log_in_pieces) {
  seqno head = 0;
  std::uint64_t number = 0;
  for (int round = 0; round < 50; ++round) {
    std::vector<append_item> first;
    std::vector<append_item> second;
    for (int i = 1; i <= 10; ++i) {
      first.push_back(item_of(++number, {i < 10 ? 4U : 3U, false}));
      second.push_back(
          item_of(++number, {3, false})); // The last one is found by the same as the last one before.
    }
    auto kept = log.begin_append(first);
    auto cut = log.begin_adopt(marks_up_to(0, head));
    auto also_kept = log.begin_append(second);
    BOOST_REQUIRE(get(kept).problem.message == "");
    BOOST_REQUIRE(get(cut).message == "");
    BOOST_REQUIRE(get(also_kept).slots.at(0).seq == head + 1);
    head += 10;
    BOOST_REQUIRE(comes_to_rest());
    BOOST_REQUIRE_EQUAL(found_by(log, 3).size(), 10U);
    BOOST_REQUIRE(log.mark(marks_up_to(head, head), head).message == "");
  }
}

BOOST_FIXTURE_TEST_CASE(nothing_is_left_of_pieces_that_went_while_they_were_made_one, log_in_pieces) {
  seqno head = 0;
  for (int round = 0; round < 30; ++round) {
    std::vector<std::future<append_result>> kept;
    for (int call = 0; call < 30; ++call) {
      std::vector<append_item> items;
      for (int i = 0; i < 10; ++i, ++head)
        items.push_back(item_of(head + 1, {head, false}));
      kept.push_back(log.begin_append(items));
    }
    for (auto& one : kept)
      BOOST_REQUIRE(get(one).problem.message == "");
    BOOST_REQUIRE(log.mark(marks_up_to(head, head), head).message == "");
    BOOST_REQUIRE(
        wait_until([] { return redis({"KEYS"}, "seg*").empty() && redis({"KEYS"}, "tail*").empty(); },
                   std::chrono::steady_clock::now() + 10s));
  }
}

// In one script it may look at 250 entries.
BOOST_FIXTURE_TEST_CASE(a_look_goes_on_in_the_piece_where_it_stopped, log_in_pieces) {
  std::vector<seqno> expected;
  for (std::uint64_t i = 0; i < 100; ++i)
    append_all(log, std::vector<one_row>(10, {3, false}), 1 + 10 * i);
  for (seqno seq = 1; seq <= 1000; ++seq)
    expected.push_back(seq);
  BOOST_TEST(comes_to_rest());
  BOOST_CHECK(found_by(log, 3) == expected);
}

BOOST_FIXTURE_TEST_CASE(a_segment_that_was_cut_off_says_nothing_of_what_came_after, log_in_pieces) {
  settings = with_tails_of(10'000);
  log = log_client{make_redis_log(io, "atacama", settings)};
  reopen();
  std::vector<one_row> rows;
  std::vector<seqno> expected;
  for (std::uint64_t i = 1; i <= 600; ++i)
    rows.push_back({i % 2 == 0 ? 3U : 4U, false});
  append_all(log, rows, 1);
  BOOST_REQUIRE(wait_until([] { return segments() == 1; }, std::chrono::steady_clock::now() + 10s));
  BOOST_REQUIRE(log.adopt(marks_up_to(0, 100)).message == "");
  rows.clear();
  for (std::uint64_t i = 101; i <= 600; ++i)
    rows.push_back({i % 2 == 0 ? 4U : 3U, false}); // The other way round.
  append_all(log, rows, 1001);
  for (seqno seq = 1; seq <= 600; ++seq)
    if ((seq % 2 == 0) == (seq <= 100))
      expected.push_back(seq);
  BOOST_CHECK(found_by(log, 3) == expected);
}

BOOST_FIXTURE_TEST_CASE(terms_that_lie_side_by_side_in_a_segment_are_told_apart, log_in_pieces) {
  settings = with_tails_of(10'000);
  log = log_client{make_redis_log(io, "atacama", settings)};
  reopen();
  constexpr unsigned low_bits = 54;
  std::uint64_t other = 4;
  while (by("id", other) >> low_bits != by("id", 3) >> low_bits)
    ++other;
  std::vector<one_row> rows;
  for (std::uint64_t i = 1; i <= 600; ++i)
    rows.push_back({i % 3 == 0 ? other : 3U, false});
  append_all(log, rows, 1);
  BOOST_REQUIRE(wait_until([] { return segments() == 1; }, std::chrono::steady_clock::now() + 10s));
  for (const seqno from : {1, 2, 200, 300, 301, 302, 500, 600}) {
    std::vector<seqno> thirds;
    std::vector<seqno> others;
    for (auto seq = from; seq <= 600; ++seq)
      (seq % 3 == 0 ? thirds : others).push_back(seq);
    BOOST_CHECK(found_by(log, other, from) == thirds);
    BOOST_CHECK(found_by(log, 3, from) == others);
  }
}

// The number of a posting in the tail is written down by halves.
BOOST_FIXTURE_TEST_CASE(the_index_holds_beyond_four_billion_entries, log_in_pieces) {
  std::mt19937 random{4715};
  constexpr auto turn = seqno{1} << 32U;
  BOOST_REQUIRE(log.adopt(marks_up_to(0, turn - 40)).message == "");
  model has{log};
  has.start_behind(turn - 40);
  for (int i = 0; i < 12; ++i) {
    has.append(10, random);
    has.check(1);
    BOOST_TEST(comes_to_rest());
    has.check(1);
  }
}

BOOST_FIXTURE_TEST_CASE(a_log_of_which_entries_were_lost_is_numbered_anew_without_an_index, log_in_pieces) {
  std::mt19937 random{4716};
  model has{log};
  has.append(50, random);
  redis({"XDEL", "chasqui:{atacama}:log:main", "20-0"});
  BOOST_REQUIRE(log.renumber(101).message == "");
  auto found = log.look_up({by("id", 3)});
  BOOST_TEST(found.found.indexed_from == 150U);
  BOOST_TEST(found.found.head == 149U);
  BOOST_TEST(found.found.entries.empty());
  BOOST_TEST(segments() == 0);
  log.append({item_of(1000, {3, false})});
  found = log.look_up({by("id", 3)}, 150);
  BOOST_TEST(found.found.entries.size() == 1U);
  BOOST_REQUIRE(log.renumber(1101).message == "");
  found = log.look_up({by("id", 3)});
  BOOST_TEST(found.found.indexed_from == 1150U);
  BOOST_TEST(found.found.entries.size() == 1U);
}
