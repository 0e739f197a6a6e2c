#include "adapters/shape_cache.hpp"
#include "adapters/statement.hpp"
#include "adapters/utf8.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>
#include <vector>

using namespace chasqui;

namespace {

record row(std::vector<std::string> columns, std::string json, std::vector<std::string> nulls = {}) {
  return {std::move(columns), std::move(nulls), std::move(json)};
}

step insert_of(std::vector<record> rows) {
  step s;
  s.table = "t";
  s.rows = std::move(rows);
  return s;
}

step upsert_of(std::vector<std::string> key, std::vector<record> rows) {
  step s = insert_of(std::move(rows));
  s.op = step_op::upsert;
  s.key = std::move(key);
  return s;
}

step update_of(record where, record set) {
  step s;
  s.op = step_op::update;
  s.table = "t";
  s.where = std::move(where);
  s.set = std::move(set);
  return s;
}

step erase_of(record where) {
  step s;
  s.op = step_op::erase;
  s.table = "t";
  s.where = std::move(where);
  return s;
}

std::vector<statement> statements_of(const step& s) {
  std::vector<statement> made;
  const auto problem = append_statements(s, made);
  BOOST_TEST_REQUIRE(!problem, problem.message);
  return made;
}

statement only_statement_of(const step& s) {
  auto made = statements_of(s);
  BOOST_TEST_REQUIRE(made.size() == 1U);
  return made.front();
}

bool is_refused(const step& s) {
  std::vector<statement> made{{"kept", {}}};
  const auto problem = append_statements(s, made);
  BOOST_TEST(made.size() == 1U);
  return problem.code == fault_code::malformed;
}

} // namespace

