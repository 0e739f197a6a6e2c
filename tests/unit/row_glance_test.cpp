#include "actors/row_glance.hpp"
#include "actors/row_memory.hpp"
#include "messages/index_terms.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <memory>

namespace chasqui {

namespace {

using namespace std::chrono_literals;
using places = std::vector<std::uint64_t>;

const time_point start{1h};

/// A row, and what is expected of it.
struct expected {
  probe_kind kind;
  std::string where;
};

expected of_unit(int id, bool is_there, const std::string& lane = "main") {
  return {{lane, "public.unit", {"id"}, is_there}, R"({"id":)" + std::to_string(id) + "}"};
}

glance of(const std::vector<expected>& rows) {
  glance out;
  for (const auto& row : rows) {
    const auto is_like = [&](const probe_kind& k) {
      return k.lane == row.kind.lane && k.table == row.kind.table && k.is_there == row.kind.is_there;
    };
    const auto kind = std::find_if(out.kinds.begin(), out.kinds.end(), is_like) - out.kinds.begin();
    if (kind == static_cast<std::ptrdiff_t>(out.kinds.size()))
      out.kinds.push_back(row.kind);
    out.probes.push_back({static_cast<std::uint64_t>(kind), row.where});
  }
  return out;
}

looked_up pending(const std::vector<std::string>& steps, const std::string& lane = "main") {
  looked_up out;
  out.lane = lane;
  for (const auto& step : steps)
    out.entries.push_back({++out.head, {1, out.head}, {}, R"({"id":"x","steps":[)" + step + "]}"});
  return out;
}

/// A glance with an empty log and a replica that has these, by table.
struct glance_at {
  row_glance core;
  explicit glance_at(const std::vector<expected>& rows) : core{of(rows)} {}
  places answer(std::vector<std::optional<std::vector<std::size_t>>> found,
                const looked_up& log = pending({})) {
    for (std::size_t i = 0; i < core.look_ups().size(); ++i)
      core.on_found(i, log);
    core.on_probed({{}, std::move(found)});
    return core.answer().doubtful;
  }
};

const std::string insert_1 = R"({"op":"insert","table":"unit","rows":[{"id":1}]})";
const std::string update_1 = R"({"op":"update","table":"unit","set":{"status":"x"},"where":{"id":1}})";
const std::string update_to_1 = R"({"op":"update","table":"unit","set":{"id":1},"where":{"id":7}})";
const std::string wide = R"({"op":"update","table":"unit","set":{"status":"x"},"where":{"status":"y"}})";

row_question asked(int id, bool is_about_parent) {
  row_rule rule;
  rule.table = "public.unit";
  rule.is_about_parent = is_about_parent;
  rule.is_referred_to = !is_about_parent;
  return {std::make_shared<const row_rule>(rule), R"({"id":)" + std::to_string(id) + "}", {}};
}

submission_rows inserts(int id) { return {{asked(id, false)}, false}; }
submission_rows refers_to(int id) { return {{asked(id, true)}, false}; }

} // namespace

BOOST_AUTO_TEST_CASE(a_row_is_as_expected_if_replica_and_log_say_so) {
  BOOST_TEST((glance_at{{of_unit(1, false)}}.answer({places{}}) == places{}));
  BOOST_TEST((glance_at{{of_unit(1, false)}}.answer({places{0}}) == places{0}));
  BOOST_TEST((glance_at{{of_unit(1, true)}}.answer({places{0}}) == places{}));
  BOOST_TEST((glance_at{{of_unit(1, true)}}.answer({places{}}) == places{0}));
}

BOOST_AUTO_TEST_CASE(what_is_pending_for_a_row_leaves_it_in_doubt) {
  BOOST_TEST((glance_at{{of_unit(1, false)}}.answer({places{}}, pending({insert_1})) == places{0}));
  BOOST_TEST((glance_at{{of_unit(1, false)}}.answer({places{}}, pending({update_to_1})) == places{0}));
  BOOST_TEST((glance_at{{of_unit(1, false)}}.answer({places{}}, pending({wide})) == places{0}));
  BOOST_TEST((glance_at{{of_unit(2, false)}}.answer({places{}}, pending({insert_1})) == places{}));
  BOOST_TEST((glance_at{{of_unit(1, false), of_unit(2, false)}}.answer({places{}}, pending({insert_1})) ==
              places{0}));
  // An update does not make a row, but may take away the one that is there.
  BOOST_TEST((glance_at{{of_unit(1, false)}}.answer({places{}}, pending({update_1})) == places{}));
  BOOST_TEST((glance_at{{of_unit(1, true)}}.answer({places{0}}, pending({update_1})) == places{0}));
}

BOOST_AUTO_TEST_CASE(rows_of_a_table_are_asked_for_together_and_found_by_their_place) {
  glance_at g{{of_unit(1, false),
               {{"main", "public.file", {"unit_id", "part"}, true}, R"({"unit_id":1,"part":2})"},
               of_unit(3, false)}};
  const auto wanted = g.core.wanted();
  BOOST_REQUIRE(wanted.size() == 2U);
  BOOST_TEST(wanted[0].table == "public.unit");
  BOOST_TEST((wanted[0].records == std::vector<std::string>{R"({"id":1})", R"({"id":3})"}));
  BOOST_TEST((wanted[1].columns == std::vector<std::string>{"unit_id", "part"}));
  BOOST_TEST((g.answer({places{1}, places{}}) == places{1, 2}));
}

BOOST_AUTO_TEST_CASE(each_lane_is_asked_for_its_own) {
  glance_at g{{of_unit(1, false), of_unit(1, false, "bulk")}};
  const auto asked_for = g.core.look_ups();
  BOOST_REQUIRE(asked_for.size() == 2U);
  BOOST_TEST(asked_for[0].lane == "main");
  BOOST_TEST(asked_for[1].lane == "bulk");
  BOOST_TEST(asked_for[0].from_seq == 0U);
  BOOST_TEST(asked_for[0].by_memory);
  BOOST_TEST(asked_for[0].terms.size() == 2U);
  g.core.on_found(0, pending({}));
  g.core.on_found(1, pending({insert_1}, "bulk"));
  g.core.on_probed({{}, {places{}}});
  BOOST_TEST((g.core.answer().doubtful == places{1}));
}

// So many files of one observation may be pending that not all are looked at.
BOOST_AUTO_TEST_CASE(what_is_found_by_a_parent_s_id_does_not_leave_what_has_an_id_in_doubt) {
  glance_at g{{of_unit(1, false),
               {{"main", "public.file", {"unit_id", "part"}, false}, R"({"unit_id":1,"part":2})"}}};
  const auto asked_for = g.core.look_ups();
  BOOST_REQUIRE(asked_for.size() == 2U);
  auto too_much = pending({});
  too_much.more = true;
  g.core.on_found(0, pending({}));
  g.core.on_found(1, too_much);
  g.core.on_probed({{}, {places{}, places{}}});
  BOOST_TEST((g.core.answer().doubtful == places{1}));
}

BOOST_AUTO_TEST_CASE(without_the_whole_answer_everything_is_in_doubt) {
  glance_at silent_log{{of_unit(1, false)}};
  silent_log.core.on_probed({{}, {places{}}});
  BOOST_TEST((silent_log.core.answer().doubtful == places{0}));
  BOOST_TEST(silent_log.core.answer().replica == "");

  auto too_much = pending({});
  too_much.more = true;
  BOOST_TEST((glance_at{{of_unit(1, false)}}.answer({places{}}, too_much) == places{0}));

  auto half = pending({wide, wide});
  half.entries.clear();
  half.indexed_from = 2; // The first one is of a version without an index.
  BOOST_TEST((glance_at{{of_unit(1, false)}}.answer({places{}}, half) == places{0}));

  glance_at away{{of_unit(1, false)}};
  away.core.on_found(0, pending({}));
  away.core.on_probed({{fault_code::link_lost, "gone", ""}, {}});
  BOOST_TEST((away.core.answer().doubtful == places{0}));
  BOOST_TEST(away.core.answer().replica == "gone");

  // The replica is there, and does not take one of the questions.
  glance_at half_refused{{{{"main", "nowhere", {"id"}, false}, R"({"id":1})"}, of_unit(1, false)}};
  BOOST_TEST((half_refused.answer({std::nullopt, places{}}) == places{0}));
  BOOST_TEST(half_refused.core.answer().replica == "");

  auto gone = pending({wide, wide}); // Released between two questions.
  gone.entries.clear();
  gone.first = 2;
  BOOST_TEST((glance_at{{of_unit(1, false)}}.answer({places{}}, gone) == places{0}));
}

BOOST_AUTO_TEST_CASE(one_that_inserts_a_row_on_its_way_contests_it) {
  row_memory memory{100, 1s};
  auto first = inserts(1);
  auto second = inserts(1);
  auto third = inserts(1);
  BOOST_TEST((memory.enter(first, start) == row_concern::some));
  BOOST_TEST((memory.enter(second, start) == row_concern::contested));
  memory.leave(first);
  BOOST_TEST((memory.enter(third, start) == row_concern::contested));
  memory.arrive(second, memory.version(), start);
  memory.leave(third);
  auto last = inserts(1); // The log has it: a look will see.
  BOOST_TEST((memory.enter(last, start) == row_concern::some));
}

BOOST_AUTO_TEST_CASE(a_known_parent_is_not_asked_for_for_a_while) {
  row_memory memory{100, 1s};
  memory.learn(asked(1, true), memory.version(), start);
  auto child = refers_to(1);
  BOOST_TEST((memory.enter(child, start + 999ms) == row_concern::none));
  auto late = refers_to(1);
  BOOST_TEST((memory.enter(late, start + 1s) == row_concern::some));
  auto other = refers_to(2);
  BOOST_TEST((memory.enter(other, start) == row_concern::some));
}

BOOST_AUTO_TEST_CASE(a_row_that_was_inserted_is_known_if_others_may_refer_to_it) {
  const auto inserted = [](bool is_referred_to) {
    row_rule rule = *asked(1, false).rule;
    rule.is_referred_to = is_referred_to;
    return submission_rows{{{std::make_shared<const row_rule>(rule), asked(1, false).where, {}}}, false};
  };
  for (const bool may_be_parent : {true, false}) {
    row_memory memory{100, 1s};
    auto row = inserted(may_be_parent);
    memory.enter(row, start);
    memory.arrive(row, memory.version(), start);
    auto child = refers_to(1);
    BOOST_TEST((memory.enter(child, start) == (may_be_parent ? row_concern::none : row_concern::some)));
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_known_any_more_once_a_row_may_be_gone) {
  row_memory memory{100, 1s};
  memory.learn(asked(1, true), memory.version(), start);
  const auto before = memory.version();
  submission_rows removal{{}, true};
  memory.enter(removal, start);
  auto child = refers_to(1);
  BOOST_TEST((memory.enter(child, start) == row_concern::some));
  // A look that began before it came into the log may have seen what it takes away.
  memory.learn(asked(1, true), before, start);
  auto still = refers_to(1);
  BOOST_TEST((memory.enter(still, start) == row_concern::some));
  memory.learn(asked(2, true), memory.version(), start);
  memory.arrive(removal, memory.version(), start);
  for (const int id : {1, 2}) {
    auto again = refers_to(id);
    BOOST_TEST((memory.enter(again, start) == row_concern::some));
  }
}

BOOST_AUTO_TEST_CASE(parents_that_are_asked_for_are_kept_when_it_is_full) {
  row_memory memory{8, 1s};
  memory.learn(asked(0, true), memory.version(), start);
  for (int id = 1; id <= 20; ++id) {
    memory.learn(asked(id, true), memory.version(), start);
    auto wanted = refers_to(0);
    BOOST_TEST((memory.enter(wanted, start) == row_concern::none));
  }
  auto unwanted = refers_to(1);
  BOOST_TEST((memory.enter(unwanted, start) == row_concern::some));
}

BOOST_AUTO_TEST_CASE(a_glance_settles_what_it_does_not_doubt) {
  row_memory memory{100, 1s};
  submission_rows both{{asked(1, false), asked(2, true)}, false};
  submission_rows one{{asked(3, true)}, false};
  memory.enter(both, start);
  memory.enter(one, start);
  const auto unclear = memory.settle({&both, &one}, {{0}, ""}, memory.version(), start);
  BOOST_TEST((unclear == std::vector<std::size_t>{0}));
  BOOST_REQUIRE(both.questions.size() == 1U);
  BOOST_TEST(!both.questions.front().rule->is_about_parent);
  for (const int parent : {2, 3}) {
    auto child = refers_to(parent);
    BOOST_TEST((memory.enter(child, start) == row_concern::none));
  }
}

} // namespace chasqui
