// How Redis gets the log back from the journal.

#include "tests/unit/two_stores.hpp"

namespace chasqui {

BOOST_FIXTURE_TEST_CASE(what_the_journal_took_is_moved_to_redis_in_order, two_stores) {
  keep(1);
  keep_without_redis(2, 1300);
  pass(6s);
  BOOST_TEST((keep(1301) == std::pair{seqno{1301}, store_kind::redis}));
  BOOST_TEST(journal->log_of("main").empty());
  const auto log = in_log();
  BOOST_REQUIRE(log.size() == 1301U);
  for (std::uint64_t n = 1; n <= 1301; ++n)
    BOOST_TEST(log[n - 1] == n);
}

BOOST_FIXTURE_TEST_CASE(what_a_hung_redis_kept_after_all_is_not_there_twice, two_stores) {
  keep(1);
  redis->hangs = true;
  begin({2, 3}); // Redis carries it out, late.
  pass(100ms);
  BOOST_TEST(redis->log_of("main").size() == 3U);
  keep(4);
  redis->go_on();
  pass(6s);
  BOOST_TEST(keep(5).first == 5U);
  BOOST_TEST(in_log() == (numbers{1, 2, 3, 4, 5}));
}

BOOST_FIXTURE_TEST_CASE(submissions_go_on_while_the_journal_is_moved, two_stores) {
  keep_without_redis(1, 2000);
  redis->hangs_imports = true;
  pass(6s);
  BOOST_TEST((keep(2001) == std::pair{seqno{2001}, store_kind::journal}));
  redis->hangs_imports = false;
  redis->go_on();
  settle();
  pass(1s);
  BOOST_TEST((keep(2002) == std::pair{seqno{2002}, store_kind::redis}));
  BOOST_TEST(in_log().size() == 2002U);
}

BOOST_FIXTURE_TEST_CASE(submissions_wait_for_one_piece_at_most_however_large_its_entries, two_stores) {
  redis->broken = {fault_code::store_unavailable, "gone", ""};
  for (std::uint64_t n = 1; n <= 5; ++n) { // Each is a piece.
    pair->append({{id_of(n), "main", std::string(std::size_t{600} << 10U, 'x'), instant{now}}},
                 [this](append_result r) { result = std::move(r); });
    settle();
  }
  redis->broken = {};
  redis->hangs_imports = true;
  for (int i = 0; i < 100 && redis->log_of("main").empty(); ++i)
    pass(50ms);
  for (std::uint64_t n = 6; n <= 8; ++n) { // The first three are on their way.
    BOOST_TEST((keep(n) == std::pair{seqno{n}, store_kind::journal}));
    redis->go_on();
    settle();
  }
  redis->hangs_imports = false;
  redis->go_on();
  settle();
  pass(1s);
  BOOST_TEST((keep(9) == std::pair{seqno{9}, store_kind::redis}));
  BOOST_TEST(in_log().size() == 9U);
}

BOOST_FIXTURE_TEST_CASE(what_has_been_moved_is_read_where_it_is_while_the_journal_is_emptied, two_stores) {
  keep(1);
  keep_without_redis(2, 3);
  journal->hangs_clears = true;
  pass(500ms);
  BOOST_REQUIRE(redis->log_of("main").size() == 3U);
  BOOST_REQUIRE(journal->log_of("main").empty());
  const auto slice = read(2);
  BOOST_TEST(!slice.problem, slice.problem.message);
  BOOST_TEST(slice.entries.size() == 2U);
  BOOST_TEST(read(4).entries.empty());
  BOOST_TEST(find(2).payload == "payload 2"); // Redis knows it, and whether it is a dead letter.
  journal->go_on();
  settle();
  BOOST_TEST(in_log() == (numbers{1, 2, 3}));
}

BOOST_FIXTURE_TEST_CASE(a_redis_that_goes_again_while_it_is_filled_loses_nothing, two_stores) {
  keep_without_redis(1, 1200);
  redis->imports_left = 1;
  pass(3s);
  BOOST_TEST((keep(1201) == std::pair{seqno{1201}, store_kind::journal}));
  redis->imports_left = 1000;
  pass(20s);
  BOOST_TEST((keep(1202) == std::pair{seqno{1202}, store_kind::redis}));
  BOOST_TEST(in_log().size() == 1202U);
}

BOOST_FIXTURE_TEST_CASE(without_redis_at_the_start_numbers_are_for_the_time_being, two_stores) {
  keep(1);
  keep(2);
  journal->forget_roll(); // As a power cut may.
  redis->broken = {fault_code::store_unavailable, "gone", ""};
  start();
  pass(1s);
  BOOST_TEST((keep(3).second == store_kind::journal));
  BOOST_TEST(!pair->is_settled("main"));
  BOOST_TEST((read(1).problem.code == fault_code::unavailable));
  redis->broken = {};
  changes.clear();
  pass(6s);
  BOOST_REQUIRE(!changes.empty());
  BOOST_TEST(changes.front().reopen);
  reopen();
  pass(6s);
  BOOST_TEST((keep(4) == std::pair{seqno{4}, store_kind::redis}));
  BOOST_TEST(in_log() == (numbers{1, 2, 3, 4}));
}

BOOST_FIXTURE_TEST_CASE(numbers_that_redis_lost_are_not_given_again, two_stores) {
  for (std::uint64_t n = 1; n <= 5; ++n)
    keep(n);
  redis->wipe();
  begin({6});
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->slots.at(0).seq == 6U);
  pass(6s);
  BOOST_TEST((keep(7) == std::pair{seqno{7}, store_kind::redis}));
  const auto gap = read(1);
  BOOST_TEST((gap.problem.code == fault_code::diverged));
  BOOST_TEST(gap.missing_to == 5U);
  const auto roll = call_roll(1, 5);
  BOOST_REQUIRE(roll.lines.size() == 5U);
  BOOST_TEST((roll.lines.at(4).id == id_of(5)));
}

