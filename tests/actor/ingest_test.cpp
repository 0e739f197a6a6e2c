#include "tests/actor/ingest_fixture.hpp"

namespace chasqui {

namespace {

struct warning_fixture : ingest_fixture {
  warning_fixture() : ingest_fixture{preflight_mode::warn} {}
};

/// With a catalogue that does not answer.
struct confirming_fixture : ingest_fixture {
  confirming_fixture() : ingest_fixture{preflight_mode::off, true} {}
};

} // namespace

BOOST_FIXTURE_TEST_CASE(who_inserts_what_is_there_is_refused_and_who_does_not_is_kept, ingest_fixture) {
  const auto good = unit();
  BOOST_TEST(!good->answered());
  see(false);
  keep();
  BOOST_TEST(good->value.has_value());
  const auto bad = unit();
  see(true);
  BOOST_TEST(!bad->answered()); // Nobody is refused by one look.
  see(true);
  BOOST_TEST((bad->problem.code == fault_code::refused_by_schema));
  BOOST_TEST(kept->empty());
  BOOST_TEST(looks->empty());
}

BOOST_FIXTURE_TEST_CASE(what_was_seen_before_its_turn_refuses_nobody, ingest_fixture) {
  const auto first = unit(1);
  const auto second = unit(2);
  BOOST_REQUIRE(looks->size() == 2U);
  std::swap(looks->front(), looks->back());
  see(true); // The second one's.
  see(false);
  BOOST_TEST(looks->empty()); // The first one is on its way into the log.
  BOOST_TEST(!second->answered());
  keep();
  see(false);
  keep();
  BOOST_TEST(second->value.has_value());
}

// A letter may be retried, and then the row that is missing is there, or the one that is there has gone.
BOOST_FIXTURE_TEST_CASE(while_there_are_dead_letters_rows_refuse_nobody, ingest_fixture) {
  *letters = 1;
  const auto doubted = unit();
  see(true);
  see(true);
  keep();
  BOOST_TEST(doubted->value.has_value());
}

// The catalogue tells everybody of a new schema before it answers who has asked.
BOOST_FIXTURE_TEST_CASE(who_was_doubted_by_a_schema_that_has_changed_since_passes, ingest_fixture) {
  const auto doubted = unit();
  see(true);
  learn("2");
  see(true);
  keep();
  BOOST_TEST(doubted->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_log_that_does_not_tell_of_dead_letters_holds_nobody_up, ingest_fixture) {
  *is_frozen = true;
  const auto doubted = unit();
  see(true);
  see(true);
  pass(60ms); // Less than its patience.
  keep();
  BOOST_TEST(doubted->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(nobody_overtakes_who_is_looked_at, ingest_fixture) {
  const auto first = unit(1);
  const auto second = submit("log", R"({"line":"x"})", 2);
  BOOST_TEST(ids->empty());
  const auto third = unit(3);
  see(false);
  BOOST_TEST((*ids == std::vector<uuid>{{0, 1}, {0, 2}}));
  see(false);
  BOOST_TEST((*ids == std::vector<uuid>{{0, 1}, {0, 2}, {0, 3}}));
}

BOOST_FIXTURE_TEST_CASE(what_is_still_on_its_way_into_the_log_is_waited_for_before_a_refusal,
                        ingest_fixture) {
  const auto before = submit("log", R"({"line":"x"})");
  const auto doubted = unit();
  see(true);
  BOOST_TEST(!doubted->answered());
  BOOST_TEST(looks->empty());
  keep(); // The one before: what it did can be seen now.
  BOOST_TEST(!doubted->answered());
  see(false);
  keep();
  BOOST_TEST(doubted->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_second_look_that_sees_the_same_refuses, ingest_fixture) {
  const auto before = submit("log", R"({"line":"x"})");
  const auto doubted = unit();
  see(true);
  keep();
  see(true);
  BOOST_TEST((doubted->problem.code == fault_code::refused_by_schema));
}

BOOST_FIXTURE_TEST_CASE(who_submits_an_id_again_gets_its_receipt_though_its_row_is_there, ingest_fixture) {
  *known = {0, 7};
  const auto again = unit(7);
  see(true);
  see(true);
  keep();
  BOOST_TEST(again->value.has_value());
  const auto other = unit(8);
  see(true);
  see(true);
  BOOST_TEST((other->problem.code == fault_code::refused_by_schema));
}

BOOST_FIXTURE_TEST_CASE(a_look_that_is_not_answered_refuses_nobody, ingest_fixture) {
  const auto silent = unit();
  pass(200ms);
  BOOST_TEST(looks->size() == 1U);
  keep();
  BOOST_TEST(silent->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_replica_that_is_away_is_left_alone_for_a_while, ingest_fixture) {
  const auto half = unit();
  see(true, "away"); // Half an answer refuses nobody.
  keep();
  BOOST_TEST(half->value.has_value());
  const auto next = unit();
  BOOST_TEST(looks->empty());
  keep();
  BOOST_TEST(next->value.has_value());
  pass(1000ms);
  const auto later = unit();
  BOOST_TEST(looks->size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(whoever_has_waited_too_long_passes, ingest_fixture) {
  const auto before = submit("log", R"({"line":"x"})");
  const auto doubted = unit();
  see(true);
  pass(110ms); // The log does not answer for the one before.
  BOOST_TEST(looks->empty());
  BOOST_REQUIRE(kept->size() == 2U);
  keep();
  keep();
  BOOST_TEST(doubted->value.has_value());
}

// Four are looked at at once: a look that comes to nothing has to leave its place.
BOOST_FIXTURE_TEST_CASE(a_last_look_makes_nobody_wait_longer, ingest_fixture) {
  for (int round = 0; round < 5; ++round) {
    const auto before = submit("log", R"({"line":"x"})");
    const auto doubted = unit();
    BOOST_REQUIRE(looks->size() == 1U);
    see(true);
    pass(90ms);
    keep();
    BOOST_REQUIRE(looks->size() == 1U);
    pass(20ms);
    keep();
    BOOST_TEST(doubted->value.has_value());
    looks->clear();
  }
  const auto first = unit();
  const auto second = unit();
  BOOST_TEST(looks->size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(whoever_waits_when_it_stops_is_told_and_what_the_log_has_is_answered_first,
                        ingest_fixture) {
  const auto before = submit("log", R"({"line":"x"})");
  const auto waits = unit();
  const auto gone = watch(door);
  stop(door, caf::exit_reason::user_shutdown);
  BOOST_TEST((waits->problem.code == fault_code::unavailable));
  BOOST_TEST(!before->answered());
  BOOST_TEST(!gone->has_value());
  keep();
  BOOST_TEST(before->value.has_value());
  BOOST_TEST(gone->has_value());
}

BOOST_FIXTURE_TEST_CASE(a_fault_leaves_nobody_without_an_answer, ingest_fixture) {
  const auto before = submit("log", R"({"line":"x"})");
  const auto waits = unit();
  stop(door, to_error({fault_code::internal, "a fault of ours", ""}));
  BOOST_TEST(waits->answered());
  BOOST_TEST(before->answered());
}

BOOST_FIXTURE_TEST_CASE(who_waits_for_a_look_at_the_schema_when_it_stops_is_told, confirming_fixture) {
  const auto doubted = submit("nowhere", R"({"id":1})");
  const auto held = submit("log", R"({"line":"x"})");
  BOOST_TEST(!doubted->answered());
  BOOST_TEST(!held->answered());
  const auto gone = watch(door);
  stop(door, caf::exit_reason::user_shutdown);
  BOOST_TEST((doubted->problem.code == fault_code::unavailable));
  BOOST_TEST((held->problem.code == fault_code::unavailable));
  BOOST_TEST(gone->has_value());
}

BOOST_FIXTURE_TEST_CASE(who_decides_when_it_stops_is_told, ingest_fixture) {
  *is_frozen = true;
  const auto decided = ask<receipt>(door, decision{});
  BOOST_TEST(!decided->answered());
  stop(door, caf::exit_reason::user_shutdown);
  BOOST_TEST((decided->problem.code == fault_code::unavailable));
}

BOOST_FIXTURE_TEST_CASE(too_many_that_wait_for_looks_are_refused, ingest_fixture) {
  const auto first = unit();
  const auto second = unit();
  const auto third = unit();
  const auto fourth = unit();
  BOOST_TEST(!third->answered());
  BOOST_TEST((fourth->problem.code == fault_code::overloaded));
}

BOOST_FIXTURE_TEST_CASE(whoever_only_wants_to_be_warned_is, warning_fixture) {
  const auto bad = unit();
  see(true);
  see(true);
  keep();
  BOOST_TEST(bad->value.has_value());
  BOOST_REQUIRE(events->size() == 1U);
  BOOST_TEST((events->front().kind == event_kind::preflight));
  BOOST_TEST(events->front().detail.find("unique key (id)") != std::string::npos);
}

} // namespace chasqui
