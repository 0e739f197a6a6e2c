#include "tests/unit/forwarder_session.hpp"

namespace chasqui {

namespace {

bool is(const std::string& sqlstate, verdict v) { return judge(sqlstate) == v; }

} // namespace

BOOST_AUTO_TEST_CASE(errors_that_pass_are_sent_again) {
  for (const auto* s :
       {"40001", "40P01", "53100", "53200", "53300", "55P03", "57014", "25006", "58030", "XX000", "XX001"})
    BOOST_TEST(is(s, verdict::resend), s);
}

BOOST_AUTO_TEST_CASE(errors_of_the_connection_lose_the_link) {
  for (const auto* s : {"08000", "08006", "57P01", "57P02", "57P03", "26000"})
    BOOST_TEST(is(s, verdict::link_lost), s);
}

BOOST_AUTO_TEST_CASE(our_own_classes_mean_what_the_primary_says) {
  BOOST_TEST(is("CQ001", verdict::out_of_step));
  BOOST_TEST(is("CQ002", verdict::fenced));
  BOOST_TEST(is("CQ003", verdict::skip_entry));
  BOOST_TEST(is("CQ004", verdict::refuse_entry));
}

BOOST_AUTO_TEST_CASE(any_other_error_is_about_the_entry) {
  for (const auto* s : {"23505", "23503", "22P02", "42P01", "42703", "P0001", "55000", "2200"})
    BOOST_TEST(is(s, verdict::refuse_entry), s);
}

BOOST_AUTO_TEST_CASE(the_primary_is_told_which_errors_are_not_the_entrys) {
  const auto passing = passing_sqlstates();
  const auto passes = [&](std::string_view sqlstate) {
    return std::any_of(passing.begin(), passing.end(),
                       [&](const auto& p) { return sqlstate.starts_with(p); });
  };
  for (const auto* s : {"08006", "57P01", "40001", "53200", "55P03", "57014", "58030", "25006", "XX000",
                        "26000", "CQ001", "CQ002"})
    BOOST_TEST(passes(s), s);
  for (const auto* s : {"23505", "55000", "57000", "25001", "CQ003", "CQ004", "P0001"})
    BOOST_TEST(!passes(s), s);
}

BOOST_FIXTURE_TEST_CASE(a_new_session_starts_with_a_barrier_and_takes_from_behind_the_cursor, session) {
  open(7, 20);
  BOOST_TEST((kinds_in_flight() == kinds{barrier}));
  BOOST_REQUIRE(pulled.has_value());
  BOOST_TEST(pulled->from_seq == 8U);
}

BOOST_FIXTURE_TEST_CASE(an_empty_log_is_taken_from_as_well_so_that_the_buffer_knows_whom_to_tell, session) {
  open(7, 7);
  BOOST_REQUIRE(pulled.has_value());
  give(0, 7);
  BOOST_TEST(!pulled.has_value());
  obey(core.on_available({"main", 8}));
  BOOST_REQUIRE(pulled.has_value());
  BOOST_TEST(pulled->from_seq == 8U);
}

BOOST_FIXTURE_TEST_CASE(what_the_first_barrier_covers_counts_as_committed_though_another_session_sent_it,
                        session) {
  open(7, 7);
  answer("", 4711);
  BOOST_REQUIRE(done.has_value());
  BOOST_TEST(done->seq == 7U);
  BOOST_TEST(done->flushed.value == 4711U);
  BOOST_TEST(done->timeline == 1U);
}

BOOST_FIXTURE_TEST_CASE(dead_letters_of_an_earlier_session_are_told_behind_the_first_barrier, session) {
  open(7, 7, {{"main", 6, {1, 6}, "23505", "twice", {}}});
  BOOST_TEST(refused.empty());
  answer();
  BOOST_REQUIRE(refused.size() == 1U);
  BOOST_TEST(refused.front().seq == 6U);
}

BOOST_FIXTURE_TEST_CASE(a_session_that_does_not_open_quits_with_its_reason, session) {
  obey(core.on_opened({{fault_code::fenced, "newer", ""}, 0, {}, {}}, at(0ms).steady));
  BOOST_TEST((quit_code() == fault_code::fenced));
}

BOOST_FIXTURE_TEST_CASE(a_burst_ends_with_a_barrier_and_only_that_makes_it_committed, session) {
  open(0, 3);
  give(3, 3);
  answer(); // The opening barrier.
  done.reset();
  BOOST_TEST((kinds_in_flight() == kinds{apply, apply, apply, barrier}));
  for (int i = 0; i < 3; ++i)
    answer();
  BOOST_TEST(!done.has_value());
  answer();
  BOOST_REQUIRE(done.has_value());
  BOOST_TEST(done->seq == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_long_run_has_a_barrier_after_so_many_entries, session) {
  open(0, 1000);
  give(10, 1000);
  BOOST_TEST(std::count_if(in_flight.begin(), in_flight.end(), [](auto& s) { return s.kind == barrier; }) ==
             1);
  give(10, 1000);
  BOOST_TEST((in_flight.back().kind == barrier));
}

BOOST_FIXTURE_TEST_CASE(a_barrier_also_follows_many_bytes, session) {
  open(0, 1000);
  give(4, 1000, 300);
  BOOST_TEST((in_flight.back().kind == barrier));
}

BOOST_FIXTURE_TEST_CASE(it_takes_while_the_window_has_room_and_not_beyond, session) {
  open(0, 1000);
  while (pulled)
    give(pulled->entries_max, 1000);
  const auto entries =
      std::count_if(in_flight.begin(), in_flight.end(), [](auto& s) { return s.kind == apply; });
  BOOST_TEST(entries >= 30);
  BOOST_TEST(entries <= 40);
  answer_all();
  BOOST_TEST(pulled.has_value());
}

BOOST_FIXTURE_TEST_CASE(bytes_bound_the_window_too, session) {
  open(0, 1000);
  while (pulled)
    give(std::max<std::uint64_t>(1, pulled->bytes_max / 500), 1000, 500);
  BOOST_TEST(core.bytes_in_flight() <= 4000U);
  BOOST_TEST(core.bytes_in_flight() >= 3000U);
  answer_all();
  BOOST_TEST(core.bytes_in_flight() == 0U);
}

BOOST_AUTO_TEST_CASE(the_smallest_window_holds_one_entry_at_a_time) {
  session s;
  auto limits = small_limits();
  limits.window_entries_max = 1;
  s.core = forwarder_core{"main", limits};
  s.open(0, 5);
  s.answer();
  for (seqno seq = 1; seq <= 5; ++seq) {
    s.give(1, 5);
    BOOST_REQUIRE(!s.pulled.has_value());
    s.answer_all();
  }
  BOOST_TEST(s.done->seq == 5U);
}

BOOST_FIXTURE_TEST_CASE(an_entry_that_is_refused_comes_again_as_an_attempt_and_becomes_a_dead_letter,
                        session) {
  stream(3);
  answer();
  answer("23505"); // Entry 2: the primary refuses it.
  answer("CQ001"); // Entry 3 fails on the gap.
  answer();        // The barrier covers entry 1 alone.
  BOOST_TEST(done->seq == 1U);
  BOOST_TEST(pulled->from_seq == 2U);
  give(2, 3);
  BOOST_TEST((kinds_in_flight() == kinds{attempt, attempt, barrier}));
  answer(rejected_for("23505"));
  answer();
  BOOST_TEST(refused.empty()); // Not before a barrier.
  answer();
  BOOST_REQUIRE(refused.size() == 1U);
  BOOST_TEST(refused.front().seq == 2U);
  BOOST_TEST((refused.front().id == uuid{1, 2}));
  BOOST_TEST(refused.front().sqlstate == "23505");
  BOOST_TEST(refused.front().message == "why");
  BOOST_TEST(done->seq == 3U);
}

BOOST_FIXTURE_TEST_CASE(an_id_that_was_applied_before_is_passed_over_and_is_no_dead_letter, session) {
  stream(2);
  answer("CQ003");
  answer("CQ001");
  answer();
  give(2, 2);
  BOOST_TEST((kinds_in_flight() == kinds{attempt, attempt, barrier}));
  segment_answer skipped;
  skipped.outcome = entry_outcome::skipped;
  answer(skipped);
  answer_all();
  BOOST_TEST(refused.empty());
  BOOST_TEST(done->seq == 2U);
}

BOOST_FIXTURE_TEST_CASE(further_bad_entries_cost_no_resending, session) {
  stream(1);
  answer("23505");
  answer();
  give(1, 1);
  answer_all();
  obey(core.on_available({"main", 11}));
  give(10, 11);
  for (int i = 0; i < 10; ++i) {
    BOOST_TEST((in_flight.front().kind == attempt));
    answer(i % 2 == 0 ? rejected_for("23505") : segment_answer{});
  }
  BOOST_TEST((kinds_in_flight() == kinds{barrier}));
  BOOST_TEST(!pulled.has_value());
  answer();
  BOOST_TEST(refused.size() == 5U);
  BOOST_TEST(done->seq == 11U);
}

BOOST_FIXTURE_TEST_CASE(care_ends_after_a_run_of_entries_without_trouble, session) {
  auto limits = small_limits();
  limits.careful_entries = 3;
  core = forwarder_core{"main", limits};
  stream(1);
  answer("23505");
  answer();
  const auto one_more = [&](seqno seq, const segment_answer& a) {
    if (!pulled)
      obey(core.on_available({"main", seq}));
    give(1, seq);
    const auto kind = in_flight.front().kind;
    answer(a);
    answer_all();
    return kind;
  };
  kinds sent;
  for (seqno seq = 1; seq <= 4; ++seq)
    sent.push_back(one_more(seq, seq == 2 ? rejected_for("23505") : segment_answer{}));
  BOOST_TEST((sent == kinds{attempt, attempt, attempt, attempt}));
  sent.clear();
  for (seqno seq = 5; seq <= 6; ++seq)
    sent.push_back(one_more(seq, {}));
  BOOST_TEST((sent == kinds{attempt, apply}));
}

BOOST_FIXTURE_TEST_CASE(an_error_that_passes_is_resent_as_it_was_and_costs_the_entry_nothing, session) {
  stream(1);
  answer("40001");
  answer();
  give(1, 1);
  BOOST_TEST((kinds_in_flight() == kinds{apply, barrier}));
  answer_all();
  BOOST_TEST(done->seq == 1U);
  BOOST_TEST(refused.empty());
}

BOOST_FIXTURE_TEST_CASE(an_error_that_does_not_pass_gives_the_link_a_rest_and_never_buries_the_entry,
                        session) {
  stream(1);
  for (int i = 0; i < 3; ++i) {
    answer("40001");
    answer();
    BOOST_REQUIRE(!quit.has_value());
    give(1, 1);
  }
  answer("40001");
  BOOST_TEST((quit_code() == fault_code::primary_busy));
  BOOST_TEST(refused.empty());
}

BOOST_FIXTURE_TEST_CASE(resends_are_counted_for_each_entry_alone, session) {
  open(0, 1000);
  answer();
  for (int i = 0; i < 20; ++i) { // Each entry fails once, then passes.
    give(1, 1000);
    answer("40001");
    give(1, 1000); // Asked for before the failure: dropped.
    give(1, 1000);
    answer_all();
    BOOST_REQUIRE(!quit.has_value());
  }
  BOOST_TEST(pulled->from_seq == 21U);
}

BOOST_FIXTURE_TEST_CASE(a_batch_that_was_asked_for_before_an_entry_failed_is_not_sent, session) {
  open(0, 100);
  give(10, 100); // ... and the next ten are asked for.
  answer();
  answer("23505");
  give(10, 100);
  BOOST_TEST(in_flight.size() == 9U);
  BOOST_TEST(pulled->from_seq == 1U);
}

BOOST_FIXTURE_TEST_CASE(an_attempt_that_the_primary_refuses_as_well_needs_an_operator, session) {
  stream(1);
  answer("23505");
  answer();
  give(1, 1);
  answer("42501");
  BOOST_TEST((quit_code() == fault_code::diverged));
}

BOOST_FIXTURE_TEST_CASE(an_attempt_that_fails_for_a_reason_that_passes_is_sent_again, session) {
  stream(1);
  answer("23505");
  answer();
  give(1, 1);
  answer("40001");
  answer();
  give(1, 1);
  BOOST_TEST((kinds_in_flight() == kinds{attempt, barrier}));
  answer_all();
  BOOST_TEST(done->seq == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_gap_that_no_failure_explains_ends_the_session, session) {
  stream(1);
  answer("CQ001");
  BOOST_TEST((quit_code() == fault_code::link_lost));
}

BOOST_FIXTURE_TEST_CASE(a_newer_owner_fences_entries_and_barriers_alike, session) {
  open(0, 0);
  answer("CQ002");
  BOOST_TEST((quit_code() == fault_code::fenced));
  session other;
  other.stream(1);
  other.answer("CQ002");
  BOOST_TEST((other.quit_code() == fault_code::fenced));
}

BOOST_FIXTURE_TEST_CASE(answers_out_of_order_are_a_fault_of_ours, session) {
  stream(2);
  in_flight.pop_front();
  answer();
  BOOST_TEST((quit_code() == fault_code::internal));
}

BOOST_FIXTURE_TEST_CASE(a_log_that_gives_nothing_where_it_should_ends_the_session_instead_of_asking_on,
                        session) {
  open(0, 5);
  give(0, 5);
  BOOST_TEST((quit_code() == fault_code::store_unavailable));
}

BOOST_FIXTURE_TEST_CASE(in_front_of_a_hole_everything_is_settled_before_the_session_ends, session) {
  const fault hole{fault_code::diverged, "nothing at 3", ""};
  open(0, 9);
  give(2, 9);
  BOOST_TEST(pulled->from_seq == 3U);
  pulled.reset();
  obey(core.on_hole(hole, at(now).steady));
  BOOST_TEST((in_flight.back().kind == barrier));
  answer();
  answer("23505"); // Entry 1 has to come round again: the hole is not reached yet.
  answer("CQ001");
  answer();
  BOOST_TEST(!quit.has_value());
  give(2, 9);
  pulled.reset();
  obey(core.on_hole(hole, at(now).steady));
  BOOST_TEST(!pulled.has_value());
  while (in_flight.size() > 1)
    answer();
  BOOST_TEST(!quit.has_value());
  answer();
  BOOST_TEST(done->seq == 2U);
  BOOST_TEST((quit_code() == fault_code::no_progress)); // The next session passes over it.
}

BOOST_FIXTURE_TEST_CASE(a_hole_that_was_met_before_an_entry_failed_is_asked_for_again, session) {
  open(0, 9);
  give(2, 9);
  answer();
  answer("23505");
  pulled.reset();
  obey(core.on_hole({fault_code::diverged, "nothing at 3", ""}, at(now).steady));
  BOOST_TEST(!quit.has_value());
  BOOST_REQUIRE(pulled.has_value());
  BOOST_TEST(pulled->from_seq == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_primary_that_stops_answering_is_stalled_after_the_timeout_and_not_before, session) {
  stream(1);
  obey(core.on_tick(at(4999ms).steady));
  BOOST_TEST(!quit.has_value());
  now = 3s;
  answer(); // It answers slowly: that is no stall.
  obey(core.on_tick(at(7999ms).steady));
  BOOST_TEST(!quit.has_value());
  obey(core.on_tick(at(8000ms).steady));
  BOOST_TEST((quit_code() == fault_code::stalled));
}

BOOST_FIXTURE_TEST_CASE(a_stall_is_reckoned_from_the_sending_after_an_idle_time, session) {
  stream(1);
  answer_all();
  now = 1900ms;
  obey(core.on_available({"main", 2}));
  now = 60s;
  give(1, 2);
  obey(core.on_tick(at(64'999ms).steady));
  BOOST_TEST(!quit.has_value());
}

BOOST_FIXTURE_TEST_CASE(an_idle_session_has_a_heartbeat_one_at_a_time, session) {
  stream(1);
  answer_all();
  obey(core.on_tick(at(1999ms).steady));
  BOOST_TEST(in_flight.empty());
  obey(core.on_tick(at(2000ms).steady));
  obey(core.on_tick(at(4100ms).steady));
  BOOST_TEST((kinds_in_flight() == kinds{heartbeat}));
  answer("57P01");
  BOOST_TEST((quit_code() == fault_code::link_lost));
}

BOOST_FIXTURE_TEST_CASE(a_drain_takes_no_more_and_ends_when_all_is_answered_and_committed, session) {
  open(0, 100);
  give(10, 100);
  obey(core.drain(at(now).steady));
  give(10, 100);
  BOOST_TEST((in_flight.back().kind == barrier));
  while (in_flight.size() > 1)
    answer();
  BOOST_TEST(!quit.has_value());
  answer();
  BOOST_TEST(done->seq == 10U);
  BOOST_REQUIRE(quit.has_value());
  BOOST_TEST(!*quit);
}

BOOST_FIXTURE_TEST_CASE(a_drain_of_an_idle_or_unopened_session_ends_at_once, session) {
  obey(core.drain(at(now).steady));
  BOOST_TEST((quit.has_value() && !*quit));
}

} // namespace chasqui
