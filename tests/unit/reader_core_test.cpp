#include <boost/test/unit_test.hpp>

#include "actors/overlay.hpp"
#include "actors/reader_core.hpp"
#include "actors/reader_overlay.hpp"
#include "actors/reader_search.hpp"
#include "messages/index_terms.hpp"
#include "messages/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace chasqui;

namespace {

bool finds(const std::string& payload, index_term term) {
  const auto terms = index_terms("main", payload);
  return std::find(terms.begin(), terms.end(), term) != terms.end();
}

std::string with_steps(const std::string& steps) {
  return R"({"id":"0197a4e2-0000-7000-8000-000000000001","lane":"main","steps":[)" + steps + "]}";
}

index_term by(term_kind kind, const std::string& column, const std::string& value) {
  return term_of("main", kind, "t", column, index_value(value));
}

table_shape plain_table() {
  return {"public", "t", true, {{"id", {}, true}, {"parent_id", {}, true}, {"name", {}, false}}, {"id"}, {}};
}

/// What the log says of entries 8 to `head`: one entry, with this step.
looked_up found(seqno seq, const std::string& step, seqno head = 9) {
  looked_up out{"main", 8, 1, head, 1, false, {}};
  out.entries.push_back({seq, {1, seq}, {}, with_steps(step)});
  return out;
}

snapshot_opened snapshot_of(std::vector<base_row> found) {
  return {{}, plain_table(), {{"main", 7}}, std::move(found)};
}

/// As the replica would rank them, if all their values were texts.
ranking ranked(const rank_order& order) {
  ranking out;
  std::map<std::string, std::int64_t> ranks;
  std::vector<std::vector<std::optional<std::string>>> all;
  for (const auto& text : order.records) {
    const auto record = nlohmann::json::parse(text);
    auto& values = all.emplace_back();
    for (const auto& column : plain_table().columns)
      values.push_back(record.contains(column.name) && !record[column.name].is_null()
                           ? std::optional{record[column.name].dump()}
                           : std::nullopt);
    for (const auto& value : values)
      ranks[value.value_or("")];
  }
  std::int64_t next = 1;
  for (auto& [value, rank] : ranks)
    rank = next++;
  for (auto& values : all) {
    auto& line = out.lines.emplace_back();
    line.json = values;
    for (const auto column : order.columns)
      line.ranks.push_back(ranks.at(values[column].value_or("")));
  }
  return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(however_a_value_is_written_it_is_found_by_one_term) {
  BOOST_TEST(index_value("4711") == index_value(" +4711.0 "));
  BOOST_TEST(index_value("4711") == index_value("47.11e2"));
  BOOST_TEST(index_value("0.50") == index_value(".5"));
  BOOST_TEST(index_value("0") == index_value("-0.0"));
  BOOST_TEST(index_value("-1") != index_value("1"));
  BOOST_TEST(index_value("9007199254740993") != index_value("9007199254740992"));
  BOOST_TEST(index_value("0197A4E2-0000-7000-8000-0000000000A1") ==
             index_value("{0197a4e20000700080000000000000a1}"));
  BOOST_TEST(index_value("11111111-1111-1111-1111-111111111111") ==
             index_value("11111111111111111111111111111111"));
  BOOST_TEST(index_value("1e") != index_value("1"));
}

BOOST_AUTO_TEST_CASE(an_entry_is_found_by_what_its_steps_write_and_by_what_they_pick_rows_by) {
  const auto insert =
      with_steps(R"({"op":"insert","table":"x.t","rows":[{"id":1,"parent_id":"2","name":"n"}]})");
  BOOST_TEST(finds(insert, term_of("main", term_kind::table, "t")));
  BOOST_TEST(finds(insert, by(term_kind::row, "id", "1.0")));
  BOOST_TEST(finds(insert, by(term_kind::row, "parent_id", "2")));
  BOOST_TEST(!finds(insert, term_of("main", term_kind::wide, "t")));
  const auto update =
      with_steps(R"({"op":"update","table":"t","where":{"parent_id":2,"id":1},"set":{"parent_id":3}})");
  BOOST_TEST(finds(update, by(term_kind::where, "id", "1")));
  BOOST_TEST(!finds(update, by(term_kind::where, "parent_id", "2")));
  BOOST_TEST(finds(update, by(term_kind::row, "parent_id", "3")));
  const auto wide = with_steps(R"({"op":"delete","table":"t","where":{"name":"n","parent_id":null}})");
  BOOST_TEST(finds(wide, term_of("main", term_kind::wide, "t")));
  BOOST_TEST(index_terms("main", R"({"decision":{}})").empty());
}

BOOST_AUTO_TEST_CASE(a_name_or_value_with_escapes_is_found_as_it_is_meant) {
  const auto insert =
      with_steps(R"({"op":"upsert","table":"t","key":["a\"b_id"],"rows":[{"a\"b_id":"x\\y\u0001"}]})");
  BOOST_TEST(finds(insert, by(term_kind::row, "a\"b_id", "x\\y\x01")));
  BOOST_TEST(finds(insert, by(term_kind::where, "a\"b_id", "x\\y\x01")));
}

