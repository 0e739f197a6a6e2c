#include <boost/test/unit_test.hpp>

#include "tests/support/journal_client.hpp"
#include "tests/support/log_stores.hpp"

// What a journal knows of the log that another store keeps: its roll, and where that log ends.

using namespace chasqui;
using namespace chasqui::test;

namespace {

std::vector<roll_line> lines_of(seqno first, seqno last, const std::string& lane = "main") {
  std::vector<roll_line> out;
  for (auto seq = first; seq <= last; ++seq)
    out.push_back({lane, seq, test_id(seq), test_time(seq)});
  return out;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(the_roll, open_journal)

BOOST_AUTO_TEST_CASE(ids_of_the_roll_are_known_and_found_without_a_payload) {
  BOOST_TEST(log.note(1, lines_of(5, 9)).message == "");
  const auto place = log.find(test_id(7));
  BOOST_TEST(place.problem.message == "");
  BOOST_TEST(place.lane == "main");
  BOOST_TEST(place.seq == 7U);
  BOOST_CHECK(place.at == test_time(7));
  BOOST_TEST(place.payload == "");
  BOOST_TEST(!place.dead);
  const auto kept = log.append({test_item(7, "bulk"), test_item(20)});
  BOOST_TEST(kept.slots.at(0).repeated);
  BOOST_TEST(kept.slots.at(0).lane == "main");
  BOOST_TEST(kept.slots.at(0).seq == 7U);
  BOOST_CHECK(kept.slots.at(0).at == test_time(7));
  BOOST_TEST(kept.slots.at(1).seq == 10U);
}

BOOST_AUTO_TEST_CASE(the_head_is_the_greatest_of_entries_marks_and_roll) {
  log.note(1, lines_of(1, 9));
  BOOST_TEST(log.open().lanes.at(0).head == 9U);
  BOOST_TEST(log.open().lanes.at(0).first == 10U);
  log.mark(marks_up_to(4, 12), 0);
  BOOST_TEST(log.open().lanes.at(0).head == 12U);
  log.append({test_item(30)});
  BOOST_TEST(log.open().lanes.at(0).head == 13U);
  BOOST_TEST(log.open().lanes.at(0).first == 13U);
}

BOOST_AUTO_TEST_CASE(the_roll_is_called_in_order_and_as_far_as_asked) {
  log.note(1, lines_of(1, 3));
  log.note(1, lines_of(6, 9));
  log.note(1, lines_of(2, 3)); // Again: changes nothing.
  log.note(1, lines_of(40, 41, "bulk"));
  log.append({test_item(100)});
  const auto all = log.call_roll("main", 0, 1000, 1000).lines;
  const std::vector<seqno> expected{1, 2, 3, 6, 7, 8, 9, 10};
  BOOST_REQUIRE_EQUAL(all.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    BOOST_TEST(all[i].seq == expected[i]);
  BOOST_CHECK(all[2].id == test_id(3));
  BOOST_CHECK(all[2].at == test_time(3));
  BOOST_CHECK(all[7].id == test_id(100));
  const auto part = log.call_roll("main", 3, 8, 3).lines;
  BOOST_REQUIRE_EQUAL(part.size(), 3U);
  BOOST_TEST(part.front().seq == 3U);
  BOOST_TEST(part.back().seq == 7U);
  BOOST_TEST(log.call_roll("bulk", 0, 1000, 1000).lines.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_number_and_an_id_that_are_noted_anew_are_where_they_were_noted_last) {
  log.note(1, lines_of(1, 3));
  log.note(1, {{"main", 8, test_id(2), test_time(2)}, {"main", 3, test_id(33), test_time(33)}});
  BOOST_TEST(log.find(test_id(2)).seq == 8U);
  BOOST_TEST(log.find(test_id(33)).seq == 3U);
  BOOST_CHECK(log.find(test_id(3)).problem.code == fault_code::not_found);
  // What had number 2 has another one: nobody has to look for it.
  std::vector<std::pair<seqno, uuid>> roll;
  for (const auto& line : log.call_roll("main", 0, 10, 10).lines)
    roll.emplace_back(line.seq, line.id);
  BOOST_TEST((roll == std::vector<std::pair<seqno, uuid>>{
                          {1, test_id(1)}, {2, {}}, {3, test_id(33)}, {8, test_id(2)}}));
}

// Numbers of a journal's own may be somebody else's in Redis: only whoever knows says that they were given
// up.
BOOST_AUTO_TEST_CASE(a_number_that_is_given_up_stands_on_the_roll_without_an_id) {
  log.append(test_items(1, 3));
  BOOST_TEST(log.renumber(10).message == "");
  BOOST_TEST(log.call_roll("main", 1, 20, 20).lines.size() == 3U);
  log.note(1, {{"main", 1, {}, {}}, {"main", 2, {}, {}}, {"main", 3, {}, {}}});
  const auto roll = log.call_roll("main", 1, 20, 20).lines;
  BOOST_REQUIRE(roll.size() == 6U);
  for (std::size_t i = 0; i < 3; ++i) {
    BOOST_TEST(roll[i].id.is_nil());
    BOOST_TEST(roll[i + 3].seq == 10 + i);
    BOOST_TEST((roll[i + 3].id == test_id(1 + i)));
  }
  BOOST_TEST(log.mark(marks_up_to(11, 12), 11).message == ""); // They go as entries do.
  BOOST_TEST(log.call_roll("main", 1, 20, 20).lines.size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_struck_is_forgotten_and_its_numbers_are_not_given_again) {
  log.note(1, lines_of(1, 12'000));
  BOOST_TEST(log.strike("main", 11'990).message == "");
  BOOST_TEST(log.call_roll("main", 0, 20'000, 20'000).lines.size() == 10U);
  BOOST_CHECK(log.find(test_id(11'990)).problem.code == fault_code::not_found);
  BOOST_TEST(log.find(test_id(11'991)).seq == 11'991U);
  BOOST_TEST(log.strike("main", 12'000).message == "");
  BOOST_TEST(log.open().lanes.at(0).head == 12'000U);
  BOOST_TEST(log.append({test_item(5)}).slots.at(0).seq == 12'001U);
}

BOOST_AUTO_TEST_CASE(striking_does_not_make_the_journal_forget_ids_of_its_own) {
  log.append(test_items(1, 3));
  BOOST_TEST(log.strike("main", 3).message == "");
  BOOST_TEST(log.append({test_item(2)}).slots.at(0).repeated);
  BOOST_TEST(log.find(test_id(2)).payload == test_payload(2));
}

BOOST_AUTO_TEST_CASE(what_is_trimmed_leaves_the_roll) {
  log.append(test_items(1, 1300));
  BOOST_TEST(log.mark(marks_up_to(1290, 1300), 1290).message == "");
  BOOST_TEST(log.call_roll("main", 0, 2000, 2000).lines.size() == 10U);
  BOOST_CHECK(log.find(test_id(1290)).problem.code == fault_code::not_found);
  BOOST_TEST(log.find(test_id(1291)).seq == 1291U);
  BOOST_TEST(log.read(1291).entries.size() == 10U);
  BOOST_CHECK(log.read(1290).problem.code == fault_code::diverged);
}

BOOST_AUTO_TEST_CASE(a_lane_that_adopted_marks_follows_until_it_is_cleared) {
  BOOST_TEST(!log.open().lanes.at(0).follows);
  log.note(1, lines_of(1, 100));
  BOOST_TEST(log.adopt({"main", 1, 100, 90, 80, 70, {}}).message == "");
  log.append(test_items(101, 900, 3000));
  log.append({test_item(2000, "bulk")});
  auto lane = log.open().lanes.at(0);
  BOOST_TEST(lane.follows);
  BOOST_TEST(lane.first == 101U);
  BOOST_TEST(log.mark({"main", 1, 900, 95, 85, 75, {}}, 200).message == "");
  BOOST_TEST(log.open().lanes.at(0).follows);
  BOOST_TEST(log.clear().message == "");
  BOOST_TEST(!log.open({"main", "bulk"}).lanes.at(0).follows);
  BOOST_TEST(log.read(101).entries.empty());
  BOOST_TEST(log.read(1, 10, 1000, "bulk").entries.size() == 1U); // Nobody has asked for that lane.
  BOOST_TEST(log.clear().message == "");
  const auto opened = log.open({"main", "bulk"});
  lane = opened.lanes.at(0);
  BOOST_TEST(!lane.follows);
  BOOST_TEST(lane.head == 900U);
  BOOST_TEST(lane.first == 901U);
  BOOST_TEST(lane.committed == 95U);
  BOOST_TEST(opened.lanes.at(1).head == 1U);
  BOOST_TEST(log.read(1, 10, 1000, "bulk").entries.empty());
  BOOST_TEST(log.find(test_id(300)).seq == 300U);
  BOOST_TEST(log.find(test_id(300)).payload == "");
  BOOST_TEST(log.append({test_item(900)}).slots.at(0).repeated);
  BOOST_TEST(log.append({test_item(901)}).slots.at(0).seq == 901U);
}

BOOST_AUTO_TEST_CASE(an_adopted_end_strikes_the_roll_beyond_it) {
  log.note(1, lines_of(1, 100));
  BOOST_TEST(log.adopt(marks_up_to(50, 60)).message == "");
  BOOST_TEST(log.open().lanes.at(0).head == 60U);
  BOOST_TEST(log.find(test_id(60)).seq == 60U);
  BOOST_TEST(!log.append({test_item(61)}).slots.at(0).repeated);
}

BOOST_AUTO_TEST_CASE(the_age_of_what_is_owed_is_known_from_the_roll) {
  log.note(1, lines_of(1, 10));
  log.mark({"main", 1, 10, 6, 4, 4, {}}, 0);
  BOOST_CHECK(log.open().lanes.at(0).oldest_at == test_time(5));
}

BOOST_AUTO_TEST_CASE(a_refusal_of_an_entry_of_another_store_keeps_the_time_it_was_kept) {
  log.note(1, lines_of(1, 10));
  BOOST_TEST(log.bury(test_refusal(4, 4)).message == "");
  const auto place = log.find(test_id(4));
  BOOST_TEST(place.dead);
  BOOST_CHECK(place.at == test_time(4));
  BOOST_TEST(place.payload == "");
}

BOOST_AUTO_TEST_SUITE_END()
