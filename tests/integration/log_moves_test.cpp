#include <boost/test/unit_test.hpp>

#include "tests/support/log_stores.hpp"

// How a log goes on from another one: adopt, import and renumber.

using namespace chasqui;
using namespace chasqui::test;

namespace {

/// Entries `first..last` as another store would hand them over; entry n is transaction n + `shift`.
std::vector<entry> entries_from(seqno first, seqno last, std::uint64_t shift = 0) {
  std::vector<entry> out;
  for (auto seq = first; seq <= last; ++seq)
    out.push_back({seq, test_id(seq + shift), test_time(seq + shift), test_payload(seq + shift)});
  return out;
}

lane_marks ending_at(seqno head, seqno replicated = 0) {
  return {"main", 1, head, replicated, replicated, replicated, {}};
}

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(an_adopted_end_cuts_off_what_lies_beyond_it, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append(test_items(1, 1200));
  BOOST_TEST(log.adopt({"main", 1, 7, 5, 4, 3, {}}).message == "");
  BOOST_TEST(log.read(1).entries.size() == 7U);
  BOOST_CHECK(log.find(test_id(8)).problem.code == fault_code::not_found);
  BOOST_CHECK(log.find(test_id(1200)).problem.code == fault_code::not_found);
  BOOST_TEST(log.find(test_id(7)).seq == 7U);
  const auto again = log.append({test_item(9), test_item(7)});
  BOOST_REQUIRE_EQUAL(again.slots.size(), 2U);
  BOOST_TEST(!again.slots[0].repeated);
  BOOST_TEST(again.slots[0].seq == 8U);
  BOOST_TEST(again.slots[1].repeated);
  BOOST_TEST(again.slots[1].seq == 7U);
  BOOST_CHECK(log.find(test_id(8)).problem.code == fault_code::not_found); // Another one has its number now.
  const auto lane = log.open().lanes.at(0);
  BOOST_TEST(lane.head == 8U);
  BOOST_TEST(lane.committed == 5U);
  BOOST_TEST(lane.replicated == 4U);
  BOOST_TEST(lane.released == 3U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_adopted_end_before_all_entries_leaves_none, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append(test_items(1, 5));
  BOOST_TEST(log.adopt(ending_at(0)).message == "");
  auto lane = log.open().lanes.at(0);
  BOOST_TEST(lane.head == 0U);
  BOOST_TEST(lane.first == 1U);
  BOOST_TEST(log.append({test_item(3)}).slots.at(0).seq == 1U);
  lane = log.open().lanes.at(0);
  BOOST_TEST(lane.head == 1U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(numbers_that_an_adopted_end_passes_over_are_reported_missing, Store,
                              both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append(test_items(1, 5));
  BOOST_TEST(log.adopt(ending_at(9)).message == "");
  auto hole = log.read(6);
  BOOST_CHECK(hole.problem.code == fault_code::diverged);
  BOOST_TEST(hole.missing_to == 9U);
  BOOST_TEST(log.read(10).problem.message == "");
  BOOST_TEST(log.append({test_item(10)}).slots.at(0).seq == 10U);
  BOOST_TEST(log.read(1).entries.size() == 5U);
  hole = log.read(7);
  BOOST_CHECK(hole.problem.code == fault_code::diverged);
  BOOST_TEST(hole.missing_to == 9U);
  BOOST_TEST(hole.problem.message == "The log of lane main has nothing under the numbers 7 to 9.");
  BOOST_REQUIRE_EQUAL(log.read(10).entries.size(), 1U);
  const auto lane = log.open().lanes.at(0);
  BOOST_TEST(lane.first == 1U);
  BOOST_TEST(lane.head == 10U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_empty_lane_goes_on_behind_the_end_it_adopts, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  BOOST_TEST(log.adopt(ending_at(100, 90)).message == "");
  BOOST_TEST(log.append({test_item(1)}).slots.at(0).seq == 101U);
  const auto lane = log.open().lanes.at(0);
  BOOST_TEST(lane.first == 101U);
  BOOST_TEST(lane.head == 101U);
  BOOST_TEST(lane.replicated == 90U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_lane_is_adopted_and_the_others_stay, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append({test_item(1), test_item(2, "bulk"), test_item(3, "bulk")});
  BOOST_TEST(log.adopt(ending_at(0)).message == "");
  BOOST_TEST(log.read(1, 10, 1000, "bulk").entries.size() == 2U);
  BOOST_TEST(log.find(test_id(3)).seq == 2U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(imported_entries_keep_number_id_time_and_payload, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  BOOST_TEST(log.adopt(ending_at(40)).message == "");
  BOOST_TEST(log.import(entries_from(41, 45)).message == "");
  BOOST_TEST(log.import({}).message == "");
  BOOST_TEST(log.import(entries_from(46, 46)).message == "");
  const auto slice = log.read(41);
  BOOST_REQUIRE_EQUAL(slice.entries.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) {
    BOOST_TEST(slice.entries[i].seq == 41 + i);
    BOOST_CHECK(slice.entries[i].id == test_id(41 + i));
    BOOST_CHECK(slice.entries[i].at == test_time(41 + i));
    BOOST_TEST(slice.entries[i].payload == test_payload(41 + i));
  }
  BOOST_TEST(log.find(test_id(43)).seq == 43U);
  const auto again = log.append({test_item(44), test_item(99)});
  BOOST_TEST(again.slots.at(0).repeated);
  BOOST_TEST(again.slots.at(0).seq == 44U);
  BOOST_TEST(again.slots.at(1).seq == 47U);
  BOOST_TEST(log.open().lanes.at(0).head == 47U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_import_that_does_not_follow_the_head_is_refused_whole, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append(test_items(1, 5));
  for (const seqno first : {5U, 7U, 1U}) {
    const auto problem = log.import(entries_from(first, first + 2, 50));
    BOOST_CHECK(problem.code == fault_code::diverged);
    BOOST_TEST(problem.message.find("ends at 5, not before " + std::to_string(first)) != std::string::npos,
               problem.message);
  }
  BOOST_TEST(log.read(1).entries.size() == 5U);
  BOOST_CHECK(log.find(test_id(57)).problem.code == fault_code::not_found);
  BOOST_TEST(log.append({test_item(6)}).slots.at(0).seq == 6U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_id_known_from_elsewhere_points_to_where_it_was_imported, Store,
                              both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append({test_item(1, "bulk")});
  BOOST_TEST(log.import(entries_from(1, 1)).message == "");
  const auto place = log.find(test_id(1));
  BOOST_TEST(place.lane == "main");
  BOOST_TEST(place.seq == 1U);
  const auto again = log.append({test_item(1)});
  BOOST_TEST(again.slots.at(0).repeated);
  BOOST_TEST(again.slots.at(0).lane == "main");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(renumbering_keeps_order_ids_times_and_payloads, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append(test_items(1, 700));
  BOOST_TEST(log.mark({"main", 1, 700, 600, 500, 400, {}}, 300).message == "");
  BOOST_TEST(log.renumber(1001).message == "");
  const auto lane = log.open().lanes.at(0);
  BOOST_TEST(lane.first == 1001U);
  BOOST_TEST(lane.head == 1400U);
  BOOST_TEST(lane.committed == 600U);
  BOOST_TEST(lane.replicated == 500U);
  BOOST_TEST(lane.released == 400U);
  BOOST_CHECK(lane.oldest_at == instant{}); // Nobody has the number 501 any more.
  const auto slice = log.read(1001);
  BOOST_REQUIRE_EQUAL(slice.entries.size(), 400U);
  for (std::uint64_t i = 0; i < 400; ++i) {
    BOOST_REQUIRE_EQUAL(slice.entries[i].seq, 1001 + i);
    BOOST_REQUIRE(slice.entries[i].id == test_id(301 + i));
    BOOST_REQUIRE(slice.entries[i].at == test_time(301 + i));
    BOOST_REQUIRE_EQUAL(slice.entries[i].payload, test_payload(301 + i));
  }
  BOOST_TEST(log.find(test_id(301)).seq == 1001U);
  BOOST_TEST(log.find(test_id(700)).payload == test_payload(700));
  const auto again = log.append({test_item(500), test_item(701)});
  BOOST_TEST(again.slots.at(0).repeated);
  BOOST_TEST(again.slots.at(0).seq == 1200U);
  BOOST_TEST(again.slots.at(1).seq == 1401U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(renumbering_closes_holes, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append(test_items(1, 3));
  BOOST_TEST(log.adopt(ending_at(10)).message == "");
  log.append(test_items(11, 12));
  BOOST_TEST(log.renumber(13).message == "");
  const auto slice = log.read(13);
  BOOST_REQUIRE_EQUAL(slice.entries.size(), 5U);
  BOOST_CHECK(slice.entries[2].id == test_id(3));
  BOOST_CHECK(slice.entries[3].id == test_id(11));
  BOOST_TEST(slice.entries[4].seq == 17U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(renumbering_takes_dead_letters_along, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append(test_items(1, 4));
  BOOST_TEST(log.bury(test_refusal(1, 1)).message == "");
  BOOST_TEST(log.bury(test_refusal(3, 3)).message == "");
  BOOST_TEST(log.mark(marks_up_to(2, 4), 2).message == "");
  BOOST_TEST(log.renumber(10).message == "");
  const auto page = log.list_dead().page;
  BOOST_TEST(page.total == 2U);
  BOOST_REQUIRE_EQUAL(page.letters.size(), 2U);
  BOOST_TEST(page.letters[0].why.seq == 1U); // Its entry was gone already.
  BOOST_TEST(page.letters[1].why.seq == 10U);
  BOOST_TEST(page.letters[1].payload == test_payload(3));
  const auto place = log.find(test_id(3));
  BOOST_TEST(place.dead);
  BOOST_TEST(place.seq == 10U);
  BOOST_TEST(log.find(test_id(1)).seq == 1U);
  BOOST_TEST(!log.find(test_id(4)).dead);
  BOOST_TEST(log.find(test_id(4)).seq == 11U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(numbers_that_were_given_are_not_given_again_by_renumbering, Store,
                              both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append(test_items(1, 4));
  const auto problem = log.renumber(4);
  BOOST_CHECK(problem.code == fault_code::diverged);
  BOOST_TEST(problem.message.find("ends at 4, not before 4") != std::string::npos, problem.message);
  BOOST_TEST(log.read(1).entries.size() == 4U);
  BOOST_TEST(log.find(test_id(1)).seq == 1U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(renumbering_an_empty_lane_moves_its_end, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  BOOST_TEST(log.renumber(50).message == "");
  BOOST_TEST(log.append({test_item(1)}).slots.at(0).seq == 50U);
  BOOST_TEST(log.open().lanes.at(0).head == 50U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_transaction_in_the_place_of_a_dead_one_is_not_dead, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append(test_items(1, 3));
  BOOST_TEST(log.bury(test_refusal(3, 3)).message == "");
  BOOST_TEST(log.adopt(ending_at(2)).message == "");
  BOOST_TEST(log.append({test_item(4)}).slots.at(0).seq == 3U);
  const auto place = log.find(test_id(4));
  BOOST_TEST(place.seq == 3U);
  BOOST_TEST(!place.dead);
  BOOST_TEST(place.payload == test_payload(4));
}
