#include "tests/actor/ingest_fixture.hpp"

namespace chasqui {

namespace {

/// Who answers glances, too.
struct glance_fixture : ingest_fixture {
  glance_fixture() { *answers_glances = true; }
};

/// One that was handed on by itself, and two behind it that were together.
struct group_fixture : glance_fixture {
  group_fixture() : first{unit(1)}, second{unit(2)}, third{unit(3)} {
    clear_all_but({});
    clear_all_but({});
    BOOST_TEST((*groups == std::vector<std::size_t>{1, 2}));
  }
  std::shared_ptr<asked<receipt>> first;
  std::shared_ptr<asked<receipt>> second;
  std::shared_ptr<asked<receipt>> third;
};

} // namespace

BOOST_FIXTURE_TEST_CASE(whom_a_glance_clears_needs_no_look, glance_fixture) {
  const auto cleared = unit_row(1);
  BOOST_REQUIRE(glances->size() == 1U);
  BOOST_REQUIRE(glances->front().probes.size() == 1U);
  const auto& probe = glances->front().probes.front();
  const auto& kind = glances->front().kinds.at(probe.kind);
  BOOST_TEST(kind.lane == "main");
  BOOST_TEST(kind.table == "public.unit");
  BOOST_TEST((kind.columns == std::vector<std::string>{"id"}));
  BOOST_TEST(!kind.is_there);
  BOOST_TEST(probe.where == R"({"id":1})");
  clear_all_but({});
  keep();
  BOOST_TEST(cleared->value.has_value());
  BOOST_TEST(looks->empty());
}

BOOST_FIXTURE_TEST_CASE(those_who_come_while_a_glance_is_under_way_share_the_next, glance_fixture) {
  const auto first = unit(1);
  const auto second = unit(2);
  const auto third = unit(3);
  BOOST_TEST(glances->size() == 1U);
  clear_all_but({});
  BOOST_REQUIRE(glances->size() == 2U);
  BOOST_TEST(glances->back().probes.size() == 2U);
  keep();
  const auto fourth = unit(4);
  clear_all_but({});
  keep();
  keep();
  clear_all_but({});
  BOOST_TEST((*ids == std::vector<uuid>{{0, 1}, {0, 2}, {0, 3}, {0, 4}}));
}

BOOST_FIXTURE_TEST_CASE(those_who_leave_the_line_together_are_handed_on_together, group_fixture) {
  keep();
  BOOST_TEST(first->value.has_value());
  fail_to_keep();
  BOOST_TEST(!second->answered());
  keep();
  BOOST_TEST((second->problem.code == fault_code::store_full));
  BOOST_TEST(third->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(who_is_doubted_is_looked_at_again_once_a_whole_group_is_answered, glance_fixture) {
  const auto opens = unit_row(9);
  const auto first = unit_row(1);
  const auto second = unit_row(2);
  clear_all_but({});
  const auto same = unit_row(1);
  clear_all_but({});
  BOOST_TEST((*groups == std::vector<std::size_t>{1, 2}));
  keep();
  keep();
  BOOST_TEST(looks->empty());
  keep();
  see(true);
  BOOST_TEST((same->problem.code == fault_code::refused_by_schema));
}

// A lane that comes first need not wait for one that comes last.
BOOST_FIXTURE_TEST_CASE(each_lane_is_handed_on_for_itself, glance_fixture) {
  const auto first = unit(1);
  const auto bulk = ask<receipt>(
      door, submission{R"({"lane":"bulk","steps":[{"op":"insert","table":"unit","rows":[{"id":2}]}]})"});
  const auto second = unit(3);
  clear_all_but({});
  clear_all_but({});
  BOOST_TEST((*groups == std::vector<std::size_t>{1, 1, 1}));
  keep();
  keep();
  BOOST_TEST(second->value.has_value());
  BOOST_TEST(!bulk->answered());
}

BOOST_FIXTURE_TEST_CASE(a_group_has_so_many_at_most, glance_fixture) {
  const auto first = unit(1);
  const auto second = unit(2);
  const auto third = unit(3);
  clear_all_but({0});
  clear_all_but({});
  BOOST_TEST(groups->empty()); // The first one is looked at.
  see(false);
  BOOST_TEST((*groups == std::vector<std::size_t>{2, 1}));
  BOOST_TEST((*ids == std::vector<uuid>{{0, 1}, {0, 2}, {0, 3}}));
}

BOOST_FIXTURE_TEST_CASE(a_whole_group_is_told_when_ingest_has_a_fault, group_fixture) {
  stop(door, to_error({fault_code::internal, "a fault of ours", ""}));
  for (const auto& one : {first, second, third})
    BOOST_TEST((one->problem.code == fault_code::unavailable));
}

BOOST_FIXTURE_TEST_CASE(a_whole_group_is_told_when_the_buffer_is_silent_or_gone, group_fixture) {
  pass(5100ms);
  for (const auto& one : {first, second, third})
    BOOST_TEST((one->problem.code == fault_code::outcome_unknown));
  const auto fourth = unit(4);
  stop(buffer_stub, to_error({fault_code::internal, "a bug", ""}));
  clear_all_but({});
  BOOST_TEST(fourth->answered());
  BOOST_TEST(!fourth->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(only_whom_a_glance_does_not_clear_is_looked_at, glance_fixture) {
  const auto opens = unit(1);
  const auto other = unit(2);
  const auto bad = unit(3);
  clear_all_but({});
  keep();
  clear_all_but({1});
  keep();
  BOOST_REQUIRE(looks->size() == 1U);
  see(true);
  see(true);
  BOOST_TEST((bad->problem.code == fault_code::refused_by_schema));
  BOOST_TEST(other->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_glance_that_found_no_replica_refuses_nobody_and_spares_it_for_a_while,
                        glance_fixture) {
  const auto first = unit();
  clear_all_but({0}, "away");
  keep();
  BOOST_TEST(first->value.has_value());
  const auto next = unit();
  keep();
  BOOST_TEST(next->value.has_value());
  BOOST_TEST(glances->size() == 1U);
  BOOST_TEST(looks->empty());
}

// Neither is in the log when a glance is taken.
BOOST_FIXTURE_TEST_CASE(two_of_one_key_on_their_way_are_not_both_kept, glance_fixture) {
  const auto first = unit_row(1);
  const auto second = unit_row(1);
  BOOST_TEST(glances->size() == 1U);
  clear_all_but({});
  BOOST_TEST(looks->empty()); // The first one may be refused yet.
  keep();
  BOOST_TEST(first->value.has_value());
  see(true);
  BOOST_TEST((second->problem.code == fault_code::refused_by_schema));
}

BOOST_FIXTURE_TEST_CASE(who_does_not_come_into_the_log_stands_in_nobodys_way, glance_fixture) {
  const auto refused = unit_row(1);
  clear_all_but({0});
  see(true);
  see(true);
  BOOST_TEST((refused->problem.code == fault_code::refused_by_schema));
  const auto failed = unit_row(1);
  BOOST_TEST(glances->size() == 2U);
  clear_all_but({});
  fail_to_keep();
  BOOST_TEST((failed->problem.code == fault_code::store_full));
  const auto last = unit_row(1);
  BOOST_TEST(glances->size() == 3U);
}

BOOST_FIXTURE_TEST_CASE(whoever_the_buffer_is_silent_about_gets_an_answer_all_the_same, glance_fixture) {
  const auto first = unit_row(1);
  clear_all_but({});
  pass(4900ms);
  BOOST_TEST((!first->value && !first->problem));
  const auto second = unit_row(2);
  clear_all_but({});
  pass(200ms);
  BOOST_TEST((first->problem.code == fault_code::outcome_unknown));
  BOOST_TEST((!second->value && !second->problem));
  keep(); // Late.
  keep();
  BOOST_TEST(second->value.has_value());
  const auto again = unit_row(1); // It does not stand in its way.
  BOOST_TEST(glances->size() == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_parent_that_was_seen_a_moment_ago_needs_no_look, glance_fixture) {
  const auto first = file(1);
  BOOST_REQUIRE(glances->size() == 1U);
  BOOST_TEST(glances->front().kinds.at(glances->front().probes.front().kind).is_there);
  clear_all_but({});
  keep();
  const auto second = file(1);
  keep();
  BOOST_TEST(second->value.has_value());
  BOOST_TEST(glances->size() == 1U);
  const auto other = file(2);
  BOOST_TEST(glances->size() == 2U);
  clear_all_but({0});
  see(true); // A look has seen it: it is pending.
  keep();
  const auto after_a_look = file(2);
  keep();
  BOOST_TEST(after_a_look->value.has_value());
  pass(1000ms);
  const auto late = file(1);
  BOOST_TEST(glances->size() == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_parent_that_was_put_into_the_log_needs_no_look, glance_fixture) {
  const auto parent = unit_row(1);
  clear_all_but({});
  const auto early = file(1); // It is on its way.
  BOOST_TEST(glances->size() == 2U);
  keep();
  const auto child = file(1);
  BOOST_TEST(glances->size() == 2U);
  clear_all_but({});
  keep();
  keep();
  BOOST_TEST(child->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_parent_that_was_not_kept_is_looked_for, glance_fixture) {
  const auto parent = unit_row(1);
  clear_all_but({});
  fail_to_keep();
  const auto child = file(1);
  BOOST_TEST(glances->size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(what_may_take_a_parent_away_makes_it_be_looked_for_again, glance_fixture) {
  const auto first = file(1);
  clear_all_but({});
  keep();
  const auto before = file(2);
  const auto away =
      ask<receipt>(door, submission{R"({"steps":[{"op":"delete","table":"unit","where":{"id":1}}]})"});
  const auto again = file(1);
  BOOST_TEST(glances->size() == 2U);
  clear_all_but({}); // Was asked before: that says nothing of now.
  BOOST_TEST(glances->size() == 3U);
  clear_all_but({});
  keep();
  keep();
  keep();
  const auto other = file(2);
  BOOST_TEST(glances->size() == 4U);
}

} // namespace chasqui
