#include "actors/preflight_core.hpp"
#include "messages/json.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <string>
#include <vector>

using namespace chasqui;

namespace {

catalogue_column column(std::string name, value_kind kind) {
  catalogue_column c;
  c.name = std::move(name);
  c.kind = kind;
  return c;
}

catalogue_table table(std::string name, std::vector<catalogue_column> columns) {
  catalogue_table t;
  t.schema = "public";
  t.name = std::move(name);
  t.columns = std::move(columns);
  t.keys = {{{"id"}, false, false}};
  return t;
}

/// Units, which have files, which have notes.
struct schema : catalogue {
  schema() {
    using enum value_kind;
    search_path = {"public"};
    schemas = {"public"};
    tables = {table("unit", {column("id", int8), column("status", text)}),
              table("file", {column("id", uuid), column("unit_id", int4), column("size", numeric)}),
              table("note", {column("id", int4), column("file_id", uuid), column("of_size", numeric)})};
    of("file").references = {{"file_unit", {"unit_id"}, "public.unit", {"id"}}};
    of("note").references = {{"note_file", {"file_id"}, "public.file", {"id"}}};
  }
  catalogue_table& of(const std::string& name) {
    return *std::find_if(tables.begin(), tables.end(), [&](const auto& t) { return t.name == name; });
  }
};

std::vector<row_question> asked(const catalogue& c, const std::string& steps) {
  const auto t = decode_transaction(R"({"steps":[)" + steps + "]}", {});
  if (const auto* problem = std::get_if<fault>(&t))
    BOOST_FAIL(problem->message);
  return preflight_core{c}.ask(std::get<transaction>(t));
}

/// As `+table where` for what has to be there, and `-table where` for what must not.
std::string questions(const std::string& steps, const catalogue& c = schema{}) {
  std::string out;
  for (const auto& q : asked(c, steps))
    out += (q.rule->is_about_parent ? "+" : "-") + q.rule->table + q.where;
  return out;
}

std::string insert(const std::string& into, const std::string& row) {
  return R"({"op":"insert","table":")" + into + R"(","rows":[)" + row + "]}";
}

const std::string file_of_7 = R"({"id":"0197a4e2-0000-7000-8000-000000000001","unit_id":7})";
const std::string same_file = R"(-public.file{"id":"0197a4e2-0000-7000-8000-000000000001"})";
const std::string unit_7 = R"(+public.unit{"id":7})";

found_rows rows(std::size_t count) {
  found_rows out;
  out.found.resize(count);
  return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(an_insert_asks_for_its_key_and_its_parents) {
  BOOST_TEST(questions(insert("unit", R"({"id":7})")) == R"(-public.unit{"id":7})");
  BOOST_TEST(questions(insert("file", file_of_7)) == same_file + unit_7);
  BOOST_TEST(questions(insert("file", R"({"id":"0197a4e2-0000-7000-8000-000000000001","unit_id":null})")) ==
             same_file);
  BOOST_TEST(questions(insert("unit", R"({"status":"new"})")) == "");
}

BOOST_AUTO_TEST_CASE(a_key_knows_whether_others_refer_by_it) {
  const auto is_referred_to = [](const std::string& steps, const schema& s = {}) {
    return asked(s, steps).front().rule->is_referred_to;
  };
  BOOST_TEST(is_referred_to(insert("unit", R"({"id":7})")));
  BOOST_TEST(is_referred_to(insert("file", file_of_7)));
  BOOST_TEST(!is_referred_to(insert("note", R"({"id":7})")));
  schema s;
  s.of("file").references.front().parent_columns = {"status"};
  BOOST_TEST(!is_referred_to(insert("unit", R"({"id":7})"), s));
}

BOOST_AUTO_TEST_CASE(an_upsert_and_an_update_ask_for_parents_alone) {
  BOOST_TEST(questions(R"({"op":"upsert","table":"file","key":["id"],"rows":[)" + file_of_7 + "]}") ==
             unit_7);
  const auto update = [](const std::string& more) {
    return R"({"op":"update","table":"file","where":{"id":"0197a4e2-0000-7000-8000-000000000001"},"set":{"unit_id":7})" +
           more + "}";
  };
  BOOST_TEST(questions(update("")) == unit_7);
  BOOST_TEST(questions(update(R"(,"expect_rows":null)")) == ""); // Perhaps of no row at all.
  BOOST_TEST(judge(asked(schema{}, update("")).front(), "main", rows(0)).field == "steps[0].set.unit_id");
}

BOOST_AUTO_TEST_CASE(the_same_is_asked_once_and_not_without_end) {
  BOOST_TEST(questions(insert("file", R"({"unit_id":7},{"unit_id":7})")) == unit_7);
  std::string many = R"({"unit_id":1})";
  for (int i = 2; i <= 150; ++i)
    many += R"(,{"unit_id":)" + std::to_string(i) + "}";
  BOOST_TEST(asked(schema{}, insert("file", many)).size() == row_questions_max);
  const auto full = to_read(asked(schema{}, insert("file", file_of_7)).back());
  BOOST_TEST(full.table == "public.unit");
  BOOST_TEST(full.where == R"({"id":7})");
  BOOST_TEST(full.limit == 1U);
}

BOOST_AUTO_TEST_CASE(what_another_step_may_have_decided_is_not_asked) {
  const auto unit = insert("unit", R"({"id":7})") + ",";
  BOOST_TEST(questions(unit + insert("file", file_of_7)) == R"(-public.unit{"id":7})" + same_file);
  const std::string erase = R"({"op":"delete","table":"unit","where":{"id":7}},)";
  BOOST_TEST(questions(erase + insert("unit", R"({"id":7})")) == "");
  BOOST_TEST(questions(erase + insert("file", file_of_7)) == "");
  const std::string other = R"({"op":"delete","table":"note","where":{"id":7}},)";
  BOOST_TEST(questions(other + insert("file", file_of_7)) ==
             unit_7); // A cascade may have taken the file away,
  BOOST_TEST(questions(other + insert("note", R"({"file_id":"0197a4e2-0000-7000-8000-000000000001"})")) ==
             ""); // or given one this key.
}

BOOST_AUTO_TEST_CASE(what_triggers_parts_and_views_may_do_is_not_asked) {
  for (const auto what : {&catalogue_table::has_triggers, &catalogue_table::insert_may_change}) {
    schema s;
    s.of("file").*what = true;
    BOOST_TEST(questions(insert("file", file_of_7), s) == "");
  }
  schema s;
  s.of("file").is_plain = false;
  BOOST_TEST(questions(insert("file", file_of_7), s) == "");
  s = schema{};
  s.of("note").has_triggers = true; // Whatever it does comes before the file.
  BOOST_TEST(questions(insert("note", R"({"id":1})") + "," + insert("file", file_of_7), s) == "");
  BOOST_TEST(questions(insert("file", file_of_7) + "," + insert("note", R"({"id":1})"), s) ==
             same_file + unit_7);
}

BOOST_AUTO_TEST_CASE(a_key_that_is_not_compared_as_it_is_written_is_not_asked_for) {
  const auto with_key = [](const catalogue_key& key) {
    schema s;
    s.of("file").keys = {key};
    return questions(insert("file", file_of_7), s);
  };
  BOOST_TEST(with_key({{"id"}, false, false}) == same_file + unit_7);
  BOOST_TEST(with_key({{"id"}, true, false}) == unit_7); // Partial.
  BOOST_TEST(with_key({{"id"}, false, true}) == unit_7); // Deferrable.
  schema s;
  s.of("file").references = {{"odd", {"size"}, "public.note", {"of_size"}}};
  BOOST_TEST(questions(insert("file", R"({"size":1.5})"), s) == ""); // It may be rounded.
  BOOST_TEST(questions(insert("unit", R"({"id":7.0})")) == "");
  s = schema{};
  s.of("unit").columns[0].kind = value_kind::int2; // The child's number may be none of the parent's.
  BOOST_TEST(questions(insert("file", file_of_7), s) == same_file);
  s.of("unit").columns[0].kind = value_kind::text; // The parent compares texts, and the child writes numbers.
  BOOST_TEST(questions(insert("file", file_of_7), s) == same_file);
  s.of("unit").columns[0].typmod = 9; // What is too long for a varchar loses blanks.
  BOOST_TEST(questions(insert("unit", R"({"id":"7"})"), s) == "");
  s.of("unit").columns[0].typmod = -1;
  s.of("unit").columns[0].folds = true;
  BOOST_TEST(questions(insert("unit", R"({"id":"7"})"), s) == "");
  // Without an `id` in it, all that is pending for the table would have to be read.
  s = schema{};
  s.of("unit").keys = {{{"status"}, false, false}};
  BOOST_TEST(questions(insert("unit", R"({"status":"a"})"), s) == "");
}

BOOST_AUTO_TEST_CASE(a_parent_that_may_be_there_under_another_name_is_not_asked_for) {
  for (const auto what : {&catalogue_table::insert_may_change, &catalogue_table::update_may_change}) {
    schema s;
    s.of("unit").*what = true;
    BOOST_TEST(questions(insert("file", file_of_7), s) == same_file);
  }
  schema s;
  s.of("unit").columns[0].is_computed = true;
  BOOST_TEST(questions(insert("file", file_of_7), s) == same_file);
  s = schema{};
  s.search_path.clear();
  BOOST_TEST(questions(insert("public.file", file_of_7), s) == "");
  s = schema{};
  s.of("file").update_may_change = true; // A child table may have the row.
  BOOST_TEST(questions(insert("file", file_of_7), s) == unit_7);
}

BOOST_AUTO_TEST_CASE(a_refusal_names_table_column_value_and_rule) {
  const auto q = asked(schema{}, insert("file", file_of_7));
  BOOST_REQUIRE(q.size() == 2U);
  BOOST_TEST(!judge(q[0], "main", rows(0)));
  auto there = rows(1);
  auto problem = judge(q[0], "main", there);
  BOOST_TEST((problem.code == fault_code::refused_by_schema));
  BOOST_TEST(problem.field == "steps[0].rows[0]");
  BOOST_TEST(problem.message ==
             "`steps[0].rows[0]` is refused: table public.file has a unique key (id), and there is a row "
             R"({"id":"0197a4e2-0000-7000-8000-000000000001"} already, on the replica)");
  there.found[0].origin = row_origin::pending;
  there.found[0].transactions = {{0, 1}};
  BOOST_TEST(judge(q[0], "main", there)
                 .message.ends_with("already, pending in transaction 00000000-0000-0000-0000-000000000001"));
  BOOST_TEST(!judge(q[1], "main", rows(1)));
  problem = judge(q[1], "main", rows(0));
  BOOST_TEST(problem.field == "steps[0].rows[0].unit_id");
  BOOST_TEST(problem.message ==
             "`steps[0].rows[0].unit_id` is refused: (unit_id) of table public.file refers to (id) of table "
             R"(public.unit (file_unit), and there is no row {"id":7}, neither on the replica nor pending)");
}

BOOST_AUTO_TEST_CASE(half_an_answer_decides_nothing) {
  const auto q = asked(schema{}, insert("file", file_of_7));
  auto answer = rows(1);
  answer.replica = "away";
  BOOST_TEST(!judge(q[0], "main", answer));
  answer = rows(0);
  answer.notes = {"The table has triggers."};
  BOOST_TEST(!judge(q[1], "main", answer));
  // Entries of another lane may come before or after this one.
  answer = rows(0);
  answer.positions = {{"main", 1, 9}, {"bulk", 4, 4}};
  BOOST_TEST((judge(q[1], "main", answer).code == fault_code::refused_by_schema));
  answer.positions = {{"main", 1, 9}, {"bulk", 4, 5}};
  BOOST_TEST(!judge(q[1], "main", answer));
}
