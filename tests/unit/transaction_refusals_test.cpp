#include "tests/unit/transaction_texts.hpp"

#include <string>
#include <vector>

namespace chasqui {

namespace {

struct refusal {
  std::string json;
  fault_code code;
  std::string field;
  std::string phrase; ///< Somewhere in the message.
};

void check(const std::vector<refusal>& refusals, const transaction_limits& limits = {}) {
  for (const auto& expected : refusals) {
    const auto f = refused(expected.json, limits);
    BOOST_TEST_CONTEXT(expected.json << "\n  " << f.message) {
      BOOST_TEST(to_string(f.code) == to_string(expected.code));
      BOOST_TEST(f.field == expected.field);
      BOOST_TEST(f.message.find(expected.phrase) != std::string::npos);
      BOOST_TEST(f.message.ends_with('.') != f.message.ends_with('?'));
    }
  }
}

using enum fault_code;

} // namespace

BOOST_AUTO_TEST_CASE(text_that_is_no_json_is_refused_with_the_place) {
  check({
      {"", malformed, "", "line 1, column 1"},
      {"{\"steps\":[\n {\"op\" 1}]}", malformed, "", "line 2, column 8"},
      {"{\"steps\":[],}", malformed, "", "column 13"},
      {"{\"steps\":[]} {}", malformed, "", "column 14"},
      {std::string{"{\"steps\":[]}\0", 13}, malformed, "", "byte 13"},
      {with_value("1e5000"), malformed, "", "too large"},
      {with_value("01"), malformed, "", "column"},
      {with_value("NaN"), malformed, "", "column"},
      {with_value("\"\xff\""), malformed, "", "UTF-8"},
      {with_value("\"\xc0\xaf\""), malformed, "", "UTF-8"},
      {with_value("\"\xed\xa0\x80\""), malformed, "", "UTF-8"},
      {with_value("\"\xf5\x80\x80\x80\""), malformed, "", "UTF-8"},
      {with_value(R"("\ud800")"), malformed, "", "surrogate"},
      {with_value("\"\n\""), malformed, "", "control character"},
  });
}

BOOST_AUTO_TEST_CASE(the_wrong_kind_of_a_field_is_refused) {
  check({
      {"[]", malformed, "", "The transaction must be an object, not an array"},
      {"null", malformed, "", "must be an object, not null"},
      {R"({"steps":{}})", malformed, "steps", "must be an array, not an object"},
      {R"({"steps":[1]})", malformed, "steps[0]", "must be an object, not a whole number"},
      {with_field("id", "1"), malformed, "id", "must be a string, not a whole number"},
      {with_field("id", "null"), malformed, "id", "must be a string, not null"},
      {with_field("lane", "true"), malformed, "lane", "must be a string, not true or false"},
      {with_field("origin", "1.5"), malformed, "origin", "must be a string, not a number"},
      {with_field("depends_on", R"("x")"), malformed, "depends_on", "must be an array, not a string"},
      {with_field("depends_on", "[[]]"), malformed, "depends_on[0]", "must be a string, not an array"},
      {with_steps(R"({"op":1})"), malformed, "steps[0].op", "must be a string"},
      {with_steps(R"({"op":"delete","table":[],"where":{"x":1}})"), malformed, "steps[0].table",
       "must be a string"},
      {with_steps(R"({"op":"delete","table":"t","where":[1]})"), malformed, "steps[0].where",
       "must be an object"},
      {with_steps(R"({"op":"update","table":"t","where":{"x":1},"set":""})"), malformed, "steps[0].set",
       "must be an object"},
      {with_steps(R"({"op":"insert","table":"t","rows":{"x":1}})"), malformed, "steps[0].rows",
       "must be an array"},
      {with_steps(R"({"op":"insert","table":"t","rows":[{"x":1},7]})"), malformed, "steps[0].rows[1]",
       "must be an object"},
      {with_steps(R"({"op":"upsert","table":"t","key":"x","rows":[{"x":1}]})"), malformed, "steps[0].key",
       "must be an array"},
      {with_steps(R"({"op":"upsert","table":"t","key":[1],"rows":[{"x":1}]})"), malformed, "steps[0].key[0]",
       "must be a string"},
  });
}

BOOST_AUTO_TEST_CASE(unknown_fields_are_refused_with_the_name_that_was_meant) {
  check({
      {R"({"stpes":[]})", unknown_field, "stpes", R"(Did you mean "steps"?)"},
      {with_field("depend_on", "[]"), unknown_field, "depend_on", R"(Did you mean "depends_on"?)"},
      {with_field("created_at", "1"), unknown_field, "created_at", "is not known here."},
      {with_steps(R"({"op":"insert","tabel":"t"})"), unknown_field, "steps[0].tabel",
       R"(Did you mean "table"?)"},
      {with_steps(R"({"op":"delete","table":"t","where":{"x":1}},{"Op":"insert"})"), unknown_field,
       "steps[1].Op", R"(Did you mean "op"?)"},
      {with_steps(R"({"op":"insert","table":"t","row":[]})"), unknown_field, "steps[0].row",
       R"(Did you mean "rows"?)"},
      {with_steps(R"({"po":"insert"})"), unknown_field, "steps[0].po", R"(Did you mean "op"?)"},
      {with_steps(R"({"op":"insert","":1})"), unknown_field, "steps[0].", "is not known here."},
  });
}

BOOST_AUTO_TEST_CASE(an_operation_is_one_of_four) {
  check({
      {with_steps(R"({"op":"erase","table":"t"})"), malformed, "steps[0].op",
       "insert, upsert, update or delete"},
      {with_steps(R"({"op":"updat","table":"t"})"), malformed, "steps[0].op", R"(Did you mean "update"?)"},
      {with_steps(R"({"op":"","table":"t"})"), malformed, "steps[0].op", "insert, upsert, update or delete."},
      {with_steps(R"({"op":"DELETE","table":"t"})"), malformed, "steps[0].op",
       "insert, upsert, update or delete"},
  });
}

BOOST_AUTO_TEST_CASE(missing_and_empty_fields_are_refused) {
  check({
      {"{}", missing_field, "steps", "is missing"},
      {R"({"steps":[]})", missing_field, "steps", "at least one step"},
      {with_steps("{}"), missing_field, "steps[0].op", "is missing"},
      {with_steps(R"({"op":"insert","rows":[{"x":1}]})"), missing_field, "steps[0].table",
       "belongs to an insert"},
      {with_steps(R"({"op":"insert","table":"t"})"), missing_field, "steps[0].rows", "belongs to an insert"},
      {with_steps(R"({"op":"insert","table":"t","rows":[]})"), missing_field, "steps[0].rows",
       "at least one row"},
      {with_steps(R"({"op":"insert","table":"t","rows":[{}]})"), missing_field, "steps[0].rows[0]",
       "at least one column"},
      {with_steps(R"({"op":"upsert","table":"t","rows":[{"x":1}]})"), missing_field, "steps[0].key",
       "belongs to an upsert"},
      {with_steps(R"({"op":"upsert","table":"t","key":["x"]})"), missing_field, "steps[0].rows",
       "belongs to an upsert"},
      {with_steps(R"({"op":"upsert","table":"t","key":[],"rows":[{"x":1}]})"), missing_field, "steps[0].key",
       "is empty"},
      {with_steps(R"({"op":"upsert","table":"t","key":["x","y"],"rows":[{"x":1,"y":2},{"x":1}]})"),
       missing_field, "steps[0].rows[1].y", "belongs to the key"},
      {with_steps(R"({"op":"update","table":"t","set":{"x":1}})"), missing_field, "steps[0].where",
       "belongs to an update"},
      {with_steps(R"({"op":"update","table":"t","where":{"x":1}})"), missing_field, "steps[0].set",
       "belongs to an update"},
      {with_steps(R"({"op":"update","table":"t","where":{},"set":{"x":1}})"), missing_field, "steps[0].where",
       "at least one column"},
      {with_steps(R"({"op":"update","table":"t","where":{"x":1},"set":{}})"), missing_field, "steps[0].set",
       "at least one column"},
      {with_steps(R"({"op":"delete","table":"t"})"), missing_field, "steps[0].where", "belongs to a delete"},
      {with_steps(R"({"op":"delete","table":"t","where":{}})"), missing_field, "steps[0].where",
       "at least one column"},
  });
}

BOOST_AUTO_TEST_CASE(fields_of_another_operation_are_refused) {
  const auto step = [](std::string_view text) { return with_steps(text); };
  check({
      {step(R"({"op":"insert","table":"t","rows":[{"x":1}],"key":["x"]})"), unknown_field, "steps[0].key",
       "an insert"},
      {step(R"({"op":"insert","table":"t","rows":[{"x":1}],"where":{"x":1}})"), unknown_field,
       "steps[0].where", "an insert"},
      {step(R"({"op":"insert","table":"t","rows":[{"x":1}],"expect_rows":1})"), unknown_field,
       "steps[0].expect_rows", "an insert"},
      {step(R"({"op":"upsert","table":"t","key":["x"],"rows":[{"x":1}],"set":{"x":1}})"), unknown_field,
       "steps[0].set", "an upsert"},
      {step(R"({"op":"upsert","table":"t","key":["x"],"rows":[{"x":1}],"expect_rows":null})"), unknown_field,
       "steps[0].expect_rows", "an upsert"},
      {step(R"({"op":"update","table":"t","where":{"x":1},"set":{"x":2},"rows":[{"x":1}]})"), unknown_field,
       "steps[0].rows", "an update"},
      {step(R"({"op":"delete","table":"t","where":{"x":1},"rows":[]})"), unknown_field, "steps[0].rows",
       "a delete"},
      {step(R"({"op":"delete","table":"t","where":{"x":1},"set":{"x":1}})"), unknown_field, "steps[0].set",
       "a delete"},
      {step(R"({"op":"delete","table":"t","where":{"x":1},"key":["x"]})"), unknown_field, "steps[0].key",
       "a delete"},
  });
}

BOOST_AUTO_TEST_CASE(repeated_keys_are_refused_at_every_depth) {
  const auto many = [](std::size_t count) {
    std::string columns = R"("c0":0)";
    for (std::size_t i = 1; i < count; ++i)
      columns += ",\"c" + std::to_string(i) + "\":0";
    return columns;
  };
  check({
      {R"({"lane":"a","lane":"a","steps":[]})", malformed, "lane", "more than once"},
      {with_steps(R"({"op":"delete","op":"delete"})"), malformed, "steps[0].op", "more than once"},
      {with_steps(R"({"op":"delete","table":"t","where":{"x":1,"y":1,"x":1}})"), malformed,
       "steps[0].where.x", "more than once"},
      {with_value(R"([{"a":{"b":1,"\u0062":2}}])"), malformed, "steps[0].rows[0].x[0].a.b", "more than once"},
      {with_value("{" + many(100) + R"(,"c3":1})"), malformed, "steps[0].rows[0].x.c3", "more than once"},
      {with_steps(R"({"op":"upsert","table":"t","key":["x","x"],"rows":[{"x":1}]})"), malformed,
       "steps[0].key[1]", "again"},
  });
  for (const std::size_t count : {1U, 11U, 12U, 13U, 100U})
    BOOST_TEST(decoded(with_value("{" + many(count) + "}")).steps.size() == 1U);
}

BOOST_AUTO_TEST_CASE(ids_are_uuids_and_not_nil) {
  check({
      {with_field("id", R"("4711")"), invalid_id, "id", R"(not "4711")"},
      {with_field("id", R"("0197a4e28c1d7000 80005f2a6b3c4d5e")"), invalid_id, "id", "36 characters"},
      {with_field("id", R"("00000000-0000-0000-0000-000000000000")"), invalid_id, "id", "nil"},
      {with_field("depends_on", R"(["0197a4e2-8c1d-7000-8000-5f2a6b3c4d5e","x"])"), invalid_id,
       "depends_on[1]", "36 characters"},
      {with_field("depends_on", R"(["00000000-0000-0000-0000-000000000000"])"), invalid_id, "depends_on[0]",
       "nil"},
      {with_field(
           "id",
           R"("0197a4e2-8c1d-7000-8000-5f2a6b3c4d5e","depends_on":["0197a4e2-8c1d-7000-8000-5f2a6b3c4d5e"])"),
       invalid_id, "depends_on[0]", "own id"},
  });
}

BOOST_AUTO_TEST_CASE(a_lane_is_short_and_plain) {
  check({
      {with_field("lane", R"("")"), malformed, "lane", "1 to 63 characters"},
      {with_field("lane", R"("Main")"), malformed, "lane", "a-z"},
      {with_field("lane", R"("a b")"), malformed, "lane", "a-z"},
      {with_field("lane", R"("a\u0000")"), malformed, "lane", "a-z"},
      {with_field("lane", R"("é")"), malformed, "lane", "a-z"},
      {with_field("lane", "\"" + std::string(64, 'a') + "\""), malformed, "lane", "1 to 63 characters"},
  });
  BOOST_TEST(decoded(with_field("lane", "\"" + std::string(63, 'a') + "\"")).lane.size() == 63U);
  BOOST_TEST(decoded(with_field("lane", R"("az09_-")")).lane == "az09_-");
}

BOOST_AUTO_TEST_CASE(tables_and_columns_have_names_that_postgresql_keeps_whole) {
  const std::string longest(63, 'n');
  const auto where = [](const std::string& column) {
    return with_steps(R"({"op":"delete","table":"t","where":{")" + column + R"(":1}})");
  };
  check({
      {with_table(""), malformed, "steps[0].table", "empty name"},
      {with_table("."), malformed, "steps[0].table", "empty name"},
      {with_table("a."), malformed, "steps[0].table", "empty name"},
      {with_table(".a"), malformed, "steps[0].table", "empty name"},
      {with_table("a.b.c"), malformed, "steps[0].table", "`schema.table`"},
      {with_table(R"(a\u0000)"), malformed, "steps[0].table", "control character"},
      {with_table(R"(a\n.b)"), malformed, "steps[0].table", "control character"},
      {with_table("a\x7f"), malformed, "steps[0].table", "control character"},
      {with_table(longest + "n"), over_limit, "steps[0].table", "64 bytes"},
      {with_table("s." + longest + "n"), over_limit, "steps[0].table", "64 bytes"},
      {where(""), malformed, "steps[0].where.", "empty name"},
      {where(R"(a\u0000)"), malformed, std::string{"steps[0].where.a\0", 17}, "control character"},
      {where(repeated("é", 32)), over_limit, "steps[0].where." + repeated("é", 32), "64 bytes"},
      {with_steps(R"({"op":"upsert","table":"t","key":[""],"rows":[{"x":1}]})"), malformed, "steps[0].key[0]",
       "empty name"},
  });
  BOOST_TEST(decoded(with_table(longest + "." + longest)).steps[0].table.size() == 127U);
  BOOST_TEST(decoded(where(longest)).steps[0].where.columns[0] == longest);
}

BOOST_AUTO_TEST_CASE(the_character_that_postgresql_cannot_keep_is_refused_at_once) {
  check({
      {with_value(R"("a\u0000b")"), malformed, "steps[0].rows[0].x", R"(\u0000)"},
      {with_value(R"([1,"\u0000"])"), malformed, "steps[0].rows[0].x[1]", R"(\u0000)"},
      {with_value(R"({"a\u0000":1})"), malformed, std::string{"steps[0].rows[0].x.a\0", 21}, R"(\u0000)"},
      {with_steps(R"({"op":"delete","table":"t","where":{"x":"\u0000"}})"), malformed, "steps[0].where.x",
       R"(\u0000)"},
      {with_field("origin", R"("\u0000")"), malformed, "origin", R"(\u0000)"},
  });
}

BOOST_AUTO_TEST_CASE(expected_rows_are_counted_from_zero) {
  const auto expecting = [](std::string_view count) {
    return with_steps(R"({"op":"delete","table":"t","where":{"x":1},"expect_rows":)" + std::string{count} +
                      "}");
  };
  for (const std::string_view count :
       {"-1", "1.0", "1e2", R"("1")", "true", "[]", "9223372036854775808", "123456789012345678901234567890"})
    check({{expecting(count), malformed, "steps[0].expect_rows", "whole number from 0 on"}});
  BOOST_TEST(decoded(expecting("9223372036854775807")).steps[0].expect_rows == 9223372036854775807);
}

BOOST_AUTO_TEST_CASE(what_is_over_a_limit_is_refused_and_what_is_at_it_is_not) {
  const transaction_limits limits{.bytes_max = 400,
                                  .steps_max = 2,
                                  .rows_max = 3,
                                  .name_bytes_max = 4,
                                  .origin_bytes_max = 5,
                                  .depends_on_max = 1,
                                  .depth_max = 2};
  const std::string step = R"({"op":"delete","table":"t","where":{"x":1}})";
  const std::string id = R"("0197a4e2-8c1d-7000-8000-5f2a6b3c4d5e")";
  const auto two_steps = step + ',' + step;
  const auto rows = [](std::size_t count) {
    return with_steps(R"({"op":"insert","table":"t","rows":[{"x":1})" + repeated(R"(,{"x":1})", count - 1) +
                      "]}");
  };
  const auto padded = [&](std::size_t bytes) {
    auto text = with_steps(step);
    return text + std::string(bytes - text.size(), ' ');
  };
  check(
      {
          {padded(401), over_limit, "", "The transaction has 401 bytes, at most 400"},
          {std::string(401, '['), over_limit, "", "401 bytes"},
          {with_steps(step + repeated("," + step, 2)), over_limit, "steps", "3 elements, at most 2"},
          {rows(4), over_limit, "steps[0].rows", "4 elements, at most 3"},
          {with_table("abcde"), over_limit, "steps[0].table", "5 bytes"},
          {with_field("origin", R"("abcdef")"), over_limit, "origin", "6 bytes, at most 5"},
          {with_field("depends_on", "[" + id + "," + id + "]"), over_limit, "depends_on",
           "2 elements, at most 1"},
          {with_value("[[[]]]"), over_limit, "steps[0].rows[0].x[0][0]", "2 deep"},
          {with_value(R"({"a":{"b":{}}})"), over_limit, "steps[0].rows[0].x.a.b", "2 deep"},
      },
      limits);
  for (const auto& text : {padded(400), with_steps(two_steps), rows(3), with_table("abcd.abcd"),
                           with_field("origin", R"("abcde")"), with_field("depends_on", "[" + id + "]"),
                           with_value("[[1]]"), with_value(R"({"a":[1]})")})
    BOOST_TEST(!decoded(text, limits).steps.empty());
}

BOOST_AUTO_TEST_CASE(postgresqls_own_limits_on_columns_hold) {
  std::string key = R"("k0")";
  std::string row = R"("k0":0)";
  for (std::size_t i = 1; i <= 1600; ++i) {
    row += ",\"k" + std::to_string(i) + "\":0";
    if (i <= 32)
      key += ",\"k" + std::to_string(i) + "\"";
  }
  check({{with_steps(R"({"op":"insert","table":"t","rows":[{)" + row + "}]}"), over_limit, "steps[0].rows[0]",
          "1601 elements, at most 1600"},
         {with_steps(R"({"op":"upsert","table":"t","key":[)" + key + R"(],"rows":[{"k0":1}]})"), over_limit,
          "steps[0].key", "33 elements, at most 32"}});
}

} // namespace chasqui
