#include "tests/unit/two_stores.hpp"

namespace chasqui {

namespace {

/// A runtime whose journal has entries 2 and 3 when it hears that another one has the log by now.
struct left_behind : two_stores {
  left_behind() {
    keep(1);
    redis->broken = {fault_code::store_unavailable, "gone", ""};
    keep(2);
    keep(3);
    redis->broken = {};
    redis->broken_opens = {fault_code::held, "the other one's", ""};
    pass(6s); // Until Redis is opened again.
    BOOST_REQUIRE(!changes.empty());
    BOOST_REQUIRE(changes.back().reopen);
  }

  [[nodiscard]] numbers waiting() const {
    numbers out;
    for (const auto& item : redis->handover)
      out.push_back(item.id.low);
    return out;
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(what_a_journal_has_is_handed_over_when_the_log_is_somebody_elses, left_behind) {
  reopen();
  BOOST_REQUIRE(opened.has_value());
  BOOST_TEST((opened->problem.code == fault_code::held));
  BOOST_TEST(waiting() == (numbers{2, 3}));
  BOOST_TEST(redis->handover.front().payload == "payload 2");
  BOOST_TEST(journal->log_of("main").empty());
  reopen();
  BOOST_TEST(waiting() == (numbers{2, 3})); // Once is enough.
}

BOOST_FIXTURE_TEST_CASE(what_could_not_be_handed_over_stays_in_the_journal, left_behind) {
  redis->broken_handover = {fault_code::store_full, "OOM", ""};
  reopen();
  BOOST_REQUIRE(opened.has_value());
  BOOST_TEST((opened->problem.code == fault_code::held));
  BOOST_TEST(journal->log_of("main").size() == 2U);
  redis->broken_handover = {};
  reopen();
  BOOST_TEST(waiting() == (numbers{2, 3}));
  BOOST_TEST(journal->log_of("main").empty());
}

BOOST_FIXTURE_TEST_CASE(who_handed_over_gives_no_number_a_name_that_the_owner_did_not, left_behind) {
  reopen();
  redis->broken_opens = {};
  redis->handover.clear(); // The other one has taken them in, and is gone.
  redis->append({{id_of(9), "main", "theirs", instant{now}}}, [](const append_result&) {});
  reopen();
  pass(6s);
  BOOST_TEST(keep(4).first == 3U);
  BOOST_TEST(in_log() == (numbers{1, 9, 4}));
}

BOOST_FIXTURE_TEST_CASE(what_was_committed_under_numbers_that_were_handed_over_says_nothing_about_the_owners,
                        two_stores) {
  keep(1);
  redis->broken = {fault_code::store_unavailable, "gone", ""};
  keep(2);
  keep(3);
  lane_marks all;
  all.lane = "main";
  all.head = all.committed = all.replicated = all.released = 3;
  pair->mark(all, 3, [](const fault&) {});
  redis->broken = {};
  redis->broken_opens = {fault_code::held, "the other one's", ""};
  pass(6s); // Until Redis is opened again.
  reopen();
  redis->broken_opens = {};
  redis->append({{id_of(9), "main", "theirs", instant{now}}}, [](const append_result&) {});
  reopen();
  BOOST_REQUIRE(opened.has_value());
  BOOST_REQUIRE(!opened->problem);
  BOOST_TEST(opened->lanes.at(0).committed == 0U);
  BOOST_TEST(opened->lanes.at(0).released == 0U);
}

BOOST_FIXTURE_TEST_CASE(the_owner_takes_in_what_was_handed_over, two_stores) {
  keep(1);
  redis->handover = {{id_of(2), "main", "two", instant{now}}, {id_of(1), "main", "one", instant{now}}};
  pass(2s);
  BOOST_TEST(redis->handover.empty());
  BOOST_REQUIRE(taken_in.size() == 2U);
  BOOST_TEST(taken_in.at(0).seq == 2U);
  BOOST_TEST(taken_in.at(1).repeated); // It had come the other way, too.
  BOOST_TEST(in_log() == (numbers{1, 2}));
  BOOST_TEST(keep(3).first == 3U);
}

BOOST_FIXTURE_TEST_CASE(what_was_taken_in_is_on_the_roll, two_stores) {
  redis->handover = {{id_of(2), "main", "two", instant{now}}};
  pass(2s);
  const auto roll = call_roll(1, 10);
  BOOST_REQUIRE(roll.lines.size() == 1U);
  BOOST_TEST(roll.lines.front().id.low == 2U);
}

BOOST_FIXTURE_TEST_CASE(what_may_not_be_in_the_log_is_not_forgotten, two_stores) {
  keep(1);
  redis->handover = {{id_of(2), "main", "two", instant{now}}};
  redis->broken_appends = {fault_code::store_full, "OOM", ""};
  pass(2s);
  BOOST_TEST(redis->handover.size() == 1U);
  BOOST_TEST(taken_in.empty());
  redis->broken_appends = {};
  pass(2s);
  BOOST_TEST(redis->handover.empty());
  BOOST_TEST(in_log() == (numbers{1, 2}));
}

BOOST_FIXTURE_TEST_CASE(a_takeover_in_the_midst_of_taking_in_loses_nothing, two_stores) {
  keep(1);
  redis->handover = {{id_of(2), "main", "two", instant{now}}};
  redis->hangs = true;
  begin({3});
  pass(2s); // Redis has 3 as entry 2 and, if it was asked, the other one behind it; the journal has 3, too.
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->store == store_kind::journal));
  redis->go_on();
  settle();
  pass(10s);
  BOOST_TEST(redis->handover.empty());
  BOOST_TEST(in_log() == (numbers{1, 3, 2}));
}

BOOST_FIXTURE_TEST_CASE(who_was_frozen_does_not_believe_in_a_timeout_after_its_first_tick_either,
                        two_stores) {
  pass(50ms);
  redis->hangs = true;
  redis->broken_appends = {fault_code::outcome_unknown, "no answer for 2000 ms", ""};
  begin({1});
  now += 10s;
  pair->tick();
  redis->go_on();
  settle();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->problem.code == fault_code::outcome_unknown));
  BOOST_TEST(journal->log_of("main").empty());
  BOOST_REQUIRE(!changes.empty());
  BOOST_TEST(changes.back().reopen);
}

BOOST_FIXTURE_TEST_CASE(who_was_frozen_and_heard_redis_may_give_it_up_again, two_stores) {
  pass(50ms);
  now += 10s;
  pair->tick();
  keep(1);
  redis->hangs = true;
  begin({2});
  pass(150ms);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST((result->store == store_kind::journal));
}

} // namespace chasqui
