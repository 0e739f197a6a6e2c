#include "tests/integration/index_fixture.hpp"

// How the index of a log in Redis is kept in few pieces.

using namespace chasqui;
using namespace chasqui::test;

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
  BOOST_TEST(wait_until([] { return segments() < 20; }));
  has.check(1);
  has.check(150);
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
  redis({"SETRANGE", key("tail:main"), std::to_string(20'000'000 - 1), "x"});
  has.append(5, random);
  const auto last = other.look_up({by("id", 3), by("parent_id", 7)}, 1);
  BOOST_TEST(last.problem.message == "");
  has.check(1);
}

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
    BOOST_REQUIRE(nothing_is_left());
  }
}
