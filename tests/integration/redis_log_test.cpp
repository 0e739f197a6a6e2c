#include <boost/test/unit_test.hpp>

#include "tests/support/log_stores.hpp"

#include <algorithm>

using namespace chasqui;
using namespace chasqui::test;

namespace {

redis_server& redis() { return fresh_redis::server(); }

std::uint64_t keys_like(const std::string& pattern) {
  const auto keys = redis().command({"KEYS", pattern});
  return static_cast<std::uint64_t>(std::count(keys.begin(), keys.end(), '\n'));
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(the_log_in_redis, fresh_log<fresh_redis>)

BOOST_AUTO_TEST_CASE(an_id_that_points_at_no_entry_is_not_believed) {
  log.append({test_item(1), test_item(2)});
  redis().command({"XDEL", "chasqui:{atacama}:log:main", "2-0"});
  const auto kept = log.append({test_item(2)});
  BOOST_REQUIRE_EQUAL(kept.slots.size(), 1U);
  BOOST_TEST(!kept.slots[0].repeated);
  BOOST_TEST(kept.slots[0].seq == 3U);
  BOOST_TEST(log.find(test_id(2)).seq == 3U);
}

// An entry that is handed over may come after the primary's refusal of it.
BOOST_AUTO_TEST_CASE(a_letter_that_was_buried_before_its_entry_came_gets_its_payload) {
  BOOST_TEST(log.bury(test_refusal(7, 7)).message == "");
  BOOST_TEST(log.append({test_item(7)}).slots.at(0).repeated);
  const auto place = log.find(test_id(7));
  BOOST_TEST(place.dead);
  BOOST_TEST(place.payload == test_payload(7));
  BOOST_TEST((place.at == test_time(7)));
  auto other = test_item(7);
  other.payload = "another";
  log.append({other});
  BOOST_TEST(log.find(test_id(7)).payload == test_payload(7));
}

BOOST_AUTO_TEST_CASE(entries_that_are_lost_are_reported_and_not_skipped) {
  log.append(test_items(1, 10));
  redis().command({"XDEL", "chasqui:{atacama}:log:main", "4-0", "5-0"});
  BOOST_TEST(log.read(1).entries.size() == 3U);
  const auto hole = log.read(4).problem;
  BOOST_CHECK(hole.code == fault_code::diverged);
  BOOST_TEST(hole.message == "The log of lane main has nothing under the numbers 4 to 5.");
  redis().command({"DEL", "chasqui:{atacama}:log:main"});
  BOOST_TEST(log.read(3).problem.message == "The log of lane main has nothing under the numbers 3 to 10.");
  BOOST_TEST(log.append({test_item(11)}).slots.at(0).seq == 11U);
}

BOOST_AUTO_TEST_CASE(trimming_removes_exactly_what_was_named_and_its_ids) {
  log.append(test_items(1, 5300));
  BOOST_TEST(keys_like("*:ids:*") > 4000U);
  const auto trimmed = log.begin_mark(marks_up_to(5250, 5300), 5250);
  const auto meanwhile = log.append({test_item(5301)});
  BOOST_TEST(meanwhile.slots.at(0).seq == 5301U);
  BOOST_CHECK(trimmed.wait_for(long_enough) == std::future_status::ready);
  BOOST_TEST(redis().command({"XLEN", "chasqui:{atacama}:log:main"}) == "51");
  BOOST_TEST(log.read(5251).entries.size() == 51U);
  BOOST_CHECK(log.read(5250).problem.code == fault_code::diverged);
  BOOST_TEST(keys_like("*:ids:*") <= 51U);
  BOOST_CHECK(log.find(test_id(5250)).problem.code == fault_code::not_found);
  BOOST_TEST(log.find(test_id(5251)).seq == 5251U);
  BOOST_TEST(log.open().lanes.at(0).first == 5251U);
}

BOOST_AUTO_TEST_CASE(a_log_trimmed_to_nothing_still_knows_its_head) {
  log.append(test_items(1, 9));
  BOOST_TEST(log.mark(marks_up_to(9, 9), 9).message == "");
  redis().command({"HDEL", "chasqui:{atacama}:marks:main", "head"});
  auto lane = log.open().lanes.at(0);
  BOOST_TEST(lane.head == 9U);
  BOOST_TEST(lane.first == 10U);
  redis().command({"DEL", "chasqui:{atacama}:log:main"});
  lane = log.open().lanes.at(0);
  BOOST_TEST(lane.head == 9U);
  BOOST_TEST(log.append({test_item(10)}).slots.at(0).seq == 10U);
}

BOOST_AUTO_TEST_CASE(reading_changes_nothing) {
  log.append(test_items(1, 20));
  const auto before = redis().info("rdb_changes_since_last_save");
  log.read(1);
  log.find(test_id(3));
  log.list_dead();
  BOOST_TEST(redis().info("rdb_changes_since_last_save") == before);
}

BOOST_AUTO_TEST_CASE(a_newer_owner_fences_an_older_one) {
  log.append({test_item(1)});
  log_client other{store.make()};
  const auto first = log.open().epoch;
  BOOST_TEST(other.open().epoch > first);
  const auto refused = log.append({test_item(2)});
  BOOST_CHECK(refused.problem.code == fault_code::fenced);
  BOOST_TEST(refused.problem.message.find("another runtime owns this log") != std::string::npos);
  BOOST_CHECK(log.mark(marks_up_to(1, 1), 1).code == fault_code::fenced);
  BOOST_CHECK(log.bury(test_refusal(1, 1)).code == fault_code::fenced);
  BOOST_TEST(log.read(1).entries.size() == 1U);
  BOOST_TEST(other.append({test_item(2)}).slots.at(0).seq == 2U);
}

BOOST_AUTO_TEST_CASE(the_epoch_rises_even_when_the_clock_was_set_back) {
  redis().command({"HSET", "chasqui:{atacama}:owner", "epoch", "9000000000000"});
  BOOST_TEST(log.open().epoch == 9'000'000'000'001U);
  BOOST_TEST(log.append({test_item(1)}).slots.size() == 1U);
}

BOOST_AUTO_TEST_CASE(two_sites_share_a_redis_and_see_nothing_of_each_other) {
  log_client other{store.make("chajnantor")};
  BOOST_TEST(other.open().problem.message == "");
  other.append({test_item(1)});
  BOOST_TEST(log.read(1).entries.empty());
  BOOST_TEST(log.append({test_item(1)}).slots.at(0).seq == 1U);
  BOOST_TEST(redis().command({"EXISTS", "chasqui:{chajnantor}:log:main"}) == "1");
}

BOOST_AUTO_TEST_SUITE_END()
