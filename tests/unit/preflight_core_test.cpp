#include "actors/preflight_core.hpp"
#include "messages/json.hpp"

#include <boost/test/unit_test.hpp>

using namespace chasqui;

namespace {

catalogue_column column(std::string name, std::string type, value_kind kind) {
  catalogue_column c;
  c.name = std::move(name);
  c.type = std::move(type);
  c.kind = kind;
  return c;
}

catalogue_column required(catalogue_column c) {
  c.not_null = true;
  return c;
}

catalogue_column with(catalogue_column c, bool catalogue_column::*what) {
  c.*what = true;
  return c;
}

/// A table with one column of every kind, and keys and checks.
catalogue_table file_table() {
  using enum value_kind;
  catalogue_table t;
  t.schema = "public";
  t.name = "file";
  auto name = column("name", "character varying(5)", text);
  name.typmod = 9;
  auto price = column("price", "numeric(4,2)", numeric);
  price.typmod = ((4 << 16) | 2) + 4;
  auto mood = column("mood", "mood", enumeration);
  mood.labels = {"calm", "wild"};
  t.columns = {required(column("id", "integer", int4)),
               required(column("unit", "uuid", uuid)),
               with(required(column("state", "text", text)), &catalogue_column::has_default),
               column("size", "bigint", int8),
               column("few", "smallint", int2),
               column("ra", "double precision", float8),
               column("narrow", "real", float4),
               name,
               price,
               column("ok", "boolean", boolean),
               column("doc", "jsonb", json),
               column("day", "date", date),
               column("at", "timestamp with time zone", timestamp),
               column("raw", "bytea", bytea),
               mood,
               with(column("many", "integer[]", int4), &catalogue_column::is_array),
               column("shape", "polygon", other),
               with(column("sum", "integer", int4), &catalogue_column::is_computed)};
  t.keys = {{{"id"}, false, false}, {{"name", "unit"}, false, false}, {{"size"}, true, false}};
  t.checks = {{"file_size", "(size >= 0)"},
              {"file_state", "(state = ANY (ARRAY['open'::text, 'closed'::text]))"},
              {"file_ra", "((ra >= (0)::double precision) AND (ra < (360)::double precision))"},
              {"file_odd", "((size % 2) = 1)"}};
  return t;
}

catalogue schema(const catalogue_table& file = file_table()) {
  catalogue c;
  c.role = "forwarder";
  c.search_path = {"pg_catalog", "public"};
  c.schemas = {"pg_catalog", "public", "private"};
  c.closed = {"private"};
  c.functions = {"to_jsonb"};
  c.tables = {file, file, file};
  c.tables[1].name = "locked";
  c.tables[1].may_insert = c.tables[1].may_update = c.tables[1].may_delete = false;
  c.tables[2].schema = "private";
  return c;
}

fault check(const catalogue& c, const std::string& steps) {
  const auto t = decode_transaction(R"({"steps":[)" + steps + "]}", {});
  if (const auto* problem = std::get_if<fault>(&t))
    BOOST_FAIL(problem->message);
  return preflight_core{c}.check(std::get<transaction>(t));
}
fault check(const std::string& steps) { return check(schema(), steps); }

const std::string unit = R"("unit":"0197a4e2-0000-7000-8000-0000000000ab")";

std::string insert(const std::string& rows, const std::string& table = "file") {
  return R"({"op":"insert","table":")" + table + R"(","rows":[)" + rows + "]}";
}
std::string row(const std::string& members, int id = 1) {
  return R"({"id":)" + std::to_string(id) + "," + unit + (members.empty() ? "" : ",") + members + "}";
}
/// An insert that is good but for these members.
fault with_members(const std::string& members) { return check(insert(row(members))); }
/// The same for the value of one column.
std::string refusal(const std::string& name, const std::string& value) {
  const auto f = with_members("\"" + name + "\":" + value);
  if (f)
    BOOST_TEST(f.field == "steps[0].rows[0]." + name);
  return f.message;
}
bool takes(const std::string& name, const std::string& value) {
  const auto why = refusal(name, value);
  BOOST_TEST(why == "");
  return why.empty();
}
bool refuses(const std::string& name, const std::string& value, const std::string& phrase) {
  const auto why = refusal(name, value);
  BOOST_TEST(why.find(phrase) != std::string::npos, name << " of " << value << ": " << why);
  return !why.empty();
}
std::string update(const std::string& set, const std::string& where, const std::string& more = "") {
  return R"({"op":"update","table":"file","where":{)" + where + R"(},"set":{)" + set + "}" + more + "}";
}
std::string upsert(const std::string& key, const std::string& rows) {
  return R"({"op":"upsert","table":"file","key":[)" + key + R"(],"rows":[)" + rows + "]}";
}

} // namespace

