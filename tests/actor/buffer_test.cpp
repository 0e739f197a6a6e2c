#include "actors/buffer.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/fake_ports.hpp"
#include "tests/support/memory_stores.hpp"

#include <numeric>

namespace chasqui {

namespace {

using namespace std::chrono_literals;

struct buffer_fixture : actor_fixture {
  std::shared_ptr<memory_store> store = std::make_shared<memory_store>(store_kind::redis);
  std::shared_ptr<std::vector<event>> events = std::make_shared<std::vector<event>>();
  std::function<past_events(const list_events&)> history; ///< What the notifier remembers; null: nothing.
  buffer_actor log;

  buffer_fixture() { start(); }

  void start() {
    const auto notifier =
        stub<notifier_actor>([events = events](const event& e) { events->push_back(e); },
                             [history = history](const list_events& what) -> caf::result<past_events> {
                               if (!history)
                                 return caf::make_error(caf::sec::unexpected_message);
                               return history(what);
                             });
    log = spawn(buffer, log_stores{store, nullptr}, notifier, wall(), std::vector<std::string>{"main"},
                buffer_limits{});
    settle();
  }
  auto submit(std::uint64_t id) { return ask<receipt>(log, append{{0, id}, "main", "{}"}); }
  auto submit_together(const std::vector<std::uint64_t>& those, const std::string& lane = "main") {
    append_group all;
    for (const auto id : those)
      all.all.push_back({{0, id}, lane, "{}"});
    return ask<group_outcome>(log, all);
  }
  auto wait(condition what, std::uint64_t id = 0, std::chrono::milliseconds timeout = 30s) {
    return ask<reached>(log, await{what, {0, id}, stage::replicated, timeout});
  }
  auto take_from(seqno seq) { return ask<batch>(log, take{"main", seq, 100, 1000}); }
};

// Takes for itself, as a forwarder does, and remembers the hints.
struct taker {
  std::shared_ptr<std::vector<seqno>> hints = std::make_shared<std::vector<seqno>>();
  caf::actor who;

