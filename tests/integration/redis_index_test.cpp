#include "tests/integration/index_fixture.hpp"

// What the index of a log in Redis finds. What holds whatever keeps the log is in log_test.cpp.

using namespace chasqui;
using namespace chasqui::test;

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
  BOOST_TEST(redis({"KEYS", key("seg*")}) == "");
  BOOST_TEST(redis({"KEYS", key("tail*")}) == "");
  has.append(3, random);
  has.check(1);
}

BOOST_FIXTURE_TEST_CASE(a_log_that_was_being_cut_off_when_its_runtime_was_killed_is_found_as_it_is,
                        log_in_pieces) {
  std::mt19937 random{4717};
  model has{log};
  has.append(60, random);
  BOOST_TEST(comes_to_rest());
  for (const auto* gone : {"60-0", "59-0", "58-0"}) // From the end backwards.
    redis({"XDEL", key("log:main"), gone});
  reopen();
  has.cut(50);
  has.check(1);
  has.append(30, random);
  has.check(1);
  has.trim(40);
  has.cut(40);
  BOOST_TEST(nothing_is_left());
}

BOOST_FIXTURE_TEST_CASE(what_is_no_tail_is_refused_before_an_entry_is_kept, log_in_pieces) {
  redis({"RPUSH", key("tail:main"), "somebody else's"});
  BOOST_TEST(log.append({item_of(1, {3, false})}).problem.message != "");
  BOOST_TEST(redis({"EXISTS", key("log:main")}) == "0");
  redis({"DEL", key("tail:main")});
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
  BOOST_TEST(redis({"ZCARD", key("segments:bulk")}) != "0");
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

// In one script it may look at 250 entries.
BOOST_FIXTURE_TEST_CASE(a_look_goes_on_in_the_piece_where_it_stopped, log_in_pieces) {
  std::vector<seqno> expected;
  for (std::uint64_t i = 0; i < 100; ++i)
    append_all(log, std::vector<indexed_row>(10, {3, false}), 1 + 10 * i);
  for (seqno seq = 1; seq <= 1000; ++seq)
    expected.push_back(seq);
  BOOST_TEST(comes_to_rest());
  BOOST_CHECK(found_by(log, 3) == expected);
}

BOOST_FIXTURE_TEST_CASE(a_look_is_over_when_the_log_is_cut_off_meanwhile, log_in_pieces) {
  append_all(log, std::vector<indexed_row>(500, {3, false}), 1);
  std::vector<index_term> terms; // In several steps.
  for (std::uint64_t id = 0; id < 20'000; ++id)
    terms.push_back(by("id", id));
  seqno head = 500;
  const auto is_told = [&] {
    auto look = log.begin_look_up(terms);
    auto cut = log.begin_adopt(marks_up_to(0, --head));
    const auto page = get(look);
    BOOST_REQUIRE(get(cut).message == "");
    BOOST_TEST(!page.found.more);
    return page.problem.code == fault_code::unavailable;
  };
  BOOST_TEST(wait_until(is_told));
  BOOST_TEST(found_by(log, 3).size() == head);
}

BOOST_FIXTURE_TEST_CASE(a_segment_that_was_cut_off_says_nothing_of_what_came_after, log_in_pieces) {
  settings = with_tails_of(10'000);
  log = log_client{make_redis_log(io, "atacama", settings)};
  reopen();
  std::vector<indexed_row> rows;
  std::vector<seqno> expected;
  for (std::uint64_t i = 1; i <= 600; ++i)
    rows.push_back({i % 2 == 0 ? 3U : 4U, false});
  append_all(log, rows, 1);
  BOOST_REQUIRE(wait_until([] { return segments() == 1; }));
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
  std::vector<indexed_row> rows;
  for (std::uint64_t i = 1; i <= 600; ++i)
    rows.push_back({i % 3 == 0 ? other : 3U, false});
  append_all(log, rows, 1);
  BOOST_REQUIRE(wait_until([] { return segments() == 1; }));
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
  redis({"XDEL", key("log:main"), "20-0"});
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
