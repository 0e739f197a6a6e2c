#include <boost/test/unit_test.hpp>

#include "adapters/sqlite.hpp"
#include "messages/index_terms.hpp"
#include "tests/support/journal_client.hpp"
#include "tests/support/log_stores.hpp"
#include "tests/support/wait_until.hpp"

#include <sys/stat.h>

#include <atomic>
#include <future>

using namespace chasqui;
using namespace chasqui::test;

namespace {

::mode_t rights_of(const std::string& path) {
  struct ::stat status {};
  BOOST_REQUIRE_EQUAL(::stat(path.c_str(), &status), 0);
  return status.st_mode & 0777U;
}

/// An open journal whose thread waits in a handler until it is told to go on.
struct held_up_journal {
  explicit held_up_journal(const journal_settings& settings) : store{make_journal("atacama", settings)} {
    BOOST_REQUIRE_EQUAL(log.open().problem.message, "");
    std::promise<void> waits;
    store->find(test_id(1), [&waits, may = go_on.get_future().share()](const log_place&) {
      waits.set_value();
      may.wait();
    });
    get(waits.get_future());
  }
  std::shared_ptr<journal_store> store;
  journal_client log{store};
  std::promise<void> go_on;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(the_journal, open_journal)

BOOST_AUTO_TEST_CASE(receipts_say_that_the_journal_flushed) {
  const auto opened = log.open();
  BOOST_CHECK(opened.kind == store_kind::journal);
  BOOST_CHECK(opened.durability == durability::fsynced);
  BOOST_TEST(opened.drift.empty());
  const auto kept = log.append({test_item(1)});
  BOOST_CHECK(kept.store == store_kind::journal);
  BOOST_CHECK(kept.durability == durability::fsynced);
}

BOOST_AUTO_TEST_CASE(everything_is_there_after_it_was_closed) {
  log.append(test_items(1, 50));
  log.bury(test_refusal(4, 4));
  log.mark({"main", 1, 50, 8, 6, 5, {}}, 3);
  const auto first = log.open().epoch;
  log.close();
  BOOST_CHECK(log.read(1).problem.code == fault_code::store_unavailable);
  BOOST_TEST(log.read(1).problem.message.find("it was closed") != std::string::npos);
  const auto opened = log.open();
  BOOST_TEST(opened.epoch > first);
  BOOST_TEST(opened.dead_letters == 1U);
  BOOST_TEST(opened.lanes.at(0).first == 4U);
  BOOST_TEST(opened.lanes.at(0).head == 50U);
  BOOST_TEST(opened.lanes.at(0).committed == 8U);
  BOOST_TEST(opened.lanes.at(0).replicated == 6U);
  BOOST_TEST(opened.lanes.at(0).released == 5U);
  BOOST_TEST(log.read(4).entries.size() == 47U);
  BOOST_TEST(log.find(test_id(4)).dead);
}

BOOST_AUTO_TEST_CASE(nothing_works_before_it_is_opened) {
  journal_settings other;
  other.path = store.dir().file("other.db");
  journal_client fresh{make_journal("atacama", other)};
  BOOST_CHECK(fresh.append({test_item(1)}).problem.code == fault_code::store_unavailable);
  BOOST_TEST(fresh.find(test_id(1)).problem.message.find("it was not opened yet") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(its_directory_is_made_and_its_files_are_for_its_user_alone) {
  journal_settings settings;
  settings.path = store.dir().file("a/b/journal.db");
  journal_client deep{make_journal("atacama", settings)};
  BOOST_TEST(deep.open().problem.message == "");
  deep.append({test_item(1)});
  BOOST_TEST(rights_of(settings.path) == 0600U);
  BOOST_TEST(rights_of(settings.path + "-wal") == 0600U);
  BOOST_TEST(!std::filesystem::exists(settings.path + "-shm"));
}

BOOST_AUTO_TEST_CASE(a_second_opener_is_told_who_has_it_and_spoils_nothing) {
  log.append({test_item(1)});
  journal_client second{store.make()};
  const auto refused = second.open().problem;
  BOOST_CHECK(refused.code == fault_code::store_unavailable);
  BOOST_TEST(refused.message.find("is in use") != std::string::npos, refused.message);
  BOOST_TEST(log.append({test_item(2)}).slots.at(0).seq == 2U);
  log.close();
  log.read(1); // Behind the close.
  BOOST_TEST(second.open().problem.message == "");
  BOOST_TEST(second.read(1).entries.size() == 2U);
}

BOOST_AUTO_TEST_CASE(the_journal_of_another_site_or_program_is_left_alone) {
  log.append({test_item(1)});
  log.close();
  log.read(1);
  journal_client other{store.make("chajnantor")};
  const auto refused = other.open().problem;
  BOOST_TEST(refused.message.find("is the journal of site atacama, not of chajnantor") != std::string::npos,
             refused.message);
  BOOST_TEST(log.open().problem.message == "");
  BOOST_TEST(log.read(1).entries.size() == 1U);
}

// Form 2 had no index: it is made from the entries when the file is opened.
BOOST_AUTO_TEST_CASE(a_journal_of_the_form_before_is_given_its_index_and_loses_nothing) {
  auto item = test_item(2);
  item.payload = R"({"id":"x","lane":"main","steps":[{"op":"insert","table":"t","rows":[{"id":7}]}]})";
  log.append({test_item(1), item, test_item(3)});
  log.close();
  BOOST_CHECK(log.read(1).problem.code == fault_code::store_unavailable);
  {
    sqlite_database older{store.path()};
    older.run("DROP TABLE term");
    older.run("PRAGMA user_version = 2");
  }
  BOOST_TEST(log.open().problem.message == "");
  BOOST_TEST(log.read(1).entries.size() == 3U);
  const auto term = term_of("main", term_kind::row, "t", "id", index_value("7"));
  const auto found = log.look_up({term});
  BOOST_TEST(found.problem.message == "");
  BOOST_REQUIRE(found.found.entries.size() == 1U);
  BOOST_TEST(found.found.entries.front().payload == item.payload);
  BOOST_TEST(log.mark({"main", 1, 3, 3, 3, 3, {}}, 3).message == "");
  BOOST_TEST(log.look_up({term}).found.entries.empty());
}

BOOST_AUTO_TEST_CASE(the_epoch_rises_even_when_the_clock_was_set_back) {
  BOOST_TEST(log.note(9'000'000'000'000U, {}).message == "");
  BOOST_TEST(log.open().epoch == 9'000'000'000'001U);
  log.close();
  BOOST_CHECK(log.note(1, {}).code == fault_code::store_unavailable);
  BOOST_TEST(log.open().epoch == 9'000'000'000'002U);
  BOOST_TEST(log.note(1, {}).message == "");
  BOOST_TEST(log.open().epoch == 9'000'000'000'003U);
}

// Appends wait until the journal is cleared: it must not take longer for more entries.
BOOST_AUTO_TEST_CASE(a_cleared_journal_is_empty_at_once_and_its_entries_are_removed_behind_others_calls) {
  constexpr std::uint64_t kept = 1500;
  const fresh_journal place;
  const auto journal = place.make();
  journal_client cleared{journal};
  cleared.open();
  auto items = test_items(1, kept);
  items.back().payload =
      R"({"id":"x","lane":"main","steps":[{"op":"insert","table":"t","rows":[{"id":7}]}]})";
  cleared.append(std::move(items));
  const auto clear_and_close = [&] {
    std::promise<fault> answer;
    journal->clear([&](fault problem) { // On the journal's thread, before anything else is done there.
      journal->close();
      answer.set_value(std::move(problem));
    });
    return get(answer.get_future()).message;
  };
  BOOST_TEST(clear_and_close() == "");
  const auto removed = [&] {
    cleared.close();
    BOOST_CHECK(cleared.read(1).problem.code == fault_code::store_unavailable);
    sqlite_database file{place.path()};
    BOOST_TEST(file.number("SELECT count(*) FROM term") == 0U);
    return file.number("SELECT count(*) FROM sqlite_schema WHERE name GLOB 'cleared_*'") == 0;
  };
  BOOST_TEST(!removed());

  const auto opened = cleared.open(); // As after a kill.
  BOOST_TEST(opened.problem.message == "");
  BOOST_TEST(opened.lanes.at(0).head == kept);
  BOOST_TEST(opened.lanes.at(0).first == kept + 1);
  BOOST_TEST(!opened.lanes.at(0).follows);
  BOOST_TEST(cleared.append({test_item(7)}).slots.at(0).repeated); // The roll knows it.
  BOOST_TEST(cleared.append({test_item(kept + 1)}).slots.at(0).seq == kept + 1);
  BOOST_TEST(clear_and_close() == ""); // Once more, before the first are gone.
  BOOST_TEST(!removed());

  sqlite_database{place.path()}.run( // As a kill leaves it: the entries go first.
      "DROP TABLE IF EXISTS cleared_entry_1; DROP TABLE IF EXISTS cleared_entry_2; CREATE TABLE IF NOT "
      "EXISTS "
      "cleared_term_1(term INTEGER, seq INTEGER, PRIMARY KEY(term, seq)) WITHOUT ROWID");
  std::promise<fault> again;
  journal->open({"main"}, [&](const log_opened&) { // On the journal's thread: nothing comes in between.
    journal->clear([&](fault problem) { again.set_value(std::move(problem)); });
  });
  BOOST_TEST(get(again.get_future()).message == "");

  cleared.open();
  cleared.append({test_item(kept + 2)});
  for (int i = 0; i < 100; ++i) // A part is removed behind each.
    BOOST_TEST(cleared.read(kept + 2).entries.size() == 1U);
  BOOST_TEST(removed());
}

BOOST_AUTO_TEST_CASE(space_is_given_back_when_most_of_it_is_unused) {
  for (std::uint64_t i = 0; i < 10; ++i)
    log.append(test_items(i * 300 + 1, i * 300 + 300, 5000));
  log.close();
  log.read(1);
  const auto full = std::filesystem::file_size(store.path());
  BOOST_TEST(full > 15'000'000U);
  log.open();
  BOOST_TEST(log.mark(marks_up_to(3000, 3000), 3000).message == "");
  log.close();
  log.read(1);
  BOOST_TEST(std::filesystem::file_size(store.path()) < full / 2);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(a_full_queue_refuses_at_once_and_what_was_taken_is_carried_out) {
  const fresh_journal store;
  auto settings = store.settings();
  settings.queue_calls_max = 20;
  held_up_journal journal{settings};
  std::vector<std::future<append_result>> answers;
  for (std::uint64_t i = 1; i <= 100; ++i)
    answers.push_back(journal.log.begin_append({test_item(i)}));
  BOOST_CHECK(get(answers.back()).problem.code ==
              fault_code::overloaded); // At once: nothing else can be done.
  journal.go_on.set_value();
  std::uint64_t kept = 0;
  for (std::size_t i = 0; i + 1 < answers.size(); ++i) {
    const auto answer = get(answers[i]);
    BOOST_CHECK(answer.problem.code == (i < 19 ? fault_code::none : fault_code::overloaded));
    kept += answer.slots.size();
  }
  BOOST_TEST(kept == 19U);
  BOOST_TEST(journal.log.read(1).entries.size() == 19U);
}

BOOST_AUTO_TEST_CASE(the_queue_is_bounded_in_bytes_and_takes_a_large_call_when_it_is_empty) {
  const fresh_journal store;
  auto settings = store.settings();
  settings.queue_bytes_max = 10'000;
  held_up_journal journal{settings};
  auto first = journal.log.begin_append({test_item(1, "main", 7'000)});
  auto second = journal.log.begin_append({test_item(2, "main", 7'000)});
  auto third = journal.log.begin_append({test_item(3, "main", 500)});
  BOOST_CHECK(get(second).problem.code == fault_code::overloaded);
  journal.go_on.set_value();
  BOOST_TEST(get(first).slots.size() == 1U);
  BOOST_TEST(get(third).slots.size() == 1U);
  const auto large = [&] { return journal.log.append({test_item(4, "main", 50'000)}).problem; };
  BOOST_CHECK(wait_until([&] { return !large(); }));
}

BOOST_AUTO_TEST_CASE(every_call_is_answered_once_when_the_journal_goes_away) {
  const fresh_journal store;
  std::atomic<int> answers{0};
  {
    const auto log = make_journal("atacama", store.settings());
    log->open({"main"}, [&](const log_opened&) { ++answers; });
    for (std::uint64_t i = 1; i <= 100; ++i)
      log->append({test_item(i)}, [&](const append_result&) { ++answers; });
  }
  BOOST_TEST(answers == 101);
}

BOOST_AUTO_TEST_CASE(calls_under_way_are_answered_when_it_is_closed) {
  const fresh_journal store;
  journal_client client{make_journal("atacama", store.settings())};
  BOOST_TEST(client.open().problem.message == "");
  std::vector<std::future<append_result>> answers;
  for (std::uint64_t i = 1; i <= 300; ++i)
    answers.push_back(client.begin_append({test_item(i)}));
  client.close();
  std::uint64_t kept = 0;
  for (auto& answer : answers) {
    const auto result = get(answer);
    kept += result.slots.size();
    BOOST_CHECK(result.problem.code ==
                (result.slots.empty() ? fault_code::store_unavailable : fault_code::none));
  }
  BOOST_TEST(client.open().lanes.at(0).head == kept);
}

BOOST_AUTO_TEST_CASE(a_handler_may_be_the_last_to_let_go) {
  const fresh_journal store;
  auto log = make_journal("atacama", store.settings());
  std::promise<void> done;
  auto* const raw = log.get();
  raw->open({"main"}, [held = std::move(log), &done](const log_opened&) mutable {
    held.reset();
    done.set_value();
  });
  BOOST_CHECK(done.get_future().wait_for(long_enough) == std::future_status::ready);
}
