// How far a transaction has come, and who waits for it.

#include "tests/unit/marked_desk.hpp"

namespace chasqui {

BOOST_FIXTURE_TEST_CASE(a_transaction_tells_its_stage_all_the_way, marked_desk) {
  open(9);
  took(1, 6);
  BOOST_TEST((stage_of(7) == stage::buffered));
  BOOST_TEST((stage_of(6) == stage::sent));
  commit(5);
  BOOST_TEST((stage_of(5) == stage::committed));
  reject(2);
  BOOST_TEST((stage_of(2) == stage::rejected)); // Though the store has not buried it yet.
  replicate(4);
  BOOST_TEST((stage_of(4) == stage::replicated));
  BOOST_TEST((stage_of(1) == stage::released));
  const auto way = core.tell({0, 3}, place(3));
  BOOST_TEST(way.history.size() == 3U);
  BOOST_TEST(way.flushed.value == 1U);
  const auto dead = core.tell({0, 2}, place(2));
  BOOST_TEST((dead.error.code == fault_code::rejected));
  BOOST_TEST(dead.error.message == "23505: twice");
  BOOST_TEST(std::none_of(dead.history.begin(), dead.history.end(),
                          [](const auto& m) { return m.stage == stage::replicated; }));
}

BOOST_FIXTURE_TEST_CASE(nobody_is_told_that_a_transaction_arrived_that_may_be_a_dead_letter, marked_desk) {
  open(9);
  commit(5);
  replicate(5);
  auto doubtful = place(4);
  doubtful.in_doubt = true;
  const auto who = wait(of_transaction(stage::replicated), doubtful);
  BOOST_REQUIRE(ended.contains(who));
  BOOST_TEST((ended.at(who).problem.code == fault_code::unavailable));
  BOOST_TEST((core.doubt_of(doubtful).code == fault_code::unavailable));
  auto pending = place(6);
  pending.in_doubt = true;
  const auto later = wait(of_transaction(stage::replicated), pending);
  BOOST_TEST(!ended.contains(later));
  commit(6);
  replicate(6);
  BOOST_REQUIRE(ended.contains(later));
  BOOST_TEST((ended.at(later).what.stage == stage::replicated));
}

BOOST_FIXTURE_TEST_CASE(a_wait_for_a_stage_that_holds_already_is_answered_at_once, marked_desk) {
  open(9);
  commit(5);
  const auto who = wait(of_transaction(stage::committed), place(5));
  BOOST_TEST((ended.at(who).what.stage == stage::committed));
  BOOST_TEST(!ended.contains(wait(of_transaction(stage::committed), place(6))));
}

BOOST_FIXTURE_TEST_CASE(a_wait_ends_when_its_stage_is_reached, marked_desk) {
  open(9);
  const auto replicated_wait = wait(of_transaction(stage::replicated), place(5));
  const auto drained_wait = wait(drained());
  commit(9);
  BOOST_TEST(ended.contains(drained_wait));
  BOOST_TEST(!ended.contains(replicated_wait));
  replicate(9);
  BOOST_TEST(!ended.at(replicated_wait).problem);
}

BOOST_FIXTURE_TEST_CASE(a_dead_letter_ends_waits_for_it_at_once_and_is_never_called_committed, marked_desk) {
  open(9);
  const auto before = wait(of_transaction(stage::replicated), place(4));
  reject(4);
  commit(9);
  const auto after = wait(of_transaction(stage::committed), place(4));
  for (const auto who : {before, after})
    BOOST_TEST((ended.at(who).what.stage == stage::rejected));
}

BOOST_FIXTURE_TEST_CASE(a_log_that_was_never_open_is_not_called_drained, marked_desk) {
  const auto who = wait(drained());
  BOOST_TEST(!ended.contains(who));
  open(9);
  BOOST_TEST(!ended.contains(who));
  commit(9);
  BOOST_TEST(!ended.at(who).problem);
}

BOOST_FIXTURE_TEST_CASE(ready_is_when_the_store_is_open, marked_desk) {
  const auto early = wait({condition::ready, {}, {}, 30s});
  const auto impatient = wait({condition::ready, {}, {}, 1s});
  pass(1s);
  BOOST_TEST((ended.at(impatient).problem.code == fault_code::timed_out));
  open();
  BOOST_TEST(!ended.at(early).problem);
  BOOST_TEST(!ended.at(wait({condition::ready, {}, {}, 30s})).problem);
}

BOOST_FIXTURE_TEST_CASE(no_more_may_wait_than_the_settings_allow, marked_desk) {
  open(9);
  for (int i = 0; i < 5; ++i)
    BOOST_TEST(!ended.contains(wait(drained())));
  BOOST_TEST((ended.at(wait(drained())).problem.code == fault_code::overloaded));
}

BOOST_FIXTURE_TEST_CASE(a_wait_has_an_end_whatever_its_timeout, marked_desk) {
  open(9);
  const auto forever = wait(of_transaction(stage::committed, std::chrono::milliseconds::max()), place(5));
  const auto never = wait(of_transaction(stage::committed, std::chrono::milliseconds::min()), place(5));
  pass(50ms);
  BOOST_TEST(!ended.contains(forever));
  BOOST_TEST((ended.at(never).problem.code == fault_code::timed_out));
}

BOOST_FIXTURE_TEST_CASE(a_transaction_of_a_lane_that_is_no_longer_configured_harms_nobody, marked_desk) {
  open(9);
  auto old = place(5);
  old.lane = "retired";
  wait(of_transaction(stage::committed), old);
  BOOST_TEST((core.tell({0, 5}, old).stage == stage::buffered));
}

BOOST_FIXTURE_TEST_CASE(an_unknown_transaction_cannot_be_waited_for, marked_desk) {
  open(9);
  log_place nowhere;
  nowhere.problem = {fault_code::not_found, "unknown", ""};
  BOOST_TEST(
      (ended.at(wait(of_transaction(stage::committed), nowhere)).problem.code == fault_code::not_found));
}

BOOST_FIXTURE_TEST_CASE(who_waits_at_a_number_that_was_given_up_is_told_to_ask_again, marked_desk) {
  open(9);
  log_place at_5;
  at_5.lane = "main";
  at_5.seq = 5;
  const auto who = wait(of_transaction(stage::committed), at_5);
  missing passed{"main", 4, 6, {}, 0, 1};
  obey(core.on_missing(passed, at()));
  BOOST_REQUIRE(ended.contains(who));
  BOOST_TEST((ended.at(who).problem.code == fault_code::unavailable));
  BOOST_TEST(core.report(at().wall).missing == 0U);
  const auto other = wait(of_transaction(stage::committed), at_5);
  passed.moved = 0; // All are accounted for by their names, and the primary has this one.
  obey(core.on_missing(passed, at()));
  BOOST_TEST(!ended.contains(other));
}

} // namespace chasqui
