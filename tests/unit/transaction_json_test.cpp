#include "messages/transaction_scan.hpp"
#include "tests/unit/transaction_texts.hpp"

#include <random>
#include <string>
#include <vector>

namespace chasqui {

namespace {

constexpr std::string_view whole = R"({
  "id": "0197a4e2-8c1d-7000-8000-5f2a6b3c4d5e", "lane": "main", "origin": "tcs",
  "depends_on": ["0197A4E2-8C1D-7000-8000-5F2A6B3C4D50"],
  "steps": [
    {"op": "insert", "table": "executed_obs_unit",
     "rows": [{"id": "a", "obs_unit_id": 4711, "status": "running", "note": null}, {"id": "b"}]},
    {"op": "update", "table": "public.executed_obs_unit", "where": {"id": "a", "end_time": null},
     "set": {"status": "completed"}, "expect_rows": 2},
    {"op": "upsert", "table": "raw_data_file", "key": ["id", "part"], "rows": [{"id": "c", "part": 1, "name": "x"}]},
    {"op": "delete", "table": "raw_data_file", "where": {"id": "d"}, "expect_rows": null}]})";

} // namespace

BOOST_AUTO_TEST_CASE(a_transaction_is_read_field_by_field) {
  const auto t = decoded(whole);
  BOOST_TEST(to_string(t.id) == "0197a4e2-8c1d-7000-8000-5f2a6b3c4d5e");
  BOOST_TEST(t.lane == "main");
  BOOST_TEST(t.origin == "tcs");
  BOOST_REQUIRE(t.depends_on.size() == 1U);
  BOOST_TEST(to_string(t.depends_on[0]) == "0197a4e2-8c1d-7000-8000-5f2a6b3c4d50");
  BOOST_REQUIRE(t.steps.size() == 4U);

  const auto& insert = t.steps[0];
  BOOST_TEST((insert.op == step_op::insert));
  BOOST_TEST(insert.table == "executed_obs_unit");
  BOOST_TEST(insert.expect_rows == any_rows);
  BOOST_REQUIRE(insert.rows.size() == 2U);
  BOOST_TEST(insert.rows[0].columns == (std::vector<std::string>{"id", "obs_unit_id", "status", "note"}));
  BOOST_TEST(insert.rows[0].null_columns == (std::vector<std::string>{"note"}));
  BOOST_TEST(insert.rows[0].json == R"({"id":"a","obs_unit_id":4711,"status":"running","note":null})");

  const auto& update = t.steps[1];
  BOOST_TEST((update.op == step_op::update));
  BOOST_TEST(update.table == "public.executed_obs_unit");
  BOOST_TEST(update.where.null_columns == (std::vector<std::string>{"end_time"}));
  BOOST_TEST(update.set.json == R"({"status":"completed"})");
  BOOST_TEST(update.expect_rows == 2);

  const auto& upsert = t.steps[2];
  BOOST_TEST((upsert.op == step_op::upsert));
  BOOST_TEST(upsert.key == (std::vector<std::string>{"id", "part"}));
  BOOST_TEST(upsert.expect_rows == any_rows);

  BOOST_TEST((t.steps[3].op == step_op::erase));
  BOOST_TEST(t.steps[3].expect_rows == any_rows);
}

BOOST_AUTO_TEST_CASE(absent_fields_get_their_defaults) {
  const auto t = decoded(with_steps(R"({"op":"delete","table":"t","where":{"x":1}})"));
  BOOST_TEST(t.id.is_nil());
  BOOST_TEST(t.lane.empty());
  BOOST_TEST(t.origin.empty());
  BOOST_TEST(t.depends_on.empty());
  BOOST_TEST(t.steps[0].expect_rows == 1);
  BOOST_TEST(decoded(with_steps(R"({"op":"update","table":"t","where":{"x":1},"set":{"y":2}})"))
                 .steps[0]
                 .expect_rows == 1);
}

