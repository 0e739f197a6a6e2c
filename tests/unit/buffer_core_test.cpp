#include "tests/unit/buffer_desk.hpp"

namespace chasqui {

using namespace std::chrono_literals;

BOOST_FIXTURE_TEST_CASE(the_first_submission_goes_to_the_store_at_once, buffer_desk) {
  open();
  submit(1);
  BOOST_TEST(appending == (ids{1}));
}

BOOST_FIXTURE_TEST_CASE(while_one_append_is_under_way_later_ones_gather_and_go_as_one_group, buffer_desk) {
  open();
  for (int i = 1; i <= 4; ++i)
    submit(i);
  BOOST_TEST(appending == (ids{1}));
  kept();
  BOOST_TEST(appending == (ids{2, 3, 4}));
}

BOOST_FIXTURE_TEST_CASE(a_group_is_bounded_by_entries_and_by_bytes, buffer_desk) {
  open();
  submit(1);
  for (int i = 2; i <= 8; ++i)
    submit(i);
  kept();
  BOOST_TEST(appending.size() == 5U);
  kept();
  BOOST_TEST(appending.size() == 2U);
  submit(20, 90);
  submit(21, 90);
  submit(22, 500); // Larger than a group may be: it goes alone, but goes.
  kept();
  BOOST_TEST(appending == ids{20});
  kept();
  BOOST_TEST(appending == ids{21});
  kept();
  BOOST_TEST(appending == ids{22});
}

BOOST_FIXTURE_TEST_CASE(a_receipt_says_where_and_how_durably_and_comes_after_the_store_has_it, buffer_desk) {
  open();
  const auto who = submit(7);
  BOOST_TEST(!answered(who));
  obey(core.on_appended({{}, {{"main", 1, at().wall, false}}, store_kind::journal, durability::fsynced},
                        at()));
  const auto& reply = replies.at(who).outcome;
  BOOST_TEST(!reply.problem);
  BOOST_TEST(reply.proof.seq == 1U);
  BOOST_TEST((reply.proof.id == uuid{0, 7}));
  BOOST_TEST(reply.proof.lane == "main");
  BOOST_TEST((reply.proof.durability == durability::fsynced));
  BOOST_TEST((reply.proof.store == store_kind::journal));
}

BOOST_FIXTURE_TEST_CASE(those_who_come_together_go_into_one_append_and_are_answered_one_by_one, buffer_desk) {
  open();
  std::vector<append> all{{{0, 1}, "main", "x"}, {{0, 2}, "nowhere", "x"}, {{0, 3}, "main", "x"}};
  obey(core.on_append(next, all, at()));
  BOOST_TEST(appending == (ids{1, 3}));
  BOOST_TEST((problem(next + 1) == fault_code::unknown_lane));
  kept();
  BOOST_TEST(replies.at(next).outcome.proof.seq == 1U);
  BOOST_TEST(replies.at(next + 2).outcome.proof.seq == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_repeated_id_gets_its_first_receipt_and_moves_nothing, buffer_desk) {
  open(5);
  const auto who = submit(7);
  obey(core.on_appended({{}, {{"main", 3, instant{5s}, true}}}, at()));
  BOOST_TEST(replies.at(who).outcome.proof.seq == 3U);
  BOOST_TEST((replies.at(who).outcome.proof.at == instant{5s}));
  BOOST_TEST(lane().head == 5U);
  BOOST_TEST(told(event_kind::buffered).empty());
}

BOOST_FIXTURE_TEST_CASE(a_repeated_id_is_not_said_to_stand_where_it_does_not, buffer_desk) {
  open(5);
  const auto who = submit(7);
  obey(core.on_appended(
      {{}, {{"main", 3, instant{5s}, true, durability::buffered}}, store_kind::journal, durability::fsynced},
      at()));
  BOOST_TEST((replies.at(who).outcome.proof.store == store_kind::redis));
  BOOST_TEST((replies.at(who).outcome.proof.durability == durability::buffered));
}

BOOST_FIXTURE_TEST_CASE(a_store_that_hangs_lets_nobody_wait_beyond_the_deadline, buffer_desk) {
  open();
  const auto sent = submit(1);
  const auto behind = submit(2);
  pass(200ms);
  BOOST_TEST((problem(sent) == fault_code::outcome_unknown));
  BOOST_TEST((problem(behind) == fault_code::store_unavailable));
  BOOST_TEST((now - 0ms) < 250ms);
  const auto later = submit(3);
  pass(200ms);
  BOOST_TEST((problem(later) == fault_code::store_unavailable));
}

BOOST_FIXTURE_TEST_CASE(nobody_is_answered_before_the_deadline_either, buffer_desk) {
  open();
  const auto who = submit(1);
  pass(150ms);
  BOOST_TEST(!answered(who));
}

BOOST_FIXTURE_TEST_CASE(a_late_answer_is_not_told_twice_but_its_entry_counts, buffer_desk) {
  open();
  submit(1);
  const auto given_up = submit(2);
  pass(200ms);
  replies.clear();
  kept();
  BOOST_TEST(replies.empty());
  BOOST_TEST(lane().head == 1U);
  BOOST_TEST(appending.empty()); // What was given up is not kept behind its owner's back.
  BOOST_TEST(!answered(given_up));
}

BOOST_FIXTURE_TEST_CASE(more_submissions_than_may_wait_are_refused_at_once, buffer_desk) {
  open();
  submit(1);
  for (int i = 0; i < 8; ++i)
    BOOST_TEST(!answered(submit(2 + i)));
  BOOST_TEST((problem(submit(50)) == fault_code::overloaded));
  kept();
  BOOST_TEST(!answered(submit(51)));
  const auto large = submit(52, 2000);
  BOOST_TEST((problem(large) == fault_code::overloaded));
}

BOOST_FIXTURE_TEST_CASE(what_has_gone_to_the_store_or_was_given_up_waits_no_longer, buffer_desk) {
  open();
  for (int i = 1; i <= 30; ++i) {
    BOOST_TEST(!answered(submit(i, 100)));
    kept();
  }
  submit(40);
  submit(41, 900);
  pass(200ms);
  BOOST_TEST(!answered(submit(42, 900)));
}

BOOST_FIXTURE_TEST_CASE(a_lane_at_its_limit_refuses_and_the_other_lane_does_not, buffer_desk) {
  open(100, 0);
  BOOST_TEST((problem(submit(1)) == fault_code::store_full));
  BOOST_TEST(!answered(submit(2, 10, "bulk")));
  obey(core.on_committed({"main", 1, {1}, 1}, at()));
  obey(core.on_replicated({"main", 1}, at()));
  BOOST_TEST(!answered(submit(3)));
}

BOOST_FIXTURE_TEST_CASE(an_unknown_lane_is_refused, buffer_desk) {
  open();
  BOOST_TEST((problem(submit(1, 10, "mian")) == fault_code::unknown_lane));
}

BOOST_FIXTURE_TEST_CASE(submissions_wait_for_a_store_that_is_being_opened, buffer_desk) {
  const auto who = submit(1);
  pass(100ms);
  BOOST_TEST(!answered(who));
  open();
  BOOST_TEST(appending == ids{1});
}

BOOST_FIXTURE_TEST_CASE(a_store_that_is_gone_is_told_at_once_and_opened_again_with_growing_patience,
                        buffer_desk) {
  open();
  opens = 0;
  const auto sent = submit(1);
  const auto behind = submit(2);
  appended({fault_code::store_unavailable, "refused", ""});
  BOOST_TEST((problem(sent) == fault_code::store_unavailable));
  BOOST_TEST((problem(behind) == fault_code::store_unavailable));
  BOOST_TEST((problem(submit(3)) == fault_code::store_unavailable));
  pass(50ms);
  BOOST_TEST(opens == 0);
  pass(50ms);
  BOOST_TEST(opens == 1);
  obey(core.on_opened({{fault_code::store_unavailable, "refused", ""}, 0, {}, {}, {}, {}, 0}, at()));
  pass(150ms);
  BOOST_TEST(opens == 1);
  pass(50ms);
  BOOST_TEST(opens == 2);
  BOOST_TEST(told(event_kind::store).size() == 2U); // It opened, it went: trying again is no news.
  open(1);
  BOOST_TEST(told(event_kind::store).size() == 3U);
  BOOST_TEST(!answered(submit(4)));
}

BOOST_FIXTURE_TEST_CASE(a_full_store_refuses_each_one_and_is_asked_again_for_the_next, buffer_desk) {
  open();
  const auto first = submit(1);
  appended({fault_code::store_full, "OOM", ""});
  BOOST_TEST((problem(first) == fault_code::store_full));
  const auto second = submit(2);
  BOOST_TEST(appending == ids{2});
  BOOST_TEST(core.report(at().wall).store.state.starts_with("full"));
  kept();
  BOOST_TEST(!replies.at(second).outcome.problem);
  BOOST_TEST(core.report(at().wall).store.state == "open");
}

BOOST_FIXTURE_TEST_CASE(an_owner_that_was_fenced_keeps_nothing_more_and_quits, buffer_desk) {
  open();
  const auto sent = submit(1);
  const auto behind = submit(2);
  appended({fault_code::fenced, "newer", ""});
  BOOST_TEST((problem(sent) == fault_code::fenced));
  BOOST_TEST((problem(behind) == fault_code::fenced));
  BOOST_REQUIRE(quit.has_value());
  BOOST_TEST((quit->code == fault_code::fenced));
}

BOOST_FIXTURE_TEST_CASE(who_took_everything_is_told_once_of_more, buffer_desk) {
  open();
  BOOST_TEST(took(1, 0).empty());
  submit(1);
  kept();
  BOOST_TEST(hints == (std::vector<seqno>{1}));
  submit(2);
  kept();
  BOOST_TEST(hints.size() == 1U);
  took(1, 2);
  submit(3);
  kept();
  BOOST_TEST(hints == (std::vector<seqno>{1, 3}));
}

BOOST_FIXTURE_TEST_CASE(who_has_not_taken_everything_needs_no_hint, buffer_desk) {
  open(9);
  took(1, 5);
  submit(1);
  kept(10);
  BOOST_TEST(hints.empty());
}

BOOST_FIXTURE_TEST_CASE(a_read_that_overtakes_the_answer_to_an_append_does_not_cost_the_next_hint,
                        buffer_desk) {
  open();
  submit(1);
  took(1, 1); // The reader has entry 1 before its submitter has the receipt.
  kept();
  submit(2);
  kept();
  BOOST_TEST(hints == (std::vector<seqno>{2}));
}

BOOST_FIXTURE_TEST_CASE(entries_that_came_while_the_store_was_away_are_hinted_at_when_it_is_back,
                        buffer_desk) {
  open();
  took(1, 0);
  submit(1);
  appended({fault_code::outcome_unknown, "timed out", ""});
  open(1);
  BOOST_TEST(hints == (std::vector<seqno>{1}));
}

BOOST_FIXTURE_TEST_CASE(a_log_that_is_not_open_cannot_be_taken_from_nor_located, buffer_desk) {
  BOOST_TEST((core.may_take({"main", 1, 1, 1}).code == fault_code::store_unavailable));
  BOOST_TEST(std::holds_alternative<fault>(core.locate("main")));
  open(9, 2);
  BOOST_TEST(!core.may_take({"main", 1, 1, 1}));
  BOOST_TEST((core.may_take({"mian", 1, 1, 1}).code == fault_code::unknown_lane));
  const auto where = std::get<position>(core.locate("main"));
  BOOST_TEST(where.head == 9U);
  BOOST_TEST(where.epoch == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_read_that_fails_loses_the_store_but_a_hole_in_the_log_does_not, buffer_desk) {
  open(9);
  buffer_actions out;
  const take what{"main", 1, 10, 10};
  BOOST_TEST(std::holds_alternative<fault>(
      core.on_slice(what, {{fault_code::diverged, "a hole", ""}, {}}, out, at())));
  BOOST_TEST(!core.may_take(what));
  core.on_slice(what, {{fault_code::outcome_unknown, "timed out", ""}, {}}, out, at());
  BOOST_TEST((core.may_take(what).code == fault_code::store_unavailable));
}

BOOST_FIXTURE_TEST_CASE(a_drain_finishes_what_waits_takes_nothing_new_and_quits, buffer_desk) {
  open();
  const auto sent = submit(1);
  const auto behind = submit(2);
  obey(core.drain(at()));
  BOOST_TEST((problem(submit(3)) == fault_code::unavailable));
  kept();
  BOOST_TEST(!quit.has_value());
  kept();
  BOOST_TEST(!replies.at(sent).outcome.problem);
  BOOST_TEST(!replies.at(behind).outcome.problem);
  marked();
  BOOST_REQUIRE(quit.has_value());
  BOOST_TEST(!*quit);
}

BOOST_FIXTURE_TEST_CASE(a_drain_without_a_store_answers_who_waits_and_quits, buffer_desk) {
  const auto who = submit(1);
  obey(core.drain(at()));
  BOOST_TEST((problem(who) == fault_code::unavailable));
  BOOST_TEST(quit.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_drain_saves_marks_that_moved_while_the_last_ones_were_being_saved, buffer_desk) {
  open(9);
  pass(50ms);
  marked();
  obey(core.on_committed({"main", 4, {1}, 1}, at()));
  pass(100ms);
  BOOST_REQUIRE(marks.size() == 1U);
  obey(core.on_committed({"main", 9, {2}, 1}, at()));
  obey(core.drain(at()));
  marked();
  BOOST_TEST(!quit.has_value());
  BOOST_REQUIRE(marks.size() == 1U);
  BOOST_TEST(marks.front().marks.committed == 9U);
  marked();
  BOOST_TEST(quit.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_drain_ends_when_the_store_is_lost_in_it, buffer_desk) {
  open();
  const auto who = submit(1);
  obey(core.drain(at()));
  appended({fault_code::outcome_unknown, "timed out", ""});
  BOOST_TEST((problem(who) == fault_code::outcome_unknown));
  BOOST_TEST(quit.has_value());
}

} // namespace chasqui