BOOST_FIXTURE_TEST_CASE(released_entries_of_the_journal_need_not_come_back, two_stores) {
  keep(1);
  redis->broken = {fault_code::store_unavailable, "gone", ""};
  keep(2);
  keep(3);
  lane_marks marks{"main", 1, 3, 2, 2, 2, {}, false};
  pair->mark(marks, 2, [](const fault&) {});
  settle();
  redis->broken = {};
  pass(6s);
  BOOST_TEST((keep(4) == std::pair{seqno{4}, store_kind::redis}));
  BOOST_TEST(read(3).entries.size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(what_another_runtime_kept_in_redis_meanwhile_is_not_cut_off, two_stores) {
  meet_another();
  BOOST_TEST(redis->log_of("main").at(2).id.low == 50U);
  std::vector<std::uint64_t> there;
  for (const auto& [seq, e] : redis->log_of("main"))
    there.push_back(e.id.low);
  BOOST_TEST(there == (numbers{1, 50, 2, 3}));
}

BOOST_FIXTURE_TEST_CASE(what_is_on_its_way_into_the_journal_when_redis_is_back_is_not_lost, two_stores) {
  keep(1);
  keep(2);
  journal->forget_roll();
  redis->broken = {fault_code::store_unavailable, "gone", ""};
  start();
  pass(1s);
  journal->hangs = true;
  begin({3});
  redis->broken = {};
  for (int i = 0; i < 100 && redis->opens < 3; ++i)
    pass(50ms);
  journal->go_on();
  settle();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(!result->problem);
  pass(6s);
  reopen();
  pass(6s);
  BOOST_TEST(in_log() == (numbers{1, 2, 3}));
}

BOOST_FIXTURE_TEST_CASE(who_started_without_redis_learns_anew_what_redis_has_once_it_is_back, two_stores) {
  keep(1);
  redis->broken = {fault_code::store_unavailable, "gone", ""};
  start();
  pass(1s);
  BOOST_TEST(!pair->is_settled("main"));
  redis->broken = {};
  changes.clear();
  pass(6s);
  BOOST_REQUIRE(!changes.empty());
  BOOST_TEST(changes.front().reopen);
}

namespace {

struct started_without_redis : two_stores {
  started_without_redis() {
    keep(1);
    keep(2);
    journal->forget_roll(); // As a power cut may: the journal gives the number 1 again.
    redis->broken = {fault_code::store_unavailable, "gone", ""};
    start();
    pass(1s);
    keep(3);
    changes.clear();
  }
  void redis_is_back() {
    const auto before = redis->opens;
    redis->broken = {};
    for (int i = 0; i < 100 && redis->opens == before; ++i)
      pass(50ms);
  }
  [[nodiscard]] bool has_to_be_opened_again() const {
    return std::any_of(changes.begin(), changes.end(), [](const auto& c) { return c.reopen; });
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_journal_that_is_slow_to_get_its_numbers_makes_the_log_open_anew_as_well,
                        started_without_redis) {
  journal->hangs = true;
  redis_is_back();
  pass(1s); // The way back is given up, and appends go on.
  journal->go_on();
  settle();
  pass(6s);
  BOOST_TEST(has_to_be_opened_again());
  reopen();
  pass(6s);
  BOOST_TEST(in_log() == (numbers{1, 2, 3}));
}

BOOST_FIXTURE_TEST_CASE(a_journal_that_cannot_be_given_its_numbers_is_believed_to_have_the_old_ones,
                        started_without_redis) {
  journal->broken = {fault_code::store_full, "no space left", ""};
  redis_is_back();
  BOOST_TEST(has_to_be_opened_again());
  journal->broken = {};
  reopen();
  pass(6s);
  BOOST_TEST(in_log() == (numbers{1, 2, 3}));
}

// It would be open under numbers that the journal does not have.
BOOST_FIXTURE_TEST_CASE(a_log_is_not_open_while_its_journal_cannot_be_given_its_numbers,
                        started_without_redis) {
  redis->broken = {};
  journal->broken_numbers = {fault_code::store_full, "no space left", ""};
  start();
  BOOST_REQUIRE(opened.has_value());
  BOOST_TEST((opened->problem.code == fault_code::store_unavailable));
  journal->broken_numbers = {};
  reopen();
  pass(6s);
  BOOST_REQUIRE(opened.has_value());
  BOOST_TEST(!opened->problem);
  BOOST_TEST(in_log() == (numbers{1, 2, 3}));
}

} // namespace chasqui