BOOST_AUTO_TEST_CASE(zero_rows_may_be_expected) {
  const auto text = with_steps(R"({"op":"delete","table":"t","where":{"x":1},"expect_rows":0})");
  BOOST_TEST(decoded(text).steps[0].expect_rows == 0);
  BOOST_TEST(encode_transaction(decoded(text)) == text);
}

BOOST_AUTO_TEST_CASE(the_canonical_form_has_a_fixed_order_and_reads_back_the_same) {
  const auto t = decoded(whole);
  BOOST_TEST(encode_transaction(t) == canonical);
  BOOST_TEST((decoded(canonical) == t));
}

BOOST_AUTO_TEST_CASE(fields_may_come_in_any_order) {
  const auto t = decoded(R"({"steps":[{"where":{"x":1},"table":"t","op":"delete"}],"lane":"b"})");
  BOOST_TEST(encode_transaction(t) ==
             R"({"lane":"b","steps":[{"op":"delete","table":"t","where":{"x":1}}]})");
}

BOOST_AUTO_TEST_CASE(no_digit_of_a_number_is_lost) {
  for (const std::string_view value :
       {"0.10000000000000001", "1e400", "-1E-400", "123456789012345678901234567890",
        "-123456789012345678901234567890", "18446744073709551615", "18446744073709551616",
        "-9223372036854775808", "-9223372036854775809", "1.0", "1.50", "1e5", "1E+05", "0", "0.0", "-0.0",
        "3.14159265358979323846264338327950288"})
    BOOST_TEST(encode_transaction(decoded(with_value(value))) == with_value(value));
}

BOOST_AUTO_TEST_CASE(values_of_every_kind_are_kept) {
  for (const std::string_view value :
       {"null", "true", "false", R"("")", R"("plain")", "[]", "{}", R"([1,"a",null,[true],{"b":{}}])",
        R"({"b":1,"a":[{"":2}]})", "\"Ll\u00fallaillaco \u2603 \U0001F52D\"",
        R"("\"\\\b\f\n\r\t\u0001\u001f")", "\"\x7f/\""})
    BOOST_TEST(encode_transaction(decoded(with_value(value))) == with_value(value));
}

BOOST_AUTO_TEST_CASE(escapes_that_need_none_become_their_characters) {
  BOOST_TEST(encode_transaction(decoded(with_value(R"("\/\u0041\u00e9\ud83d\udd2d")"))) ==
             with_value("\"/A\u00e9\U0001F52D\""));
}

BOOST_AUTO_TEST_CASE(names_may_hold_what_postgresql_allows_in_quotes) {
  const auto t = decoded(with_steps(R"({"op":"delete","table":"a b.C\"d","where":{"Übung":1,"a.b":2}})"));
  BOOST_TEST(t.steps[0].table == "a b.C\"d");
  BOOST_TEST(t.steps[0].where.columns == (std::vector<std::string>{"Übung", "a.b"}));
  BOOST_TEST((decoded(encode_transaction(t)) == t));
}