BOOST_AUTO_TEST_CASE(an_insert_carries_its_row_as_one_json_parameter) {
  const auto s = only_statement_of(insert_of({row({"a", "b"}, R"({"a":1,"b":"x"})")}));
  BOOST_TEST(s.sql ==
             R"(INSERT INTO "t" ("a", "b") SELECT "a", "b" FROM jsonb_populate_recordset(NULL::"t", $1))");
  BOOST_TEST(s.params == std::vector<std::string>{R"([{"a":1,"b":"x"}])"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(consecutive_rows_with_the_same_columns_share_a_statement) {
  const auto made = statements_of(insert_of({row({"a"}, R"({"a":1})"), row({"a"}, R"({"a":2})"),
                                             row({"a", "b"}, R"({"a":3,"b":4})"), row({"a"}, R"({"a":5})")}));
  BOOST_TEST_REQUIRE(made.size() == 3U);
  BOOST_TEST(made[0].params.front() == R"([{"a":1},{"a":2}])");
  BOOST_TEST(made[1].params.front() == R"([{"a":3,"b":4}])");
  BOOST_TEST(made[2].params.front() == R"([{"a":5}])");
  BOOST_TEST(made[0].sql == made[2].sql);
}

BOOST_AUTO_TEST_CASE(values_are_never_part_of_the_text) {
  const auto one = only_statement_of(insert_of({row({"a"}, R"({"a":1})")}));
  const auto other = only_statement_of(insert_of({row({"a"}, R"({"a":"'); DROP TABLE t; --"})")}));
  BOOST_TEST(one.sql == other.sql);
}

BOOST_AUTO_TEST_CASE(a_row_without_columns_gets_the_defaults) {
  const auto made = statements_of(insert_of({row({}, "{}"), row({}, "{}")}));
  BOOST_TEST_REQUIRE(made.size() == 2U);
  BOOST_TEST(made[0].sql == R"(INSERT INTO "t" DEFAULT VALUES)");
  BOOST_TEST(made[0].params.empty());
}

BOOST_AUTO_TEST_CASE(an_upsert_sets_every_column_that_is_not_in_the_key) {
  const auto s = only_statement_of(upsert_of({"a"}, {row({"a", "b"}, R"({"a":1,"b":2})")}));
  BOOST_TEST(s.sql ==
             R"(INSERT INTO "t" ("a", "b") SELECT "a", "b" FROM jsonb_populate_recordset(NULL::"t", $1))"
             R"( ON CONFLICT ("a") DO UPDATE SET "b" = EXCLUDED."b")");
}

BOOST_AUTO_TEST_CASE(an_upsert_of_key_columns_alone_changes_nothing_that_is_there) {
  const auto s = only_statement_of(upsert_of({"a", "b"}, {row({"a", "b"}, R"({"a":1,"b":2})")}));
  BOOST_TEST(s.sql.ends_with(R"( ON CONFLICT ("a", "b") DO NOTHING)"));
}

BOOST_AUTO_TEST_CASE(an_upsert_of_several_rows_keeps_the_last_one_of_a_key) {
  const auto s = only_statement_of(upsert_of({"a"}, {row({"a"}, R"({"a":1})"), row({"a"}, R"({"a":1})")}));
  BOOST_TEST(s.sql.find(R"(SELECT DISTINCT ON ("a") "a" FROM)") != std::string::npos);
  BOOST_TEST(s.sql.find(R"(ORDER BY "a", "chasqui row" DESC)") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_upsert_row_whose_key_is_null_shares_no_statement) {
  const auto null_row = row({"a"}, R"({"a":null})", {"a"});
  BOOST_TEST(statements_of(upsert_of({"a"}, {null_row, null_row, row({"a"}, R"({"a":1})")})).size() == 3U);
}

BOOST_AUTO_TEST_CASE(an_update_joins_its_values_and_its_condition) {
  const auto s = only_statement_of(update_of(row({"k"}, R"({"k":1})"), row({"a", "b"}, R"({"a":2,"b":3})")));
  BOOST_TEST(s.sql ==
             R"(UPDATE "t" AS t SET "a" = s."a", "b" = s."b" FROM jsonb_populate_record(NULL::"t", $1) AS s,)"
             R"( jsonb_populate_record(NULL::"t", $2) AS w WHERE t."k" = w."k")");
  BOOST_TEST(s.params == (std::vector<std::string>{R"({"a":2,"b":3})", R"({"k":1})"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_null_in_a_condition_asks_for_null) {
  const auto mixed = only_statement_of(erase_of(row({"k", "z"}, R"({"k":1,"z":null})", {"z"})));
  BOOST_TEST(mixed.sql == R"(DELETE FROM "t" AS t USING jsonb_populate_record(NULL::"t", $1) AS w)"
                          R"( WHERE t."k" = w."k" AND t."z" IS NULL)");
  const auto nulls_only = only_statement_of(erase_of(row({"z"}, R"({"z":null})", {"z"})));
  BOOST_TEST(nulls_only.sql == R"(DELETE FROM "t" AS t WHERE t."z" IS NULL)");
  BOOST_TEST(nulls_only.params.empty());
}

BOOST_AUTO_TEST_CASE(expected_rows_are_counted_where_they_change) {
  auto what = erase_of(row({"k"}, R"({"k":1})"));
  what.expect_rows = 3;
  const auto s = only_statement_of(what);
  BOOST_TEST(s.sql.starts_with("WITH s AS (DELETE FROM"));
  BOOST_TEST(
      s.sql.ends_with(R"(RETURNING 1) SELECT chasqui.expect_rows((SELECT count(*) FROM s), $2::bigint))"));
  BOOST_TEST(s.params.back() == "3");
}

BOOST_AUTO_TEST_CASE(names_are_quoted_as_they_are) {
  auto what = insert_of({row({"a\"b; --"}, "{}")});
  what.table = "Sky.Über\"sicht";
  const auto s = only_statement_of(what);
  BOOST_TEST(s.sql.starts_with(R"(INSERT INTO "Sky"."Über""sicht" ("a""b; --"))"));
}

BOOST_AUTO_TEST_CASE(names_that_postgresql_would_not_take_are_refused) {
  for (const std::string table : {"", ".", "a.", ".a", "a.b.c", "a..b"}) {
    auto what = insert_of({row({"a"}, "{}")});
    what.table = table;
    BOOST_TEST(is_refused(what), "'" << table << "'");
  }
  BOOST_TEST(is_refused(insert_of({row({std::string(64, 'x')}, "{}")})));
  BOOST_TEST(!statements_of(insert_of({row({std::string(63, 'x')}, "{}")})).empty());
  BOOST_TEST(is_refused(insert_of({row({std::string("a\0b", 3)}, "{}")})));
}

BOOST_AUTO_TEST_CASE(a_change_without_condition_or_values_is_refused) {
  BOOST_TEST(is_refused(erase_of(row({}, "{}"))));
  BOOST_TEST(is_refused(update_of(row({}, "{}"), row({"a"}, "{}"))));
  BOOST_TEST(is_refused(update_of(row({"a"}, "{}"), row({}, "{}"))));
}

BOOST_AUTO_TEST_CASE(inserts_of_the_same_shape_that_follow_each_other_become_one_statement) {
  const auto one = insert_of({row({"a"}, R"({"a":1})")});
  const auto two = insert_of({row({"a"}, R"({"a":2})"), row({"a"}, R"({"a":3})")});
  const auto other = insert_of({row({"b"}, R"({"b":4})")});
  const auto update = update_of(row({"a"}, R"({"a":1})"), row({"a"}, R"({"a":5})"));
  const auto upsert = upsert_of({"a"}, {row({"a"}, R"({"a":6})")});
  const auto joined = [](const std::vector<step>& steps) {
    std::vector<statement> all;
    for (const auto& s : steps)
      BOOST_REQUIRE(!append_statements(s, all));
    join_inserts(all);
    std::string text;
    for (const auto& s : all)
      text += s.params.front() + " ";
    return text;
  };
  BOOST_TEST(joined({}) == "");
  BOOST_TEST(joined({one}) == R"([{"a":1}] )");
  BOOST_TEST(joined({one, two, one}) == R"([{"a":1},{"a":2},{"a":3},{"a":1}] )");
  // Nothing changes its place.
  BOOST_TEST(joined({one, other, one}) == R"([{"a":1}] [{"b":4}] [{"a":1}] )");
  BOOST_TEST(joined({one, two, update, one, two}) ==
             R"([{"a":1},{"a":2},{"a":3}] {"a":5} [{"a":1},{"a":2},{"a":3}] )");
  BOOST_TEST(joined({upsert, upsert}) == R"([{"a":6}] [{"a":6}] )"); // They might touch the same row.
  auto nothing = insert_of({row({}, "{}"), row({}, "{}")});
  std::vector<statement> defaults;
  BOOST_REQUIRE(!append_statements(nothing, defaults));
  join_inserts(defaults);
  BOOST_TEST(defaults.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_shape_is_found_by_its_text_until_others_were_used_more_lately) {
  shape_cache cache{2};
  const auto a = cache.add("a");
  const auto b = cache.add("b");
  BOOST_TEST(cache.evict() == nullptr);
  BOOST_TEST(cache.find("a") == a);
  cache.add("c");
  BOOST_TEST(cache.evict() == b);
  BOOST_TEST(cache.evict() == nullptr);
  BOOST_TEST(cache.find("b") == nullptr);
  BOOST_TEST(cache.find("a") == a);
}

BOOST_AUTO_TEST_CASE(a_shape_never_gets_the_name_of_an_earlier_one) {
  shape_cache cache{1};
  std::set<std::string> names;
  for (const auto* const text : {"a", "b", "a", "c"}) {
    names.insert(cache.add(text)->name);
    cache.evict();
  }
  BOOST_TEST(names.size() == 4U);
}

BOOST_AUTO_TEST_CASE(a_forgotten_shape_is_made_anew) {
  shape_cache cache{2};
  const auto first = cache.add("a");
  cache.forget(*first);
  BOOST_TEST(cache.find("a") == nullptr);
  const auto second = cache.add("a");
  cache.forget(*first);
  BOOST_TEST(cache.find("a") == second);
}

BOOST_AUTO_TEST_CASE(text_that_postgresql_would_refuse_is_made_valid) {
  BOOST_TEST(valid_utf8("plain, Zürich, 宇宙, 🔭") == "plain, Zürich, 宇宙, 🔭");
  BOOST_TEST(valid_utf8(std::string("a\0b", 3)) == "a\xEF\xBF\xBD"
                                                   "b");
  for (const std::string broken : {"\x80", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80",
                                   "\xC3", "\xE2\x82", "\xF0\x9F\x94", "\xF4\x90\x80\x80"}) {
    const auto fixed = valid_utf8(broken);
    BOOST_TEST(fixed.find_first_not_of("\xEF\xBF\xBD") == std::string::npos);
    BOOST_TEST(fixed.size() == 3 * broken.size());
  }
}