// What is in the log may have been damaged there: its terms are then of no use, but nothing else happens.
BOOST_AUTO_TEST_CASE(any_text_has_terms_or_none) {
  const auto whole = with_steps(
      R"({"op":"upsert","table":"t","key":["id"],"rows":[{"id":"x\u0001","a":[1,{"b":null}],"c_id":{"d":2}}]})");
  BOOST_TEST(index_terms("main", whole).size() == 4U);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    // A copy of its own, so that a look beyond its end is a look beyond an allocation.
    const std::vector<char> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    BOOST_TEST(index_terms("main", {part.data(), part.size()}).size() <= 4U);
    for (const char c : {'"', '\\', '{', '}', '[', ']', ',', ':', '\0'}) {
      auto spoilt = whole;
      spoilt[length] = c;
      BOOST_TEST(index_terms("main", spoilt).size() <= 8U);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_entry_of_too_many_values_stands_under_its_table_alone) {
  std::string rows;
  for (int i = 0; i < 65; ++i)
    rows += (i == 0 ? "" : ",") + std::string{R"({"id":)"} + std::to_string(i) + "}";
  const auto payload = with_steps(R"({"op":"insert","table":"t","rows":[)" + rows + "]}");
  BOOST_TEST(index_terms("main", payload).size() == 2U);
  BOOST_TEST(finds(payload, term_of("main", term_kind::wide, "t")));
}

BOOST_AUTO_TEST_CASE(an_update_of_a_row_that_was_deleted_before_it_changes_nothing) {
  overlay_input in;
  in.columns = 1;
  in.key = {0};
  in.is_unknown = {false};
  in.atoms = {{{"1"}, {1}}, {{"1"}, {1}}, {{"2"}, {2}}};
  in.base_rows = 1;
  overlay_change gone;
  gone.op = step_op::erase;
  gone.where = 1;
  gone.where_columns = {0};
  auto late = gone;
  late.op = step_op::update;
  late.values = 2;
  late.columns = {0};
  in.changes = {gone, late};
  BOOST_TEST(lay_over(in).found.empty());
  in.changes = {late, gone};
  BOOST_REQUIRE_EQUAL(lay_over(in).found.size(), 1U);
  BOOST_TEST((lay_over(in).found[0].origin() == row_origin::merged));
}

BOOST_AUTO_TEST_CASE(
    a_read_asks_the_log_for_what_lies_above_the_cursor_of_its_snapshot_and_not_beyond_its_first_head) {
  reading core{{"t", R"({"id":1})", {}, 10, std::chrono::seconds{1}}, {"main"}, {}};
  BOOST_REQUIRE(std::holds_alternative<open_order>(core.start()));
  auto step = core.on_opened(snapshot_of({}));
  BOOST_REQUIRE(std::holds_alternative<look_order>(step));
  BOOST_TEST(std::get<look_order>(step).each[0].from_seq == 8U);
  const auto entry = found(9, R"({"op":"insert","table":"t","rows":[{"id":1,"parent_id":5}]})");
  step = core.on_found({entry});
  BOOST_REQUIRE(std::holds_alternative<look_order>(step)); // Who picks rows by that parent?
  BOOST_TEST(std::get<look_order>(step).each[0].to_seq == 9U);
  step = core.on_found({{"main", 8, 1, 12, 1, false, {}}});
  BOOST_REQUIRE(std::holds_alternative<rank_order>(step));
}

BOOST_AUTO_TEST_CASE(a_read_begins_again_when_entries_leave_the_log_under_it_and_gives_up_in_the_end) {
  reading core{{"t", R"({"id":1})", {}, 10, std::chrono::seconds{1}}, {"main"}, {}};
  auto step = core.start();
  int attempts = 0;
  for (; std::holds_alternative<open_order>(step); ++attempts) {
    core.on_opened(snapshot_of({}));
    step = core.on_found({{"main", 8, 20, 30, 1, false, {}}});
  }
  BOOST_TEST(attempts > 1);
  BOOST_REQUIRE(std::holds_alternative<fault>(step));
  BOOST_TEST((std::get<fault>(step).code == fault_code::unavailable));
}

// The replay of what a vacuum has removed ends readers that might still need it.
BOOST_AUTO_TEST_CASE(a_replica_that_declines_is_asked_again_and_one_that_is_away_is_read_without) {
  const auto open_with = [](reading& core, fault_code problem) {
    auto opened = snapshot_of({});
    opened.problem = {problem, "canceling statement due to conflict with recovery", ""};
    return core.on_opened(opened);
  };
  reading core{{"t", R"({"id":1})", {}, 10, std::chrono::seconds{1}}, {"main"}, {}};
  core.start();
  BOOST_TEST(std::holds_alternative<open_order>(open_with(core, fault_code::unavailable)));
  BOOST_TEST(std::holds_alternative<look_order>(open_with(core, fault_code::link_lost)));
  reading patient{{"t", R"({"id":1})", {}, 10, std::chrono::seconds{1}}, {"main"}, {}};
  auto step = patient.start();
  for (int i = 0; i < 100 && std::holds_alternative<open_order>(step); ++i)
    step = open_with(patient, fault_code::unavailable);
  BOOST_TEST(std::holds_alternative<fault>(step));
}

BOOST_AUTO_TEST_CASE(rows_that_were_asked_for_first_are_none_that_pending_entries_change) {
  reader_limits limits;
  limits.rows_max = 3;
  for (const std::size_t fetched : {3U, 4U}) {
    reading core{{"t", "{}", {}, 3, std::chrono::seconds{1}}, {"main"}, limits};
    core.start();
    core.on_opened(snapshot_of({{"1", {"1", "5", std::nullopt}},
                                {"2", {"2", "5", std::nullopt}},
                                {"3", {"3", "5", std::nullopt}},
                                {"4", {"4", "5", std::nullopt}}}));
    auto step =
        core.on_found({found(9, R"({"op":"update","table":"t","where":{"id":9},"set":{"name":"z"}})")});
    BOOST_REQUIRE(std::holds_alternative<fetch_order>(step));
    base_page page;
    for (std::size_t i = 0; i < fetched; ++i)
      page.found.push_back({"9" + std::to_string(i), {"9", "6", std::nullopt}});
    step = core.on_fetched(page);
    BOOST_TEST(std::holds_alternative<fault>(step) == (fetched > limits.rows_max));
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_refused_with_what_to_do) {
  const auto refusal = [](read_rows what) {
    reading core{std::move(what), {"main"}, {}};
    auto step = core.start();
    if (std::holds_alternative<open_order>(step))
      step = core.on_opened(snapshot_of({}));
    const auto* const why = std::get_if<fault>(&step);
    return why == nullptr ? "" : why->message;
  };
  const std::chrono::seconds time{1};
  BOOST_TEST(refusal({"a.b.c", "{}", {}, 1, time}) != "");
  BOOST_TEST(refusal({"t", "[]", {}, 1, time}) != "");
  BOOST_TEST(refusal({"t", "{}", {}, 0, time}).find("reader.rows_max") != std::string::npos);
  BOOST_TEST(refusal({"t", R"({"nam":1})", {}, 1, time}).find("name") != std::string::npos);
  BOOST_TEST(refusal({"t", "{}", {{"nam", false}}, 1, time}).find("name") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(who_picks_rows_by_a_value_that_a_pending_update_sets_is_looked_for_too) {
  reading core{{"t", R"({"id":1})", {}, 10, std::chrono::seconds{1}}, {"main"}, {}};
  core.start();
  core.on_opened(snapshot_of({{"1", {"1", "5", std::nullopt}}}));
  const auto entry = found(8, R"({"op":"update","table":"t","where":{"id":1},"set":{"parent_id":6}})", 8);
  const auto step = core.on_found({entry});
  BOOST_REQUIRE(std::holds_alternative<look_order>(step));
  BOOST_CHECK((std::get<look_order>(step).each[0].terms ==
               std::vector<index_term>{by(term_kind::where, "parent_id", "6")}));
}

// A row that a pending update has moved no longer stands for the end of what was fetched.
BOOST_AUTO_TEST_CASE(more_is_fetched_when_rows_of_the_first_ones_are_moved_behind_others) {
  const std::string moves = R"({"op":"update","table":"t","where":{"parent_id":5},"set":{"name":"z"}})";
  const std::string stays = R"({"op":"update","table":"t","where":{"parent_id":5},"set":{"id":7}})";
  for (const bool moved : {true, false}) {
    reading core{{"t", "{}", {{"name", false}}, 1, std::chrono::seconds{1}}, {"main"}, {}};
    const auto first = core.start();
    BOOST_REQUIRE(std::holds_alternative<open_order>(first));
    std::vector<base_row> rows;
    for (std::uint64_t i = 0; i < std::get<open_order>(first).first.rows_max; ++i)
      rows.push_back({std::to_string(i), {std::to_string(i), "5", "\"a\""}});
    core.on_opened(snapshot_of(rows));
    auto step = core.on_found({found(9, moved ? moves : stays)});
    if (std::holds_alternative<fetch_order>(step))
      step = core.on_fetched({});
    BOOST_REQUIRE(std::holds_alternative<rank_order>(step));
    step = core.on_ranked(ranked(std::get<rank_order>(step)));
    BOOST_TEST(std::holds_alternative<open_order>(step) == moved);
  }
}

BOOST_AUTO_TEST_CASE(what_the_primary_generates_is_unknown_once_its_row_is_changed) {
  overlay_input in;
  in.columns = 2;
  in.key = {0};
  in.is_unknown = {false, true};
  in.generated = {1};
  in.atoms = {{{"1", "2"}, {1, 1}}, {{"1", std::nullopt}, {1, 0}}, {{"3", std::nullopt}, {2, 0}}};
  in.base_rows = 1;
  overlay_change change;
  change.op = step_op::update;
  change.where = 1;
  change.where_columns = {0};
  change.values = 2;
  change.columns = {0};
  in.changes = {change};
  BOOST_REQUIRE_EQUAL(lay_over(in).found.size(), 1U);
  BOOST_TEST(lay_over(in).found[0].unknown[1]);
  in.changes.clear();
  BOOST_TEST(!lay_over(in).found[0].unknown[1]);
}

// An update that makes a row a wanted one picks it by values that another pending update has yet to give it:
// the replica is asked for the row by the one value that stays.
BOOST_AUTO_TEST_CASE(a_row_that_another_update_has_to_change_first_is_fetched_by_its_id) {
  reading core{{"t", R"({"parent_id":3})", {}, 10, std::chrono::seconds{1}}, {"main"}, {}};
  core.start();
  core.on_opened(snapshot_of({}));
  const auto entry =
      found(9, R"({"op":"update","table":"t","where":{"id":1,"name":"new"},"set":{"parent_id":3}})");
  auto step = core.on_found({entry});
  BOOST_REQUIRE(std::holds_alternative<look_order>(step)); // Who changes the row of this id?
  step = core.on_found({{"main", 8, 1, 9, 1, false, {}}});
  BOOST_REQUIRE(std::holds_alternative<fetch_order>(step));
  const auto& wanted = std::get<fetch_order>(step).wanted;
  BOOST_REQUIRE(wanted.size() == 1U);
  BOOST_CHECK((wanted[0].columns == std::vector<std::string>{"id"}));
}

BOOST_AUTO_TEST_CASE(who_gives_a_row_the_id_by_which_another_update_picks_it_is_looked_for) {
  reading core{{"t", R"({"parent_id":3})", {}, 10, std::chrono::seconds{1}}, {"main"}, {}};
  core.start();
  core.on_opened(snapshot_of({}));
  const auto entry = found(9, R"({"op":"update","table":"t","where":{"id":1},"set":{"parent_id":3}})");
  auto step = core.on_found({entry});
  BOOST_REQUIRE(std::holds_alternative<look_order>(step));
  step = core.on_found({found(8, R"({"op":"update","table":"t","where":{"parent_id":9},"set":{"id":1}})")});
  BOOST_REQUIRE(std::holds_alternative<look_order>(step)); // Its rows may become the wanted ones.
  const auto& terms = std::get<look_order>(step).each[0].terms;
  BOOST_TEST((std::find(terms.begin(), terms.end(), by(term_kind::row, "parent_id", "9")) != terms.end()));
}

// PostgreSQL would refuse to change a row twice, so the primary is told the last one alone
// (adapters/statement).
BOOST_AUTO_TEST_CASE(of_the_rows_of_one_key_in_an_upsert_the_last_one_counts_as_a_whole) {
  const auto laid = [](const std::string& rows) {
    reader_overlay overlay{plain_table(), false};
    const auto t =
        decode_transaction(with_steps(R"({"op":"upsert","table":"t","key":["id"],"rows":[)" + rows + "]}"),
                           transaction_limits{});
    pending_entry e;
    e.steps.push_back({std::get<transaction>(t).steps.front(), {}, {}, {}});
    overlay.add_entry(e);
    overlay.set_question({}, {});
    overlay.rank_by_text();
    std::string out;
    for (const auto& row : overlay.lay().found)
      out += overlay.describe(row).json;
    return out;
  };
  BOOST_TEST(laid(R"({"id":1.0,"name":"a"},{"id":1,"name":"b"})") ==
             R"({"id":1,"parent_id":null,"name":"b"})");
  BOOST_TEST(laid(R"({"id":1.0,"name":null},{"id":1,"name":"b"})") ==
             R"({"id":1,"parent_id":null,"name":"b"})");
  // Of other columns it is another statement: what is there keeps its key, and what it does not name.
  BOOST_TEST(laid(R"({"id":1.0,"name":"a"},{"id":1,"parent_id":2})") ==
             R"({"id":1.0,"parent_id":2,"name":"a"})");
}
