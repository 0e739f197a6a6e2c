#include <boost/test/unit_test.hpp>

#include "tests/soak/account.hpp"
#include "tests/soak/plan.hpp"

#include <array>
#include <map>

using namespace chasqui;
using namespace chasqui::soak;
using namespace std::chrono_literals;

namespace {

/// Two callers with three transactions each, the last of them bad, and a server that has them all.
struct books {
  ledger told;
  server_view server;

  books() {
    for (std::uint64_t caller = 1; caller <= 2; ++caller) {
      auto& receipts = told.callers.emplace_back();
      for (std::uint64_t number = 1; number <= 3; ++number) {
        const uuid id{caller, number};
        receipts.push_back({id, "main", number == 3});
        if (number == 3)
          server.dead_letters.insert(id);
        else
          server.found[id] = {1, 1, number * 2 + caller, number * 2 + caller};
      }
    }
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(what_arrived_once_and_in_order_is_clean, books) {
  const auto f = judge(told, server);
  BOOST_TEST(f.first == "");
  BOOST_TEST(f.clean());
  BOOST_TEST(f.acknowledged == 6U);
  BOOST_TEST(f.applied == 4U);
  BOOST_TEST(f.dead_letters == 2U);
  BOOST_TEST(blind_spots(told, server).empty());
}

BOOST_FIXTURE_TEST_CASE(what_is_nowhere_is_lost, books) {
  server.found.erase({1, 2});
  server.dead_letters.erase({2, 3});
  BOOST_TEST(judge(told, server).lost == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_good_one_among_the_dead_letters_is_lost, books) {
  server.found.erase({1, 1});
  server.dead_letters.insert({1, 1});
  BOOST_TEST(judge(told, server).lost == 1U);
}

BOOST_FIXTURE_TEST_CASE(two_rows_or_a_row_and_a_dead_letter_are_a_double, books) {
  ++server.found[{1, 1}].rows;
  server.dead_letters.insert({1, 2});
  server.found[{2, 3}] = {1, 1, 9, 9};
  BOOST_TEST(judge(told, server).doubled == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_row_without_its_line_in_applied_is_not_applied_once, books) {
  server.found[{1, 1}].times = 0;
  BOOST_TEST(judge(told, server).doubled == 1U);
}

BOOST_FIXTURE_TEST_CASE(the_order_is_that_of_one_callers_receipts_in_a_lane, books) {
  std::swap(server.found[{1, 1}], server.found[{1, 2}]);
  BOOST_TEST(judge(told, server).reordered == 1U);
  told.callers[0][0].lane = "bulk"; // Lanes go their own ways.
  BOOST_TEST(judge(told, server).reordered == 0U);
}

BOOST_FIXTURE_TEST_CASE(what_was_not_acknowledged_may_be_there_once, books) {
  server.found[{7, 7}] = {1, 1, 20, 20};
  BOOST_TEST(judge(told, server).strange == 1U);
  told.unanswered.insert({7, 7});
  BOOST_TEST(judge(told, server).clean());
  server.found[{7, 7}].rows = 2;
  BOOST_TEST(judge(told, server).doubled == 1U);
}

BOOST_AUTO_TEST_CASE(a_plan_follows_from_its_seed_and_deals_every_kind_by_its_weight) {
  const std::array<fault_kind, 3> kinds{
      {{"a", {part::redis}, 5s, 1}, {"b", {part::link}, 5s, 2}, {"c", {}, 0s, 3}}};
  plan one{kinds, 4711, 1s};
  plan again{kinds, 4711, 1s};
  plan other{kinds, 4712, 1s};
  std::map<std::size_t, int> dealt;
  bool differs = false;
  for (int i = 0; i < 60; ++i) {
    const auto next = one.next();
    const auto same = again.next();
    const auto third = other.next();
    BOOST_TEST(next.kind == same.kind);
    BOOST_TEST(next.draw == same.draw);
    BOOST_TEST((next.hold == same.hold && next.hold <= kinds[next.kind].hold_max && next.pause <= 1s));
    differs = differs || next.draw != third.draw;
    ++dealt[next.kind];
  }
  BOOST_TEST(differs);
  BOOST_TEST((dealt == std::map<std::size_t, int>{{0, 10}, {1, 20}, {2, 30}}));
}