  taker(actor_fixture& world, buffer_actor log, seqno from) {
    who = world.spawn([=, kept = hints](caf::event_based_actor* self) -> caf::behavior {
      self->request(log, 10s, take{"main", from, 100, 1000}).then([](const batch&) {});
      return {[kept](const available& a) { kept->push_back(a.head); }};
    });
    world.settle();
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_submission_gets_its_receipt, buffer_fixture) {
  const auto first = submit(1);
  const auto second = submit(2);
  BOOST_REQUIRE(first->value.has_value());
  BOOST_TEST(first->value->seq == 1U);
  BOOST_TEST(second->value->seq == 2U);
  BOOST_TEST((events->back().kind == event_kind::buffered));
}

BOOST_FIXTURE_TEST_CASE(a_group_is_answered_once_and_each_in_its_place, buffer_fixture) {
  BOOST_TEST(submit_together({})->value->each.empty());
  const auto first = submit_together({1, 2});
  BOOST_REQUIRE(first->value.has_value());
  BOOST_REQUIRE(first->value->each.size() == 2U);
  BOOST_TEST((first->value->each[1].proof.id == uuid{0, 2}));
  BOOST_TEST(first->value->each[1].proof.seq == 2U);
  const auto nowhere = submit_together({3, 4}, "nowhere");
  BOOST_TEST((nowhere->value->each[0].problem.code == fault_code::unknown_lane));
  BOOST_TEST(submit(5)->value->seq == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_group_waits_for_its_last, buffer_fixture) {
  store->hangs = true;
  const auto alone = submit(1);
  const auto together = submit_together({2, 3});
  const auto behind = submit_together({4, 5});
  store->go_on();
  settle();
  BOOST_TEST(alone->value->seq == 1U);
  BOOST_REQUIRE((together->value && behind->value));
  for (std::size_t i = 0; i < 2; ++i) {
    BOOST_TEST(together->value->each[i].proof.seq == 2 + i);
    BOOST_TEST(behind->value->each[i].proof.seq == 4 + i);
  }
  store->hangs = true;
  const auto late = submit_together({6, 7});
  const auto unsent = submit_together({8});
  pass(150ms);
  BOOST_TEST(!late->answered());
  pass(100ms);
  BOOST_TEST((late->value->each.at(1).problem.code == fault_code::outcome_unknown));
  BOOST_TEST((unsent->value->each.at(0).problem.code == fault_code::store_unavailable));
  store->go_on();
  settle();
  BOOST_TEST(late->answers == 1);
}

BOOST_FIXTURE_TEST_CASE(a_group_that_takes_two_appends_says_of_each_what_became_of_it, buffer_fixture) {
  std::vector<std::uint64_t> many(buffer_limits{}.group_entries_max + 2);
  std::iota(many.begin(), many.end(), 1);
  store->hangs = true;
  const auto large = submit_together(many);
  store->answer_one();
  settle();
  BOOST_TEST(!large->answered());
  stop(log, to_error({fault_code::internal, "a bug", ""}));
  BOOST_REQUIRE(large->value.has_value());
  for (std::size_t i = 0; i < many.size(); ++i) {
    const auto& [proof, problem] = large->value->each.at(i);
    if (i < buffer_limits{}.group_entries_max)
      BOOST_TEST((!problem && proof.seq == i + 1));
    else
      BOOST_TEST((problem.code == fault_code::unavailable));
  }
}

BOOST_FIXTURE_TEST_CASE(a_store_that_hangs_costs_no_submitter_more_than_the_deadline, buffer_fixture) {
  store->hangs = true;
  const auto sent = submit(1);
  const auto behind = submit(2);
  pass(150ms);
  BOOST_TEST(!sent->answered());
  pass(100ms);
  BOOST_TEST((sent->problem.code == fault_code::outcome_unknown));
  BOOST_TEST((behind->problem.code == fault_code::store_unavailable));
  const auto later = submit(3);
  pass(250ms);
  BOOST_TEST((later->problem.code == fault_code::store_unavailable));
}

BOOST_FIXTURE_TEST_CASE(an_answer_after_the_deadline_is_given_to_nobody_but_its_entry_is_there,
                        buffer_fixture) {
  store->hangs = true;
  const auto sent = submit(1);
  pass(250ms);
  store->go_on();
  settle();
  BOOST_TEST(sent->answers == 1);
  BOOST_TEST(take_from(1)->value->entries.size() == 1U);
  BOOST_TEST(submit(2)->value->seq == 2U);
}

BOOST_FIXTURE_TEST_CASE(submissions_are_kept_again_once_the_store_is_back, buffer_fixture) {
  store->broken = {fault_code::store_unavailable, "refused", ""};
  BOOST_TEST((submit(1)->problem.code == fault_code::store_unavailable));
  BOOST_TEST((submit(2)->problem.code == fault_code::store_unavailable));
  const auto ready = wait(condition::ready);
  pass(5s);
  BOOST_TEST(!ready->answered());
  store->broken = {};
  pass(1100ms);
  BOOST_TEST(ready->value.has_value());
  BOOST_TEST(submit(1)->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(hints_go_to_whoever_took_last, buffer_fixture) {
  const taker first{*this, log, 1};
  const taker second{*this, log, 1};
  submit(1);
  BOOST_TEST(first.hints->empty());
  BOOST_TEST(*second.hints == std::vector<seqno>{1});
}

BOOST_FIXTURE_TEST_CASE(a_taker_that_is_gone_does_no_harm_and_the_next_one_is_told, buffer_fixture) {
  const taker first{*this, log, 1};
  stop(first.who, caf::exit_reason::kill);
  submit(1);
  const taker second{*this, log, 2};
  submit(2);
  BOOST_TEST(*second.hints == std::vector<seqno>{2});
}

BOOST_FIXTURE_TEST_CASE(a_wait_is_answered_when_the_entry_is_on_the_replica, buffer_fixture) {
  submit(1);
  const auto whole = wait(condition::replicated);
  const auto one = wait(condition::transaction, 1);
  const auto hasty = wait(condition::transaction, 1, 500ms);
  tell(log, committed{"main", 1, {1}, 1});
  pass(1s);
  BOOST_TEST((hasty->problem.code == fault_code::timed_out));
  BOOST_TEST(!whole->answered());
  tell(log, replicated{"main", 1});
  BOOST_TEST(whole->value.has_value());
  BOOST_TEST(one->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(ten_thousand_who_wait_are_all_answered_in_their_turn, buffer_fixture) {
  submit(1);
  submit(2);
  const auto answers = std::make_shared<std::pair<int, int>>();
  spawn([=, log = log](caf::event_based_actor* self) {
    const auto wait_for = [&](std::uint64_t id, int& count) {
      self->request(log, caf::infinite, await{condition::transaction, {0, id}, stage::replicated, 24h})
          .then([answers, &count](const reached&) { ++count; }, [](const caf::error&) {});
    };
    for (int i = 0; i < 5000; ++i) {
      wait_for(1, answers->first);
      wait_for(2, answers->second);
    }
  });
  settle();
  tell(log, committed{"main", 2, {1}, 1});
  tell(log, replicated{"main", 1});
  BOOST_TEST(answers->first == 5000);
  BOOST_TEST(answers->second == 0);
  tell(log, replicated{"main", 2});
  BOOST_TEST(answers->second == 5000);
}

BOOST_FIXTURE_TEST_CASE(nobody_waits_for_what_marks_do_not_tell, buffer_fixture) {
  submit(1);
  for (const auto stage : {stage::sent, stage::rejected, stage::discarded})
    BOOST_TEST((ask<reached>(log, await{condition::transaction, {0, 1}, stage, 1s})->problem.code ==
                fault_code::malformed));
}

BOOST_FIXTURE_TEST_CASE(a_life_has_what_only_the_history_of_events_remembers, buffer_fixture) {
  const auto later = [this](int seconds) { return wall()() + std::chrono::seconds{seconds}; };
  const std::vector<event> past{{1, later(-60), event_kind::replicated, "main", 1, 1, {}, "of another time"},
                                {2, later(1), event_kind::sent, "main", 1, 9, {}, ""},
                                {3, later(2), event_kind::committed, "main", 1, 9, {}, ""},
                                {4, later(3), event_kind::replicated, "main", 1, 9, {}, ""}};
  const auto asked = std::make_shared<list_events>();
  history = [past, asked](const list_events& what) {
    *asked = what;
    return past_events{past, 5, 4};
  };
  start();
  submit(1);
  const auto found = ask<life>(log, find{{0, 1}});
  BOOST_REQUIRE(found->value.has_value());
  BOOST_TEST(asked->only.seq == 1U);
  BOOST_TEST((asked->only.id == uuid{0, 1}));
  std::vector<stage> stages;
  for (const auto& m : found->value->history)
    stages.push_back(m.stage);
  BOOST_TEST(
      (stages == std::vector<stage>{stage::buffered, stage::sent, stage::committed, stage::replicated}));
  BOOST_TEST((found->value->history.back().at == later(3)));
}

BOOST_FIXTURE_TEST_CASE(a_dead_letter_is_kept_by_the_store_and_ends_the_wait_for_it, buffer_fixture) {
  submit(1);
  const auto one = wait(condition::transaction, 1);
  tell(log, rejected{"main", 1, {0, 1}, "23505", "twice", {}});
  BOOST_REQUIRE(one->value.has_value());
  BOOST_TEST((one->value->stage == stage::rejected));
  BOOST_TEST(store->dead.size() == 1U);
  BOOST_TEST(ask<dead_letters>(log, list_dead{})->value->total == 1U);
}

BOOST_FIXTURE_TEST_CASE(an_unknown_id_and_an_unknown_lane_are_answered_as_such, buffer_fixture) {
  BOOST_TEST((ask<life>(log, find{{9, 9}})->problem.code == fault_code::not_found));
  BOOST_TEST((ask<batch>(log, take{"mian", 1, 1, 1})->problem.code == fault_code::unknown_lane));
  BOOST_TEST((wait(condition::transaction, 99)->problem.code == fault_code::not_found));
}

BOOST_FIXTURE_TEST_CASE(a_shutdown_answers_everyone_and_saves_the_marks, buffer_fixture) {
  submit(1);
  tell(log, committed{"main", 1, {1}, 1});
  const auto whole = wait(condition::replicated);
  store->hangs = true;
  const auto sent = submit(2);
  const auto behind = submit(3);
  const auto gone = watch(log);
  stop(log, caf::exit_reason::user_shutdown);
  BOOST_TEST((whole->problem.code == fault_code::unavailable)); // At once: nobody moves the marks any more.
  const auto late = submit(4);
  BOOST_TEST((late->problem.code == fault_code::unavailable));
  BOOST_TEST(!gone->has_value());
  store->go_on();
  settle();
  BOOST_TEST(sent->value.has_value());
  BOOST_TEST(behind->value.has_value());
  BOOST_TEST(gone->has_value());
  BOOST_TEST(store->saved("main").committed == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_crash_answers_everyone_who_waits, buffer_fixture) {
  submit(1);
  store->hangs = true;
  const auto whole = wait(condition::replicated);
  const auto one = wait(condition::transaction, 1);
  const auto sent = submit(2);
  const auto together = submit_together({3, 4});
  const auto reader = take_from(1);
  const auto seeker = ask<life>(log, find{{0, 1}});
  const auto lister = ask<dead_letters>(log, list_dead{});
  stop(log, to_error({fault_code::internal, "a bug", ""}));
  BOOST_REQUIRE(together->value.has_value());
  for (const auto code : {whole->problem.code, one->problem.code, sent->problem.code,
                          together->value->each.at(0).problem.code, together->value->each.at(1).problem.code,
                          reader->problem.code, seeker->problem.code, lister->problem.code})
    BOOST_TEST((code == fault_code::unavailable));
  store->go_on(); // Answers to an actor that is gone go nowhere.
  settle();
  BOOST_TEST(sent->answers == 1);
}

BOOST_FIXTURE_TEST_CASE(who_waits_for_an_entry_that_is_still_looked_for_when_the_log_is_opened_again_is_told,
                        buffer_fixture) {
  submit(1);
  store->hangs = true;
  const auto looked_for = wait(condition::transaction, 1);
  store->hangs = false;
  store->broken = {fault_code::store_unavailable, "refused", ""};
  submit(2);
  pass(5s);
  BOOST_TEST((looked_for->problem.code == fault_code::store_unavailable));
  store->broken = {};
  store->go_on();
  pass(2s);
  BOOST_TEST(looked_for->answers == 1);
}

BOOST_FIXTURE_TEST_CASE(a_forwarder_that_asks_while_the_store_is_being_opened_is_answered_in_any_case,
                        buffer_fixture) {
  for (const auto opens : {true, false}) {
    store->hangs = true;
    start();
    const auto where = ask<position>(log, locate{"main"});
    BOOST_TEST(!where->answered());
    if (opens)
      store->go_on();
    else
      stop(log, caf::exit_reason::user_shutdown);
    settle();
    BOOST_TEST(where->answers == 1);
    BOOST_TEST(where->value.has_value() == opens);
  }
}

BOOST_FIXTURE_TEST_CASE(a_runtime_that_was_fenced_ends_with_that_reason, buffer_fixture) {
  const auto gone = watch(log);
  store->broken = {fault_code::fenced, "newer", ""};
  BOOST_TEST((submit(1)->problem.code == fault_code::fenced));
  BOOST_REQUIRE(gone->has_value());
  BOOST_TEST(((*gone)->code == fault_code::fenced));
}

// While Redis is away, the log stands in two stores and cannot be numbered anew: nothing has changed, and the
// forwarder is told to come again.
BOOST_AUTO_TEST_CASE(a_log_that_cannot_be_numbered_anew_now_is_not_opened_again_for_it) {
  actor_fixture world;
  const auto redis = std::make_shared<memory_store>(store_kind::redis);
  const auto journal = std::make_shared<memory_journal>();
  const auto notifier = world.stub<notifier_actor>([](const event&) {});
  const auto log = world.spawn(buffer, log_stores{redis, journal}, notifier, world.wall(),
                               std::vector<std::string>{"main"}, buffer_limits{});
  world.settle();
  world.ask<receipt>(log, append{{0, 1}, "main", "{}"});
  redis->broken = {fault_code::store_unavailable, "gone", ""};
  const auto kept = world.ask<receipt>(log, append{{0, 2}, "main", "{}"});
  BOOST_REQUIRE(kept->value.has_value());
  BOOST_TEST((kept->value->store == store_kind::journal));
  const auto opens = journal->opens;
  for (int i = 0; i < 2; ++i) { // Once more: the first one is over.
    const auto answer = world.ask<alignment>(log, align{"main", 99, {0, 99}});
    BOOST_TEST((answer->problem.code == fault_code::unavailable), answer->problem.message);
  }
  world.pass(200ms);
  BOOST_TEST(journal->opens == opens);
}

// Whoever has been replaced must not say what is missing: it would be passed over in the new owner's name.
BOOST_FIXTURE_TEST_CASE(what_is_missing_is_told_by_the_owner_of_the_log_alone, buffer_fixture) {
  for (std::uint64_t id = 1; id <= 3; ++id)
    submit(id);
  store->mark({"main", 4, 3, 0, 0, 0, {}}, 3, [](const fault&) {}); // The entries are gone.
  settle();
  const auto told = ask<alignment>(log, align{"main", 1, {}});
  BOOST_REQUIRE(told->value.has_value());
  BOOST_TEST(told->value->skip_to == 3U);
  store->broken_marks = {fault_code::fenced, "another runtime owns the log", ""};
  BOOST_TEST((ask<alignment>(log, align{"main", 1, {}})->problem.code == fault_code::fenced));
}

} // namespace chasqui
