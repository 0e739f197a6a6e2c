#include "messages/json.hpp"
#include "tests/unit/marked_desk.hpp"

namespace chasqui {

namespace {

/// A lane of 60 entries that catches up as long as more than 20 are not committed.
struct lagging_desk : marked_desk {
  lagging_desk() {
    auto bounds = limits();
    bounds.catching_up_entries = 20;
    start_with(bounds);
    open(60);
    commit(1);
    marked();
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(each_mark_moves_once_and_tells_the_range_it_passed, marked_desk) {
  open(9);
  commit(3);
  commit(7);
  commit(7);
  commit(5);
  const auto events_told = told(event_kind::committed);
  BOOST_REQUIRE(events_told.size() == 2U);
  BOOST_TEST(events_told[1].from_seq == 4U);
  BOOST_TEST(events_told[1].to_seq == 7U);
  BOOST_TEST(lane().committed == 7U);
}

BOOST_FIXTURE_TEST_CASE(nothing_replicates_before_it_is_committed, marked_desk) {
  open(9);
  commit(3);
  replicate(4);
  BOOST_TEST(lane().replicated == 0U);
  replicate(3);
  BOOST_TEST(lane().replicated == 3U);
  BOOST_TEST(lane().released == 3U);
}

BOOST_FIXTURE_TEST_CASE(what_an_earlier_run_has_committed_counts_as_sent, marked_desk) {
  open(9, 6, 4);
  BOOST_TEST(lane().sent == 6U);
  took(7, 8);
  BOOST_TEST(lane().sent == 8U);
  took(4, 5); // A new session sends them again.
  BOOST_TEST(lane().sent == 6U);
}

BOOST_FIXTURE_TEST_CASE(a_dead_letter_is_not_released_before_the_store_has_it_among_its_own, marked_desk) {
  open(9);
  reject(4);
  BOOST_REQUIRE(burying.size() == 1U);
  commit(9);
  replicate(9);
  BOOST_TEST(lane().released == 3U);
  buried(4);
  BOOST_TEST(lane().released == 9U);
  BOOST_TEST(counting); // The store knows how many there are; it may have had this one before.
  core.on_counted(7);
  BOOST_TEST(core.report(at().wall).dead_letters == 7U);
}

BOOST_FIXTURE_TEST_CASE(a_dead_letter_that_is_told_again_is_buried_and_told_once, marked_desk) {
  open(9);
  reject(4);
  reject(4);
  BOOST_TEST(burying.size() == 1U);
  buried(4);
  reject(4);
  BOOST_TEST(burying.empty());
  BOOST_TEST(told(event_kind::rejected).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(an_earlier_entry_that_only_the_new_primary_refuses_is_a_dead_letter_too,
                        marked_desk) {
  open(9);
  reject(7);
  reject(5);
  BOOST_TEST(burying.size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(
    a_dead_letter_that_the_store_has_no_room_for_is_tried_again_and_the_store_is_not_given_up, marked_desk) {
  open(9);
  reject(4);
  buried(4, fault_code::store_full);
  BOOST_TEST(!core.may_take({"main", 1, 1, 1})); // What makes room goes on.
  pass(1s);
  BOOST_REQUIRE(burying.size() == 1U);
  buried(4);
  pass(5s);
  BOOST_TEST(burying.empty());
}

BOOST_FIXTURE_TEST_CASE(a_dead_letter_that_was_not_kept_is_buried_when_the_store_is_back, marked_desk) {
  open(9);
  reject(4);
  buried(4, fault_code::store_unavailable);
  reject(5);
  BOOST_TEST(burying.empty());
  open(9);
  BOOST_TEST(burying.size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_letter_that_stands_elsewhere_by_now_may_come_again_under_the_same_number,
                        marked_desk) {
  open(9);
  reject(4);
  commit(9);
  replicate(9);
  buried(4, fault_code::diverged);
  BOOST_TEST(lane().released == 9U); // Nothing waits for it any more.
  reject(4);
  BOOST_TEST(burying.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_letter_does_not_hide_another_one_at_its_number, marked_desk) {
  open(9);
  reject(4);
  buried(4);
  auto other = letter(4);
  other.id = {0, 99};
  obey(core.on_rejected(other, at()));
  BOOST_REQUIRE(burying.size() == 1U);
  BOOST_TEST((burying.front().id == other.id));
}

BOOST_FIXTURE_TEST_CASE(what_is_remembered_counts_when_the_same_log_is_opened_again, marked_desk) {
  open(9);
  commit(9);
  appended({fault_code::store_unavailable, "gone", ""});
  open(9, 5);
  BOOST_TEST(lane().committed == 9U);
  BOOST_TEST(!dismissed);
}

BOOST_FIXTURE_TEST_CASE(what_is_remembered_of_a_log_that_somebody_else_had_does_not_count, marked_desk) {
  open(9);
  commit(9);
  reject(8);
  obey(core.on_opened({{fault_code::held, "the other one's", ""}, 0, {}, {}, {}, {}, 0}, at()));
  burying.clear();
  open(12, 5);
  BOOST_TEST(lane().committed == 5U);
  BOOST_TEST(burying.empty());
  BOOST_TEST(dismissed);
}

BOOST_FIXTURE_TEST_CASE(what_is_remembered_of_numbers_that_are_final_only_now_does_not_count, marked_desk) {
  open(9);
  commit(9);
  obey(core.on_store_change({store_kind::journal, durability::fsynced, "Redis is back", true}, at()));
  open(12, 5);
  BOOST_TEST(lane().committed == 5U);
  BOOST_TEST(dismissed);
}

BOOST_FIXTURE_TEST_CASE(a_log_that_ends_earlier_than_before_has_committed_only_what_it_says, marked_desk) {
  open(9);
  commit(9);
  replicate(9);
  appended({fault_code::store_unavailable, "gone", ""});
  open(4, 2);
  BOOST_TEST(lane().committed == 2U);
  submit(5);
  kept();
  BOOST_TEST((stage_of(5) == stage::buffered));
  BOOST_TEST(dismissed);
}

BOOST_FIXTURE_TEST_CASE(a_decision_is_not_released_before_the_store_knows_what_it_has_done, marked_desk) {
  const uuid letter{0, 77};
  const auto piece = [&](stage becomes) {
    return resolved{"main", 4, {0, 4}, {}, {{letter, becomes, "23505", "twice"}}};
  };
  const auto store_answers = [&](fault_code problem = fault_code::none) {
    const auto what = settling.front();
    settling.erase(settling.begin());
    obey(core.on_settled(what, {problem, "", ""}, at()));
  };
  open(9);
  obey(core.on_resolved(piece(stage::rejected), at()));
  obey(core.on_resolved(piece(stage::committed), at()));
  commit(9);
  replicate(9);
  BOOST_TEST(lane().released == 3U);
  BOOST_REQUIRE(settling.size() == 2U);
  store_answers(); // Of the first piece: the second is not kept yet.
  BOOST_TEST(lane().released == 3U);
  store_answers(fault_code::unavailable);
  pass(1s);
  BOOST_REQUIRE(settling.size() == 1U);
  BOOST_TEST(settling.front().letters.size() == 2U);
  store_answers();
  BOOST_TEST(lane().released == 9U);
  BOOST_TEST(told(event_kind::rejected).size() == 1U);
  BOOST_TEST(told(event_kind::settled).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_parked_entry_is_told_as_such, marked_desk) {
  open(9);
  obey(core.on_rejected({"main", 4, {0, 4}, "CQ008", "parked", {}, {{0, 3}}}, at()));
  BOOST_TEST(told(event_kind::parked).size() == 1U);
  const log_place place{{}, "main", 4, {}, "{}", false, {}};
  BOOST_TEST((core.tell({0, 4}, place).stage == stage::parked));
}

BOOST_FIXTURE_TEST_CASE(what_a_decision_has_settled_is_as_far_as_the_decision, marked_desk) {
  open(9);
  const uuid letter{0, 77};
  const auto place_of = [&](letter_action action, uuid about, bool family) {
    return log_place{{},    "main", 4,   {}, encode_decision({{0, 4}, about, action, family, "", "", ""}),
                     false, {},     true};
  };
  const auto stage_of = [&](const log_place& place) { return core.tell(letter, place).stage; };
  commit(4);
  BOOST_TEST((stage_of(place_of(letter_action::retry, letter, false)) == stage::committed));
  BOOST_TEST((stage_of(place_of(letter_action::discard, letter, false)) == stage::discarded));
  BOOST_TEST((stage_of(place_of(letter_action::discard, {0, 3}, true)) == stage::discarded));
  BOOST_TEST((stage_of(place_of(letter_action::discard, {0, 3}, false)) == stage::committed)); // Only tried.
}

BOOST_FIXTURE_TEST_CASE(marks_are_saved_at_most_once_an_interval_and_with_what_may_be_trimmed, marked_desk) {
  open(50);
  commit(40);
  BOOST_REQUIRE(marks.size() == 2U); // Opening a lane makes its marks known.
  marked();
  replicate(30);
  BOOST_TEST(marks.empty());
  pass(100ms);
  BOOST_REQUIRE(marks.size() == 1U);
  BOOST_TEST(marks.front().marks.committed == 40U);
  BOOST_TEST(marks.front().marks.released == 30U);
  BOOST_TEST(marks.front().trim_through == 20U); // Ten are retained.
  BOOST_TEST(marks.front().marks.first == 21U);
  marked();
  pass(1s);
  BOOST_TEST(marks.empty());
}

BOOST_FIXTURE_TEST_CASE(released_entries_are_kept_no_longer_than_they_have_to_be, marked_desk) {
  auto bounds = limits();
  bounds.retain_for = 10s;
  start_with(bounds);
  open(50);
  commit(50);
  marked();
  replicate(4);
  pass(7s);
  replicate(7);
  marked();
  pass(4s); // Entry 4 has outlived its time; but as long as nothing is released, there may be a reason.
  for (const auto& order : marks)
    BOOST_TEST(order.trim_through == 0U);
  marked();
  replicate(8);
  pass(100ms);
  BOOST_REQUIRE(!marks.empty());
  BOOST_TEST(marks.back().trim_through == 4U);
  marked();
  replicate(40); // The bound in entries holds as before.
  pass(100ms);
  BOOST_TEST(marks.back().trim_through == 30U);
}

BOOST_FIXTURE_TEST_CASE(while_a_lane_catches_up_no_more_is_trimmed_than_comes_in, lagging_desk) {
  commit(30);
  replicate(30);
  pass(100ms);
  BOOST_REQUIRE(!marks.empty());
  BOOST_TEST(marks.back().trim_through == 0U); // 30 are not committed, and nothing has come in.
  marked();
  submit(1001);
  kept();
  pass(100ms);
  BOOST_REQUIRE(!marks.empty());
  BOOST_TEST(marks.back().trim_through == 1U);
  marked();
  commit(41); // 20 are left: it has caught up.
  pass(100ms);
  BOOST_REQUIRE(!marks.empty());
  BOOST_TEST(marks.back().trim_through == 20U);
  marked();
  pass(1s);
  BOOST_TEST(marks.empty());
}

BOOST_FIXTURE_TEST_CASE(a_full_store_is_trimmed_while_a_lane_catches_up, lagging_desk) {
  submit(1001);
  appended({fault_code::store_full, "OOM", ""});
  commit(30);
  replicate(30);
  pass(100ms);
  BOOST_REQUIRE(!marks.empty());
  BOOST_TEST(marks.back().trim_through == 20U);
}

BOOST_FIXTURE_TEST_CASE(much_is_trimmed_bit_by_bit_so_that_marks_are_saved_in_between, marked_desk) {
  auto bounds = limits();
  bounds.trim_entries_max = 8;
  start_with(bounds);
  open(50);
  commit(50);
  marked();
  replicate(30);
  std::vector<seqno> trimmed;
  for (int i = 0; i < 5; ++i) {
    pass(100ms);
    if (!marks.empty())
      trimmed.push_back(marks.back().trim_through);
    marked();
  }
  BOOST_TEST(trimmed == (std::vector<seqno>{8, 16, 20}), boost::test_tools::per_element());
  obey(core.drain(at()));
  BOOST_TEST((quit && !*quit)); // Nothing is left to be saved.
}

BOOST_FIXTURE_TEST_CASE(a_stop_does_not_wait_until_all_is_trimmed, marked_desk) {
  auto bounds = limits();
  bounds.trim_entries_max = 1;
  start_with(bounds);
  open(50);
  commit(50);
  marked();
  replicate(50);
  obey(core.drain(at()));
  BOOST_REQUIRE(marks.size() == 1U);
  BOOST_TEST(marks.back().marks.released == 50U);
  marked();
  BOOST_TEST((quit && !*quit));
}

BOOST_FIXTURE_TEST_CASE(what_was_released_before_a_restart_is_kept_from_then_on, marked_desk) {
  auto bounds = limits();
  bounds.retain_for = 10s;
  start_with(bounds);
  open(20, 8);
  pass(9s);
  commit(20);
  marked();
  replicate(9);
  pass(100ms);
  BOOST_TEST(marks.back().trim_through == 0U);
  marked();
  pass(1s);
  replicate(10);
  pass(100ms);
  BOOST_TEST(marks.back().trim_through == 8U);
}

BOOST_FIXTURE_TEST_CASE(marks_that_could_not_be_saved_are_saved_later, marked_desk) {
  open(9);
  commit(5);
  marked({fault_code::store_full, "OOM", ""});
  BOOST_TEST(!core.may_take({"main", 1, 1, 1}));
  pass(100ms);
  BOOST_TEST(!marks.empty());
}

BOOST_FIXTURE_TEST_CASE(an_owner_that_is_fenced_while_it_saves_quits, marked_desk) {
  open(9);
  commit(5);
  marked({fault_code::fenced, "newer", ""});
  BOOST_REQUIRE(quit.has_value());
  BOOST_TEST((quit->code == fault_code::fenced));
}

BOOST_FIXTURE_TEST_CASE(what_was_told_while_the_store_was_away_is_not_forgotten, marked_desk) {
  open(9);
  submit(1);
  appended({fault_code::store_unavailable, "gone", ""});
  commit(5);
  open(9);
  BOOST_TEST(lane().committed == 5U);
  pass(100ms);
  BOOST_REQUIRE(!marks.empty());
  BOOST_TEST(marks.back().marks.lane == "main");
  BOOST_TEST(marks.back().marks.committed == 5U);
}

BOOST_FIXTURE_TEST_CASE(the_age_of_the_oldest_entry_is_told_until_it_is_replicated, marked_desk) {
  open();
  submit(1);
  kept();
  pass(2s);
  BOOST_TEST(lane().oldest_age_s == 2.0);
  commit(1);
  replicate(1);
  BOOST_TEST(lane().oldest_age_s == 0.0);
}

BOOST_FIXTURE_TEST_CASE(entries_from_before_the_start_have_an_age_too, marked_desk) {
  auto opened = log(9, 2);
  opened.lanes.front().oldest_at = at().wall - 60s;
  obey(core.on_opened(opened, at()));
  BOOST_TEST(lane().oldest_age_s == 60.0);
  commit(5);
  replicate(5);
  BOOST_TEST(lane().oldest_age_s > 0.0);
}

BOOST_FIXTURE_TEST_CASE(a_jump_names_whom_the_roll_knows_and_counts_whom_nobody_knows, marked_desk) {
  open(12, 3);
  const std::vector<roll_line> roll{
      {"main", 4, {0, 4}, {}}, {"main", 5, {}, {}}, {"main", 6, {0, 6}, {}}, {"main", 9, {0, 9}, {}}};
  const auto step = core.end_align({"main", 3, {}}, 7, roll);
  const auto* jump = std::get_if<alignment>(&step);
  BOOST_REQUIRE(jump != nullptr);
  BOOST_TEST(jump->skip_to == 7U);
  BOOST_TEST((jump->suspects == std::vector<uuid>{{0, 4}, {0, 6}})); // What had 5 has another number.
  BOOST_TEST(jump->moved == 1U);
  BOOST_TEST(jump->unnamed == 1U); // 7
}

} // namespace chasqui