BOOST_AUTO_TEST_CASE(what_fits_the_schema_passes) {
  const auto f = with_members(
      R"("state":"open","size":7,"few":-32768,"ra":359.9,"narrow":1e38,"name":"abcde   ","price":99.99,)"
      R"("ok":true,"doc":{"a":[1]},"day":"2026-02-28","at":"2026-11-22T00:10:00.5Z","raw":"\\x00ff",)"
      R"("mood":"wild","many":[1,null],"shape":"0,0")");
  BOOST_TEST(f.message == "");
  BOOST_TEST(check(update(R"("state":"closed")", R"("id":1)")).message == "");
  BOOST_TEST(check(upsert(R"("id")", row(""))).message == "");
  BOOST_TEST(check(R"({"op":"delete","table":"public.file","where":{"id":1,"sum":null}})").message == "");
}

BOOST_AUTO_TEST_CASE(an_unknown_table_is_refused_with_the_nearest_one) {
  const auto f = check(insert(row(""), "flie"));
  BOOST_TEST((f.code == fault_code::refused_by_schema));
  BOOST_TEST(f.field == "steps[0].table");
  BOOST_TEST(f.message ==
             "`steps[0].table` is refused: there is no table flie on the primary, as far as its replica "
             "knows. Did you mean \"file\"?");
  BOOST_TEST(check(insert(row(""), "nowhere.file")).message.find("no table nowhere.file") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(
    where_tables_are_looked_for_may_not_be_known_and_postgresqls_own_are_not_in_the_catalogue) {
  auto blind = schema();
  blind.search_path.clear();
  BOOST_TEST(check(blind, insert(row(""), "anything")).message == "");
  BOOST_TEST(check(blind, insert(row(""), "public.anything")).message != "");
  BOOST_TEST(check(insert(row(""), "pg_class")).message == "");
  BOOST_TEST(check(insert(row(""), "pg_catalog.pg_class")).message == "");
  BOOST_TEST(check(insert(row(""), "information_schema.tables")).message == "");
}

BOOST_AUTO_TEST_CASE(a_table_without_the_right_is_refused_with_the_grant_that_it_takes) {
  const std::string end = " ON public.locked TO forwarder.";
  BOOST_TEST(
      check(insert(row(""), "locked")).message ==
      "`steps[0].table` is refused: role forwarder may not INSERT on table public.locked: on the primary, "
      "GRANT INSERT" +
          end);
  BOOST_TEST(check(R"({"op":"update","table":"locked","where":{"id":1},"set":{"size":1}})")
                 .message.ends_with("GRANT UPDATE" + end));
  BOOST_TEST(
      check(R"({"op":"delete","table":"locked","where":{"id":1}})").message.ends_with("GRANT DELETE" + end));
  auto c = schema();
  c.tables[0].may_update = false;
  BOOST_TEST(check(c, upsert(R"("id")", row(""))).message.find("may not UPDATE") != std::string::npos);
  BOOST_TEST(check(insert(row(""), "private.file")).message.find("may not use schema private") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_unknown_column_is_refused_wherever_it_stands) {
  const auto f = with_members(R"("siez":1)");
  BOOST_TEST(f.field == "steps[0].rows[0].siez");
  BOOST_TEST(
      f.message ==
      "`steps[0].rows[0].siez` is refused: table public.file has no column siez. Did you mean \"size\"?");
  BOOST_TEST(check(update(R"("new":1)", R"("id":1)", R"(,"expect_rows":null)")).field == "steps[0].set.new");
  BOOST_TEST(check(update(R"("size":1)", R"("new":1)", R"(,"expect_rows":null)")).field ==
             "steps[0].where.new");
  // What PostgreSQL reads as a function of the row, or has in every table.
  BOOST_TEST(check(update(R"("size":1)", R"("to_jsonb":1)")).message == "");
  BOOST_TEST(check(update(R"("size":1)", R"("ctid":null)")).message == "");
}

BOOST_AUTO_TEST_CASE(a_computed_column_takes_no_value) {
  BOOST_TEST(with_members(R"("sum":1)").message == "`steps[0].rows[0].sum` is refused: the primary computes "
                                                   "column sum (integer) of table public.file: leave "
                                                   "it out.");
  BOOST_TEST(check(update(R"("sum":null)", R"("id":1)")).field == "steps[0].set.sum");
}

BOOST_AUTO_TEST_CASE(a_missing_value_is_refused_unless_there_is_a_default_or_a_trigger) {
  const auto f = check(insert(R"({"id":1})"));
  BOOST_TEST(f.field == "steps[0].rows[0]");
  BOOST_TEST(f.message ==
             "`steps[0].rows[0]` is refused: it has no value for column unit (uuid) of table public.file, "
             "which is NOT NULL and has no default.");
  BOOST_TEST(check(upsert(R"("id")", R"({"id":1},)" + row("", 2))).field == "steps[0].rows[0]");
  auto changed = file_table();
  changed.insert_may_change = true;
  BOOST_TEST(check(schema(changed), insert(R"({"id":1})")).message == "");
  BOOST_TEST(check(schema(changed), insert(row(R"("state":null,"size":-1)"))).message == "");
  BOOST_TEST(check(schema(changed), insert(row(R"("size":"big")"))).message != "");
}

BOOST_AUTO_TEST_CASE(a_null_is_refused_where_it_would_be_stored_for_certain) {
  BOOST_TEST(
      refuses("state", "null", "column state (text) of table public.file is NOT NULL, and this is null"));
  BOOST_TEST(check(update(R"("state":null)", R"("id":1)")).field == "steps[0].set.state");
  // Perhaps there is no such row; perhaps a later row takes this one's place.
  BOOST_TEST(check(update(R"("state":null)", R"("id":1)", R"(,"expect_rows":null)")).message == "");
  BOOST_TEST(check(upsert(R"("id")", row(R"("state":null)") + "," + row(""))).message == "");
  BOOST_TEST(check(upsert(R"("id")", row("") + "," + row(R"("state":null)"))).field ==
             "steps[0].rows[1].state");
}

BOOST_AUTO_TEST_CASE(a_value_that_no_version_casts_is_refused_with_table_column_value_and_rule) {
  BOOST_TEST(refusal("size", R"("twelve")") ==
             "`steps[0].rows[0].size` is refused by column size (bigint) of table "
             "public.file: \"twelve\" is no integer.");
  BOOST_TEST(refuses("size", "1.0", "1.0 is no integer"));
  BOOST_TEST(refuses("size", "true", "true is no integer"));
  BOOST_TEST(refuses("size", "[1]", "is no integer"));
  BOOST_TEST(refuses("size", R"("1e3")", "is no integer"));
  BOOST_TEST(refuses("size", R"("")", "is no integer"));
  BOOST_TEST(refuses("size", "9223372036854775808", "out of range for bigint"));
  BOOST_TEST(refuses("few", "32768", "out of range for smallint"));
  BOOST_TEST(refuses("few", R"("-32769")", "out of range"));
  BOOST_TEST(refuses("ra", R"("north")", "is no number"));
  BOOST_TEST(refuses("ra", "1e309", "out of range for double precision"));
  BOOST_TEST(refuses("narrow", "1e-60", "out of range for real"));
  BOOST_TEST(refuses("price", "100", "too many digits for numeric(4,2)"));
  BOOST_TEST(refuses("name", R"("abcdef")", "too long for character varying(5)"));
  BOOST_TEST(refuses("name", "123456", "too long"));
  BOOST_TEST(refuses("ok", R"("o")", "is no boolean"));
  BOOST_TEST(refuses("ok", "2", "is no boolean"));
  BOOST_TEST(check(insert(R"({"id":1,"unit":"0197a4e2"})")).message.ends_with("\"0197a4e2\" is no UUID."));
  BOOST_TEST(refuses("day", R"("2026-02-29")", "is no date"));
  BOOST_TEST(refuses("day", "true", "is no date"));
  BOOST_TEST(refuses("at", R"("2026-11-22T25:10:00Z")", "is no timestamp with time zone"));
  BOOST_TEST(refuses("at", R"("soon")", "is no timestamp"));
  BOOST_TEST(refuses("raw", R"("\\x0")", "is no bytea"));
  BOOST_TEST(refuses("raw", R"("a\\b")", "is no bytea"));
  BOOST_TEST(refuses("mood", R"("Wild")", "is none of calm, wild"));
  BOOST_TEST(refuses("many", "7", "is no array"));
  BOOST_TEST(refuses("many", R"([1,"x"])", "\"x\" is no integer"));
  BOOST_TEST(check(update(R"("size":"x")", R"("id":1)")).field == "steps[0].set.size");
  BOOST_TEST(check(update(R"("size":1)", R"("id":"x")")).field == "steps[0].where.id");
  BOOST_TEST(check(update(R"("size":1)", R"("id":"x")", R"(,"expect_rows":null)")).message == "");
}

BOOST_AUTO_TEST_CASE(a_value_that_some_version_may_cast_passes) {
  for (const auto* value : {"\" -7 \"", "\"+7\"", "7e0", "1e2", "-0", "\"0x1F\"", "\"1_000\""})
    BOOST_TEST(takes("few", value));
  for (const auto* value : {"\"NaN\"", "\"-Infinity\"", "\"0x1p3\"", "\" 1e1 \"", "1e-300"})
    BOOST_TEST(takes("ra", value));
  for (const auto* value : {"\"NaN\"", "99.994", "\"1e1\"", "\"1_0\"", "0.001"})
    BOOST_TEST(takes("price", value));
  for (const auto* value : {"\" T \"", "\"of\"", "1", "0", "\"YE\""})
    BOOST_TEST(takes("ok", value));
  for (const auto* value : {"\"0197A4E200007000\\u002d80000000000000AB\"",
                            "\"{0197a4e2-0000-7000-8000-0000000000ab}\"", "12345678901234567890123456789012"})
    BOOST_TEST(check(insert(R"({"id":1,"unit":)" + std::string{value} + "}")).message == "", value);
  for (const auto* value : {"\"Zürich\"", "true", "[1,2,3,4]", "\"12345     \""})
    BOOST_TEST(check(insert(row("\"doc\":" + std::string{value}))).message == "");
  BOOST_TEST(takes("name", "\"Züric\""));
  for (const auto* value :
       {"\"today\"", "20260228", "\"28 Feb 2026\"", "\"2026-02-28 BC\"", "[2026,1,2]", "\"J2451187\""})
    BOOST_TEST(takes("day", value));
  for (const auto* value :
       {"\"2024-02-29 24:00:00+05:30\"", "\"-infinity\"", "\"2026-11-22T00:10:60.25-0330\""})
    BOOST_TEST(takes("at", value));
  for (const auto* value : {"\"\\\\x 0f \"", "\"a\\\\\\\\b\\\\012\"", "\"plain\"", "17"})
    BOOST_TEST(takes("raw", value));
  for (const auto* value : {"\"{1,2}\"", "[[1],[2]]", "[]", "[\"7\"]"})
    BOOST_TEST(takes("many", value));
  BOOST_TEST(takes("shape", "\"anything\""));
}

BOOST_AUTO_TEST_CASE(a_simple_check_is_held_against_the_value) {
  BOOST_TEST(refusal("size", "-1") == "`steps[0].rows[0].size` is refused by column size (bigint) of table "
                                      "public.file: -1 fails file_size, CHECK (size >= 0).");
  BOOST_TEST(refuses("state", R"("bad")", "fails file_state"));
  BOOST_TEST(refuses("ra", "360", "fails file_ra"));
  BOOST_TEST(refuses("ra", "-1e-9", "fails file_ra"));
  BOOST_TEST(takes("size", "2")); // The rule with % is not read.
  BOOST_TEST(takes("size", R"("-1")"));
  BOOST_TEST(check(update(R"("state":"bad")", R"("id":1)")).field == "steps[0].set.state");
  BOOST_TEST(check(update(R"("size":1)", R"("state":"bad")")).message == "");
}

BOOST_AUTO_TEST_CASE(checks_are_read_as_far_as_they_are_comparisons_with_constants) {
  for (const auto* rule :
       {"(a >= 0)", "((a >= 1) AND (a <= 5))", "(\"A b\" <> 'it''s'::text)",
        "((dec >= ('-90'::integer)::double precision))",
        "((v)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
        "(a = ANY (ARRAY[1, 2]))", "((a > 0.5) AND ((b < (2)::numeric) AND (c = 'x'::text)))"})
    BOOST_TEST(read_check(rule).has_value(), rule);
  for (const auto* rule :
       {"((a >= 0) OR (b >= 0))", "(length(a) > 0)", "(a >= b)", "(NOT (a > 0))", "(a IS NOT NULL)",
        "(d > '2026-01-01'::date)", "(a <> ALL (ARRAY[1, 2]))", "((a % 2) = 0)", "(a = NULL::text)",
        "(a ~ '^x'::text)", "true", "", "(a >= 0", "(a >= (0)::numeric(3,1))"})
    BOOST_TEST(!read_check(rule).has_value(), rule);
}

BOOST_AUTO_TEST_CASE(an_upsert_needs_a_unique_key_of_its_columns) {
  const auto f = check(upsert(R"("size")", row(R"("size":1)")));
  BOOST_TEST(f.message == "", "a partial key may do: " << f.message);
  BOOST_TEST(check(upsert(R"("unit","name")", row(R"("name":"a")"))).message == "");
  BOOST_TEST(check(upsert(R"("unit")", row(""))).message ==
             "`steps[0].key` is refused: table public.file has no unique key of exactly these columns.");
}

BOOST_AUTO_TEST_CASE(the_same_key_twice_in_one_transaction_is_refused) {
  const auto f = check(insert(row("") + "," + row("", 2)) + "," + insert(row("", 2)));
  BOOST_TEST(f.message == "`steps[1].rows[0]` is refused: table public.file has a unique key (id), and "
                          "`steps[0].rows[1]` inserts the same one.");
  BOOST_TEST(
      check(insert(row(R"("name":"a")") + "," + row(R"("name":"a")", 2))).message.find("(name, unit)") !=
      std::string::npos);
  // A null equals nothing; a partial key, another spelling, and what a delete may have taken away, are not
  // certain.
  BOOST_TEST(check(insert(row(R"("name":null)") + "," + row(R"("name":null)", 2))).message == "");
  BOOST_TEST(check(insert(row(R"("size":3)") + "," + row(R"("size":3)", 2))).message == "");
  BOOST_TEST(check(insert(row("")) + R"(,{"op":"delete","table":"file","where":{"id":1}},)" + insert(row("")))
                 .message == "");
  auto watched = file_table();
  watched.has_triggers = true;
  BOOST_TEST(check(schema(watched), insert(row("") + "," + row(""))).message == "");
}

BOOST_AUTO_TEST_CASE(of_a_view_only_the_names_are_certain) {
  auto view = file_table();
  view.is_plain = false;
  BOOST_TEST(check(schema(view), insert(R"({"id":"x","sum":1})")).message == "");
  BOOST_TEST(check(schema(view), upsert(R"("unit")", row(""))).message == "");
  BOOST_TEST(check(schema(view), insert(R"({"new":1})")).message != "");
}