BOOST_AUTO_TEST_CASE(a_message_never_repeats_bytes_that_are_no_utf_8_nor_a_megabyte_of_text) {
  BOOST_TEST(refused(with_value("\"\xff\"")).message.find('\xff') == std::string::npos);
  BOOST_TEST(refused("{\"" + std::string(100'000, 'x')).message.size() < 300U);
  const auto unknown = refused("{\"a" + repeated("é", 1000) + "\":1}");
  BOOST_TEST(unknown.message.size() < 300U);
  BOOST_TEST(unknown.field == "a" + repeated("é", 31) + "…");
}

BOOST_AUTO_TEST_CASE(a_megabyte_of_brackets_or_of_keys_is_refused_without_harm) {
  const std::string half(500'000, '[');
  BOOST_TEST((refused(with_value(half + std::string(500'000, ']'))).code == fault_code::over_limit));
  BOOST_TEST((refused(half).code == fault_code::malformed));
  std::string keys = R"("":0)";
  for (int i = 0; keys.size() < 1'000'000; ++i)
    keys += ",\"" + std::to_string(i) + "\":0";
  BOOST_TEST(decoded(with_value("{" + keys + "}")).steps.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_transaction_that_was_cut_short_is_refused) {
  for (std::size_t size = 0; size < canonical.size(); ++size)
    BOOST_TEST((refused(canonical.substr(0, size)).code == fault_code::malformed));
}

BOOST_AUTO_TEST_CASE(whatever_is_taken_reads_back_the_same) {
  std::mt19937 random{2026};
  constexpr std::string_view alphabet = "{}[]\",:\\u0ednt1-.e \x80\xc3";
  std::size_t taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text{canonical};
    for (auto changes = random() % 3; changes <= 2; ++changes)
      text[random() % text.size()] = alphabet[random() % alphabet.size()];
    const auto result = decode_transaction(text, {});
    if (const auto* t = std::get_if<transaction>(&result)) {
      ++taken;
      BOOST_REQUIRE((decoded(encode_transaction(*t)) == *t));
      BOOST_REQUIRE((scan_steps(encode_transaction(*t)) == t->steps));
    } else {
      BOOST_REQUIRE(!std::get<fault>(result).message.empty());
    }
  }
  BOOST_TEST(taken > 100U);
}

// The log's own form is read without a parser on the way to the primary.
BOOST_AUTO_TEST_CASE(the_steps_of_an_entry_are_scanned_as_they_are_decoded) {
  const auto same = [](const std::string& text) {
    const auto t = decoded(text);
    const auto scanned = scan_steps(encode_transaction(t));
    BOOST_TEST((scanned && *scanned == t.steps), text);
  };
  same(std::string{canonical});
  for (const auto* value :
       {"null", "true", "-1.50e+300", R"("")", R"("\"\\\u0001\n{[,:]}")", R"([1,{"a":[null]},[]])", "{}"})
    same(with_value(value));
  same(with_steps(
      R"({"op":"delete","table":"a b.C\"d","where":{"\\Übung\"":null,"a.b":2},"expect_rows":null})"));
  same(with_steps(R"({"op":"update","table":"t","where":{"a":1},"set":{"b":null},"expect_rows":0})"));
  same(with_steps(
      R"({"op":"upsert","table":"t","key":["a\"b","c"],"rows":[{"a\"b":1,"c":2},{"c":3,"a\"b":4,"d":5}]})"));
}

BOOST_AUTO_TEST_CASE(an_entry_that_is_not_whole_is_not_scanned) {
  const auto encoded = encode_transaction(decoded(std::string{canonical}));
  BOOST_TEST_REQUIRE(scan_steps(encoded).has_value());
  for (std::size_t size = 0; size < encoded.size(); ++size) {
    const std::vector<char> part(encoded.begin(), encoded.begin() + static_cast<std::ptrdiff_t>(size));
    BOOST_TEST(!scan_steps({part.data(), part.size()}));
  }
  BOOST_TEST(!scan_steps(encoded + "}"));
  for (const auto* step :
       {R"({"op":"drop","table":"t"})", R"({"op":"delete","table":"t"})", R"({"op":"insert","table":"t"})",
        R"({"op":"insert","table":"t","rows":[5]})", R"({"table":"t","rows":[{"a":1}]})",
        R"({"op":"insert","table":"t","rows":[{"a":1}],"more":1})",
        R"({"op":"insert","table":5,"rows":[{"a":1}]})", R"({"op":"update","table":"t","where":{"a":1}})",
        R"({"op":"upsert","table":"t","rows":[{"a":1}]})",
        R"({"op":"delete","table":"t","where":{"a":1},"expect_rows":-2})"})
    BOOST_TEST(
        !scan_steps(R"({"id":"0197a4e2-8c1d-7000-8000-5f2a6b3c4d5e","steps":[)" + std::string{step} + "]}"),
        step);
}

} // namespace chasqui
