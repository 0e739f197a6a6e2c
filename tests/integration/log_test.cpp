#include <boost/test/unit_test.hpp>

#include "tests/support/indexed_rows.hpp"
#include "tests/support/log_stores.hpp"

#include <atomic>
#include <thread>

// What a log does, whatever keeps it.

using namespace chasqui;
using namespace chasqui::test;
using namespace std::string_literals;

BOOST_AUTO_TEST_CASE_TEMPLATE(entries_get_contiguous_numbers_per_lane_in_the_order_given, Store,
                              both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
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

BOOST_AUTO_TEST_CASE_TEMPLATE(appends_that_do_not_wait_for_one_another_keep_their_order, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  std::vector<std::future<append_result>> answers;
  for (std::uint64_t number = 1; number <= 200; ++number)
    answers.push_back(log.begin_append({test_item(number)}));
  for (std::uint64_t number = 1; number <= 200; ++number)
    BOOST_REQUIRE_EQUAL(get(answers[number - 1]).slots.at(0).seq, number);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_was_appended_is_read_as_it_was_bytes_and_all, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
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

BOOST_AUTO_TEST_CASE_TEMPLATE(reading_stops_at_either_limit_but_gives_one_entry_at_least, Store,
                              both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
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

BOOST_AUTO_TEST_CASE_TEMPLATE(the_same_id_again_gets_the_first_slot_and_adds_nothing, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
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

BOOST_AUTO_TEST_CASE_TEMPLATE(a_long_trim_does_not_bring_back_older_marks, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append(test_items(1, 5000));
  auto older = log.begin_mark(marks_up_to(10, 5000), 4000);
  auto newer = log.begin_mark(marks_up_to(4500, 5000), 0);
  BOOST_TEST(get(older).message == "");
  BOOST_TEST(get(newer).message == "");
  const auto lane = log.open().lanes.at(0);
  BOOST_TEST(lane.committed == 4500U);
  BOOST_TEST(lane.first == 4001U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(marks_survive_and_name_the_age_of_what_is_owed, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
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

BOOST_AUTO_TEST_CASE_TEMPLATE(marks_may_say_where_an_empty_log_goes_on, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  BOOST_TEST(log.mark(marks_up_to(500, 500), 0).message == "");
  BOOST_TEST(log.append({test_item(1)}).slots.at(0).seq == 501U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_dead_letter_is_kept_once_with_its_payload, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append(test_items(1, 3));
  BOOST_TEST(log.bury(test_refusal(2, 2)).message == "");
  auto other = test_refusal(2, 2);
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

BOOST_AUTO_TEST_CASE_TEMPLATE(a_dead_letter_outlives_its_entry, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append(test_items(1, 3));
  log.bury(test_refusal(2, 2));
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
  BOOST_TEST(log.bury(test_refusal(2, 2)).message == "");
  BOOST_TEST(log.list_dead().page.letters.at(0).payload == test_payload(2));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_refusal_of_an_entry_that_is_gone_is_kept_and_found, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  BOOST_TEST(log.bury(test_refusal(7, 7)).message == "");
  const auto place = log.find(test_id(7));
  BOOST_TEST(place.dead);
  BOOST_TEST(place.seq == 7U);
  BOOST_TEST(place.payload == "");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_refusal_that_names_another_transaction_is_a_divergence, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append(test_items(1, 3));
  BOOST_CHECK(log.bury(test_refusal(2, 3)).code == fault_code::diverged);
  BOOST_TEST(log.list_dead().page.total == 0U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(who_has_another_number_by_now_is_not_buried_under_its_former_one, Store,
                              both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append(test_items(1, 3));
  BOOST_TEST(log.renumber(10).message == "");
  BOOST_CHECK(log.bury(test_refusal(2, 2)).code == fault_code::diverged);
  BOOST_TEST(log.list_dead().page.total == 0U);
  BOOST_TEST(log.bury(test_refusal(11, 2)).message == "");
  BOOST_TEST(log.list_dead().page.letters.at(0).payload == test_payload(2));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_letter_whose_entry_is_not_there_makes_room_for_the_one_that_is, Store,
                              both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  BOOST_TEST(log.bury(test_refusal(2, 77)).message == "");
  log.append(test_items(1, 3));
  BOOST_TEST(log.bury(test_refusal(2, 2)).message == "");
  const auto place = log.find(test_id(2));
  BOOST_TEST(place.dead);
  BOOST_TEST(place.payload == test_payload(2));
  BOOST_CHECK(place.why.id == test_id(2));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(dead_letters_are_listed_oldest_first_and_counted, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append(test_items(1, 30));
  for (const seqno seq : {30U, 9U, 10U, 8U}) {
    auto why = test_refusal(seq, seq);
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

BOOST_AUTO_TEST_CASE_TEMPLATE(a_transaction_is_found_by_its_id, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
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

BOOST_AUTO_TEST_CASE_TEMPLATE(calls_may_come_from_any_thread, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
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

namespace {

/// With parent 7 if the number is even.
append_item indexed_item(std::uint64_t number, std::uint64_t id) {
  return item_of(number, {id, number % 2 == 0});
}

using seq_list = std::vector<seqno>;

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(entries_are_found_by_their_terms_until_they_are_trimmed, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  std::vector<append_item> items;
  for (std::uint64_t number = 1; number <= 10; ++number)
    items.push_back(indexed_item(number, number % 3));
  log.append(items);
  log.append({indexed_item(11, 1), indexed_item(3, 0)}); // The last one is there already.
  const auto one = log.look_up({row_term("id", "1")});
  BOOST_TEST(one.problem.message == "");
  BOOST_CHECK((seqs_of(one) == seq_list{1, 4, 7, 10, 11}));
  BOOST_TEST(one.found.entries.at(1).payload == items[3].payload);
  BOOST_CHECK(one.found.entries.at(1).id == test_id(4));
  BOOST_TEST(one.found.head == 11U);
  BOOST_TEST(one.found.first == 1U);
  BOOST_TEST(one.found.indexed_from == 1U);
  BOOST_CHECK((seqs_of(log.look_up({row_term("id", "1")}, 5)) == seq_list{7, 10, 11}));
  BOOST_CHECK((seqs_of(log.look_up({row_term("id", "2"), row_term("parent_id", "7")})) ==
               seq_list{2, 4, 5, 6, 8, 10}));
  BOOST_TEST(log.look_up({row_term("id", "1")}, 1, 2).found.more);
  BOOST_TEST(log.look_up({row_term("id", "99")}).found.entries.empty());
  BOOST_TEST(log.mark(marks_up_to(7, 11), 7).message == "");
  BOOST_CHECK((seqs_of(log.look_up({row_term("id", "1")})) == seq_list{10, 11}));
  BOOST_TEST(log.look_up({row_term("id", "1")}).found.first == 8U);
  log.append({indexed_item(12, 1)});
  BOOST_CHECK((seqs_of(log.look_up({row_term("id", "1")})) == seq_list{10, 11, 12}));
  BOOST_TEST(log.mark(marks_up_to(12, 12), 12).message == "");
  BOOST_TEST(log.look_up({row_term("id", "1"), row_term("parent_id", "7")}).found.entries.empty());
}

// In Redis it takes steps: what is asked for meanwhile gets in between.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_long_look_is_one_look_whatever_comes_in_between, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  std::vector<append_item> items;
  seq_list wanted;
  for (std::uint64_t number = 1; number <= 2000; ++number) {
    items.push_back(indexed_item(number, number % 3));
    if (number % 3 != 0 || number % 2 == 0)
      wanted.push_back(number);
  }
  log.append(items);
  std::vector<index_term> terms;
  for (int absent = 0; absent < 500; ++absent)
    terms.push_back(row_term("id", "none " + std::to_string(absent)));
  for (const auto term : {row_term("id", "1"), row_term("parent_id", "7"), row_term("id", "2")})
    terms.push_back(term);
  auto looked = log.begin_look_up(terms, 1, 10'000);
  auto appended = log.begin_append({indexed_item(2001, 1)});
  const auto whole = get(looked);
  BOOST_TEST(get(appended).problem.message == "");
  BOOST_TEST(whole.problem.message == "");
  BOOST_TEST(!whole.found.more);
  BOOST_TEST(whole.found.head == 2000U);
  BOOST_CHECK((seqs_of(whole) == wanted));
  for (const auto& e : whole.found.entries)
    BOOST_REQUIRE(e.payload == items[e.seq - 1].payload);
  const auto all = wanted.size() + 1;
  BOOST_TEST(!log.look_up(terms, 1, all).found.more); // Found by two terms, it counts once.
  BOOST_TEST(log.look_up(terms, 1, all - 1).found.more);

  // Those that go while they are looked for are not there, and the answer says so.
  auto half = log.begin_look_up({row_term("id", "1")}, 1, 10'000);
  auto trimmed = log.begin_mark(marks_up_to(1500, 2001), 1500);
  const auto rest = get(half);
  BOOST_TEST(get(trimmed).message == "");
  const auto seqs = seqs_of(rest);
  BOOST_REQUIRE(!seqs.empty());
  BOOST_TEST(seqs.back() == 2001U);
  BOOST_TEST(rest.found.first <= 1501U);
  for (seqno seq = 1; seq <= 1999; seq += 3)
    BOOST_TEST((std::find(seqs.begin(), seqs.end(), seq) != seqs.end() || seq < rest.found.first));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_index_follows_entries_that_are_cut_off_imported_or_numbered_anew, Store,
                              both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  log.append({indexed_item(1, 1), indexed_item(2, 1), indexed_item(3, 1)});
  BOOST_TEST(log.adopt(marks_up_to(0, 2)).message == "");
  BOOST_CHECK((seqs_of(log.look_up({row_term("id", "1")})) == seq_list{1, 2}));
  const auto moved = indexed_item(4, 1);
  BOOST_TEST(log.import({{3, moved.id, moved.at, moved.payload}}).message == "");
  BOOST_CHECK((seqs_of(log.look_up({row_term("id", "1")})) == seq_list{1, 2, 3}));
  BOOST_TEST(log.renumber(10).message == "");
  BOOST_CHECK((seqs_of(log.look_up({row_term("id", "1")})) == seq_list{10, 11, 12}));
  BOOST_CHECK((seqs_of(log.look_up({row_term("parent_id", "7")})) == seq_list{11, 12}));
}

// By memory or not, the same is found, whatever happens to the log.
BOOST_AUTO_TEST_CASE_TEMPLATE(memory_denies_nothing_that_is_there, Store, both_stores) {
  fresh_log<Store> fresh;
  auto& log = fresh.log;
  const auto check = [&](seqno head) {
    for (const auto* value : {"0", "1", "2", "99"})
      for (seqno from = 1; from <= head + 1; ++from) {
        const auto page = log.look_up_by_memory({row_term("id", value)}, from);
        BOOST_REQUIRE(seqs_of(page) == seqs_of(log.look_up({row_term("id", value)}, from)));
        BOOST_TEST(page.found.head == head);
      }
  };
  check(0);
  log.append({indexed_item(1, 1), indexed_item(2, 2), indexed_item(3, 1)});
  check(3);
  BOOST_TEST(log.adopt(marks_up_to(0, 2)).message == "");
  check(2);
  for (const seqno seq : {3, 4}) {
    const auto moved = indexed_item(1 + seq, seq % 2);
    BOOST_TEST(log.import({{seq, moved.id, moved.at, moved.payload}}).message == "");
    check(seq);
  }
  log.append({indexed_item(6, 1)});
  check(5);
  BOOST_TEST(log.renumber(10).message == "");
  check(14);
  log.append({indexed_item(7, 2), indexed_item(1, 1)}); // The last one is there already.
  check(15);
  BOOST_TEST(log.mark(marks_up_to(12, 15), 12).message == "");
  check(15);
}

BOOST_AUTO_TEST_CASE(redis_is_not_asked_for_what_its_session_remembers_to_lack) {
  fresh_log<fresh_redis> fresh;
  auto& log = fresh.log;
  // Redis itself would tell where the log begins.
  const auto is_remembered = [](log_client& of, const std::string& value, seqno from) {
    const auto page = of.look_up_by_memory({row_term("id", value)}, from);
    BOOST_TEST(page.problem.message == "");
    return page.found.first == from && page.found.head == 3;
  };
  log.append({indexed_item(1, 1), indexed_item(2, 2), indexed_item(3, 1)});
  BOOST_TEST(is_remembered(log, "99", 2));
  BOOST_TEST(!is_remembered(log, "2", 2));
  log_client next{fresh.store.make()};
  BOOST_TEST(next.open().problem.message == "");
  BOOST_TEST(!is_remembered(next, "99", 2)); // That was before its time.
  BOOST_TEST(is_remembered(next, "99", 4));
}

BOOST_AUTO_TEST_CASE(redis_keeps_nothing_of_the_index_once_the_entries_are_gone) {
  fresh_log<fresh_redis> fresh;
  std::vector<append_item> items;
  for (std::uint64_t number = 1; number <= 100; ++number)
    items.push_back(indexed_item(number, number % 10));
  fresh.log.append(items);
  BOOST_TEST(fresh_redis::server().command({"KEYS", "*:tail:*"}) != "");
  BOOST_TEST(fresh.log.mark(marks_up_to(100, 100), 100).message == "");
  BOOST_TEST(fresh_redis::server().command({"KEYS", "*:tail:*"}) == "");
}
