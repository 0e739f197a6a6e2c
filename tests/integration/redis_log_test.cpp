#include <boost/test/unit_test.hpp>

#include "adapters/redis.hpp"
#include "tests/support/log_client.hpp"
#include "tests/support/redis_server.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

using namespace chasqui;
using namespace chasqui::test;
using namespace std::string_literals;

namespace {

redis_server& redis() {
  static redis_server server;
  return server;
}

/// A log in a Redis that holds nothing else.
struct fresh_log {
  io_thread io;
  log_client log{make_client()};

  std::unique_ptr<log_store> make_client() {
    redis_settings settings;
    settings.socket = redis().socket();
    return make_redis_log(io, "atacama", settings);
  }
  fresh_log() {
    redis().command({"FLUSHALL"});
    BOOST_REQUIRE_EQUAL(log.open({"main", "bulk"}).problem.message, "");
  }
};

rejected refusal(seqno seq, std::uint64_t item, const std::string& lane = "main") {
  return {lane, seq, test_id(item), "23503", "no such parent", test_time(1000 + item)};
}

lane_marks marks_up_to(seqno seq, seqno head) { return {"main", 1, head, seq, seq, seq, {}}; }

std::uint64_t keys_like(const std::string& pattern) {
  const auto keys = redis().command({"KEYS", pattern});
  return static_cast<std::uint64_t>(std::count(keys.begin(), keys.end(), '\n'));
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(the_log_in_redis, fresh_log)

BOOST_AUTO_TEST_CASE(entries_get_contiguous_numbers_per_lane_in_the_order_given) {
  const auto kept = log.append({test_item(1), test_item(2, "bulk"), test_item(3), test_item(4, "bulk")});
  BOOST_TEST(kept.problem.message == "");
  BOOST_REQUIRE_EQUAL(kept.slots.size(), 4U);
  const std::vector<std::pair<std::string, seqno>> expected{
      {"main", 1}, {"bulk", 1}, {"main", 2}, {"bulk", 2}};
  for (std::size_t i = 0; i < 4; ++i) {
    BOOST_TEST(kept.slots[i].lane == expected[i].first);
    BOOST_TEST(kept.slots[i].seq == expected[i].second);
    BOOST_TEST(!kept.slots[i].repeated);
    BOOST_CHECK(kept.slots[i].at == test_time(i + 1));
  }
  BOOST_TEST(log.append({test_item(5)}).slots.at(0).seq == 3U);
}

BOOST_AUTO_TEST_CASE(appends_that_do_not_wait_for_one_another_keep_their_order) {
  std::vector<std::future<append_result>> answers;
  for (std::uint64_t number = 1; number <= 200; ++number)
    answers.push_back(log.begin_append({test_item(number)}));
  for (std::uint64_t number = 1; number <= 200; ++number)
    BOOST_REQUIRE_EQUAL(get(answers[number - 1]).slots.at(0).seq, number);
}

BOOST_AUTO_TEST_CASE(what_was_appended_is_read_as_it_was_bytes_and_all) {
  auto item = test_item(1);
  item.payload = "{\"x\":\"\xC3\xA4\r\n\0$3\"}"s + std::string(100'000, 'y');
  log.append({item, test_item(2)});
  const auto slice = log.read(1);
  BOOST_TEST(slice.problem.message == "");
  BOOST_REQUIRE_EQUAL(slice.entries.size(), 2U);
  BOOST_TEST(slice.entries[0].seq == 1U);
  BOOST_CHECK(slice.entries[0].id == item.id);
  BOOST_CHECK(slice.entries[0].at == item.at);
  BOOST_TEST(slice.entries[0].payload == item.payload);
  BOOST_TEST(slice.entries[1].seq == 2U);
  BOOST_TEST(slice.entries[1].payload == test_payload(2));
}

BOOST_AUTO_TEST_CASE(reading_stops_at_either_limit_but_gives_one_entry_at_least) {
  log.append(test_items(1, 300, 1000));
  BOOST_TEST(log.read(1, 7).entries.size() == 7U);
  BOOST_TEST(log.read(1, 1000, 10'500).entries.size() == 10U);
  BOOST_TEST(log.read(1, 1000, 1).entries.size() == 1U);
  BOOST_TEST(log.read(1, 0, 0).entries.size() == 1U);
  const auto rest = log.read(251);
  BOOST_REQUIRE_EQUAL(rest.entries.size(), 50U);
  BOOST_TEST(rest.entries.front().seq == 251U);
  BOOST_TEST(rest.entries.back().payload == test_payload(300, 1000));
  BOOST_TEST(log.read(301).entries.empty());
  BOOST_TEST(log.read(301).problem.message == "");
}

BOOST_AUTO_TEST_CASE(the_same_id_again_gets_the_first_slot_and_adds_nothing) {
  log.append({test_item(1), test_item(2)});
  auto again = test_item(2, "bulk");
  again.at = test_time(99);
  const auto kept = log.append({again, test_item(3), test_item(3)});
  BOOST_REQUIRE_EQUAL(kept.slots.size(), 3U);
  BOOST_TEST(kept.slots[0].repeated);
  BOOST_TEST(kept.slots[0].lane == "main");
  BOOST_TEST(kept.slots[0].seq == 2U);
  BOOST_CHECK(kept.slots[0].at == test_time(2));
  BOOST_TEST(!kept.slots[1].repeated);
  BOOST_TEST(kept.slots[2].repeated);
  BOOST_TEST(kept.slots[2].seq == 3U);
  BOOST_TEST(log.read(1).entries.size() == 3U);
  BOOST_TEST(log.read(1, 10, 1000, "bulk").entries.empty());
}

BOOST_AUTO_TEST_CASE(an_id_that_points_at_no_entry_is_not_believed) {
  log.append({test_item(1), test_item(2)});
  redis().command({"XDEL", "chasqui:{atacama}:log:main", "2-0"});
  const auto kept = log.append({test_item(2)});
  BOOST_REQUIRE_EQUAL(kept.slots.size(), 1U);
  BOOST_TEST(!kept.slots[0].repeated);
  BOOST_TEST(kept.slots[0].seq == 3U);
  BOOST_TEST(log.find(test_id(2)).seq == 3U);
}

BOOST_AUTO_TEST_CASE(entries_that_are_lost_are_reported_and_not_skipped) {
  log.append(test_items(1, 10));
  redis().command({"XDEL", "chasqui:{atacama}:log:main", "4-0", "5-0"});
  BOOST_TEST(log.read(1).entries.size() == 3U);
  const auto hole = log.read(4).problem;
  BOOST_CHECK(hole.code == fault_code::diverged);
  BOOST_TEST(hole.message == "The log of lane main has lost its entries 4 to 5.");
  redis().command({"DEL", "chasqui:{atacama}:log:main"});
  BOOST_TEST(log.read(3).problem.message == "The log of lane main has lost its entries 3 to 10.");
  BOOST_TEST(log.append({test_item(11)}).slots.at(0).seq == 11U);
}

BOOST_AUTO_TEST_CASE(trimming_removes_exactly_what_was_named_and_its_ids) {
  log.append(test_items(1, 5300));
  BOOST_TEST(keys_like("*:ids:*") > 4000U);
  const auto trimmed = log.begin_mark(marks_up_to(5250, 5300), 5250);
  const auto meanwhile = log.append({test_item(5301)});
  BOOST_TEST(meanwhile.slots.at(0).seq == 5301U);
  BOOST_CHECK(trimmed.wait_for(answer_deadline) == std::future_status::ready);
  BOOST_TEST(redis().command({"XLEN", "chasqui:{atacama}:log:main"}) == "51");
  BOOST_TEST(log.read(5251).entries.size() == 51U);
  BOOST_CHECK(log.read(5250).problem.code == fault_code::diverged);
  BOOST_TEST(keys_like("*:ids:*") <= 51U);
  BOOST_CHECK(log.find(test_id(5250)).problem.code == fault_code::not_found);
  BOOST_TEST(log.find(test_id(5251)).seq == 5251U);
  BOOST_TEST(log.open().lanes.at(0).first == 5251U);
}

BOOST_AUTO_TEST_CASE(a_long_trim_does_not_bring_back_older_marks) {
  log.append(test_items(1, 5000));
  auto older = log.begin_mark(marks_up_to(10, 5000), 4000);
  auto newer = log.begin_mark(marks_up_to(4500, 5000), 0);
  BOOST_TEST(get(older).message == "");
  BOOST_TEST(get(newer).message == "");
  const auto lane = log.open().lanes.at(0);
  BOOST_TEST(lane.committed == 4500U);
  BOOST_TEST(lane.first == 4001U);
}

BOOST_AUTO_TEST_CASE(marks_survive_and_name_the_age_of_what_is_owed) {
  log.append(test_items(1, 9));
  BOOST_TEST(log.mark({"main", 1, 9, 8, 6, 5, {}}, 4).message == "");
  const auto opened = log.open({"bulk", "main"});
  BOOST_REQUIRE_EQUAL(opened.lanes.size(), 2U);
  const auto& lane = opened.lanes[1];
  BOOST_TEST(lane.lane == "main");
  BOOST_TEST(lane.first == 5U);
  BOOST_TEST(lane.head == 9U);
  BOOST_TEST(lane.committed == 8U);
  BOOST_TEST(lane.replicated == 6U);
  BOOST_TEST(lane.released == 5U);
  BOOST_CHECK(lane.oldest_at == test_time(7));
  BOOST_TEST(opened.lanes[0].head == 0U);
  BOOST_TEST(opened.lanes[0].first == 1U);
  BOOST_CHECK(opened.lanes[0].oldest_at == instant{});
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

BOOST_AUTO_TEST_CASE(marks_may_say_where_an_empty_log_goes_on) {
  BOOST_TEST(log.mark(marks_up_to(500, 500), 0).message == "");
  BOOST_TEST(log.append({test_item(1)}).slots.at(0).seq == 501U);
}

BOOST_AUTO_TEST_CASE(a_dead_letter_is_kept_once_with_its_payload) {
  log.append(test_items(1, 3));
  BOOST_TEST(log.bury(refusal(2, 2)).message == "");
  auto other = refusal(2, 2);
  other.message = "another reason";
  other.at = test_time(5000);
  BOOST_TEST(log.bury(other).message == "");
  const auto page = log.list_dead().page;
  BOOST_TEST(page.total == 1U);
  BOOST_REQUIRE_EQUAL(page.letters.size(), 1U);
  BOOST_TEST(page.letters[0].why.seq == 2U);
  BOOST_TEST(page.letters[0].why.lane == "main");
  BOOST_CHECK(page.letters[0].why.id == test_id(2));
  BOOST_TEST(page.letters[0].why.sqlstate == "23503");
  BOOST_TEST(page.letters[0].why.message == "no such parent");
  BOOST_CHECK(page.letters[0].why.at == test_time(1002));
  BOOST_TEST(page.letters[0].payload == test_payload(2));
  BOOST_TEST(log.open().dead_letters == 1U);
}

BOOST_AUTO_TEST_CASE(a_dead_letter_outlives_its_entry) {
  log.append(test_items(1, 3));
  log.bury(refusal(2, 2));
  BOOST_TEST(log.mark(marks_up_to(3, 3), 3).message == "");
  const auto place = log.find(test_id(2));
  BOOST_TEST(place.problem.message == "");
  BOOST_TEST(place.dead);
  BOOST_TEST(place.lane == "main");
  BOOST_TEST(place.seq == 2U);
  BOOST_CHECK(place.at == test_time(2));
  BOOST_TEST(place.payload == test_payload(2));
  BOOST_TEST(place.why.sqlstate == "23503");
  BOOST_CHECK(log.find(test_id(3)).problem.code == fault_code::not_found);
  const auto again = log.append({test_item(2)}).slots.at(0);
  BOOST_TEST(again.repeated);
  BOOST_TEST(again.seq == 2U);
  BOOST_CHECK(again.at == test_time(2));
  BOOST_TEST(log.bury(refusal(2, 2)).message == "");
  BOOST_TEST(log.list_dead().page.letters.at(0).payload == test_payload(2));
}

BOOST_AUTO_TEST_CASE(a_refusal_of_an_entry_that_is_gone_is_kept_and_found) {
  BOOST_TEST(log.bury(refusal(7, 7)).message == "");
  const auto place = log.find(test_id(7));
  BOOST_TEST(place.dead);
  BOOST_TEST(place.seq == 7U);
  BOOST_TEST(place.payload == "");
}

BOOST_AUTO_TEST_CASE(a_refusal_that_names_another_transaction_is_a_divergence) {
  log.append(test_items(1, 3));
  BOOST_CHECK(log.bury(refusal(2, 3)).code == fault_code::diverged);
  BOOST_TEST(log.list_dead().page.total == 0U);
}

BOOST_AUTO_TEST_CASE(dead_letters_are_listed_oldest_first_and_counted) {
  log.append(test_items(1, 30));
  for (const seqno seq : {30U, 9U, 10U, 8U}) {
    auto why = refusal(seq, seq);
    why.at = test_time(1000 - seq);
    log.bury(why);
  }
  list_dead two;
  two.entries_max = 2;
  const auto page = log.list_dead(two).page;
  BOOST_TEST(page.total == 4U);
  BOOST_REQUIRE_EQUAL(page.letters.size(), 2U);
  BOOST_TEST(page.letters[0].why.seq == 30U);
  BOOST_TEST(page.letters[1].why.seq == 10U);
  const auto one = log.list_dead({test_id(10), 100}).page;
  BOOST_REQUIRE_EQUAL(one.letters.size(), 1U);
  BOOST_TEST(one.letters[0].why.seq == 10U);
  BOOST_TEST(one.total == 4U);
  BOOST_TEST(log.list_dead({test_id(11), 100}).page.letters.empty());
  BOOST_TEST(log.list_dead({test_id(77), 100}).page.letters.empty());
}

BOOST_AUTO_TEST_CASE(a_transaction_is_found_by_its_id) {
  log.append(test_items(1, 3));
  const auto place = log.find(test_id(3));
  BOOST_TEST(place.problem.message == "");
  BOOST_TEST(place.seq == 3U);
  BOOST_TEST(place.payload == test_payload(3));
  BOOST_CHECK(place.at == test_time(3));
  BOOST_TEST(!place.dead);
  const auto absent = log.find(test_id(4)).problem;
  BOOST_CHECK(absent.code == fault_code::not_found);
  BOOST_TEST(absent.message == "The log has no transaction " + to_string(test_id(4)) + ".");
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
  log_client other{make_client()};
  const auto first = log.open().epoch;
  BOOST_TEST(other.open().epoch > first);
  const auto refused = log.append({test_item(2)});
  BOOST_CHECK(refused.problem.code == fault_code::fenced);
  BOOST_TEST(refused.problem.message.find("another runtime owns this log") != std::string::npos);
  BOOST_CHECK(log.mark(marks_up_to(1, 1), 1).code == fault_code::fenced);
  BOOST_CHECK(log.bury(refusal(1, 1)).code == fault_code::fenced);
  BOOST_TEST(log.read(1).entries.size() == 1U);
  BOOST_TEST(other.append({test_item(2)}).slots.at(0).seq == 2U);
}

BOOST_AUTO_TEST_CASE(the_epoch_rises_even_when_the_clock_was_set_back) {
  redis().command({"HSET", "chasqui:{atacama}:owner", "epoch", "9000000000000"});
  BOOST_TEST(log.open().epoch == 9'000'000'000'001U);
  BOOST_TEST(log.append({test_item(1)}).slots.size() == 1U);
}

BOOST_AUTO_TEST_CASE(two_sites_share_a_redis_and_see_nothing_of_each_other) {
  redis_settings settings;
  settings.socket = redis().socket();
  log_client other{make_redis_log(io, "chajnantor", settings)};
  BOOST_TEST(other.open().problem.message == "");
  other.append({test_item(1)});
  BOOST_TEST(log.read(1).entries.empty());
  BOOST_TEST(log.append({test_item(1)}).slots.at(0).seq == 1U);
  BOOST_TEST(redis().command({"EXISTS", "chasqui:{chajnantor}:log:main"}) == "1");
}

BOOST_AUTO_TEST_CASE(calls_may_come_from_any_thread) {
  std::vector<std::thread> callers;
  std::atomic<int> kept{0};
  for (std::uint64_t caller = 0; caller < 4; ++caller)
    callers.emplace_back([&, caller] {
      for (std::uint64_t i = 1; i <= 50; ++i)
        kept += log.append({test_item(caller * 1000 + i)}).slots.empty() ? 0 : 1;
    });
  for (auto& caller : callers)
    caller.join();
  BOOST_TEST(kept == 200);
  BOOST_TEST(log.read(1).entries.size() == 200U);
}

BOOST_AUTO_TEST_SUITE_END()
