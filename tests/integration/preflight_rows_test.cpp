#include <boost/test/unit_test.hpp>

#include "tests/support/observatory.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <chrono>
#include <string>
#include <variant>

// What rows refuse, on the replica and pending, on real servers.

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

std::string transaction(const std::string& steps, const std::string& id = random_id()) {
  return R"({"id":")" + id + R"(","steps":[)" + steps + "]}";
}
std::string insert(const std::string& table, const std::string& row) {
  return R"({"op":"insert","table":")" + table + R"(","rows":[)" + row + "]}";
}
std::string unit(int id) { return insert("unit", R"({"id":)" + std::to_string(id) + R"(,"status":"new"})"); }
std::string file(int id, int unit) {
  return insert("file", R"({"id":)" + std::to_string(id) + R"(,"unit_id":)" + std::to_string(unit) + "}");
}

struct site : observatory {
  site()
      : observatory{{"--rtt", "0"},
                    {"preflight=enforce", "preflight_rows=enforce",
                     // A slow machine, too, has the time for a look, and nobody takes the log over meanwhile.
                     "buffer.submit_deadline_ms=50000", "replica.timeout_ms=10000", "redis.timeout_ms=20000",
                     "journal.path="}} {
    on_primary("CREATE TABLE unit (id integer PRIMARY KEY, status text NOT NULL)");
    on_primary("CREATE TABLE file (id integer PRIMARY KEY, unit_id integer NOT NULL REFERENCES unit)");
    on_primary(
        "CREATE TABLE label (unit_id integer REFERENCES unit, text text, PRIMARY KEY (unit_id, text))");
    on_primary("CREATE TABLE note (id text PRIMARY KEY)");
    on_primary("GRANT ALL ON unit, file, label, note TO PUBLIC");
    BOOST_REQUIRE(wait_until_granted("note"));
    start();
    BOOST_REQUIRE(wait_until_ready());
    BOOST_REQUIRE(wait_for([](const auto& s) { return s.catalogue.state == "current"; }));
  }

  void on_primary(const std::string& what) { sql(box().direct_dsn(), what); }

  /// Why it is refused; "" if it is kept.
  std::string refusal(const std::string& json, bool unchecked = false) {
    const auto answer = ask<receipt>(submission{json, unchecked}, long_enough);
    if (const auto* problem = std::get_if<chasqui::refusal>(&answer))
      return std::string{to_string(problem->why.code)} + ": " + problem->why.message;
    return "";
  }
  void arrive() { BOOST_REQUIRE(wait_until_replicated()); }
};

const std::string same_unit = "refused_by_schema: `steps[0].rows[0]` is refused: table public.unit has a "
                              "unique key (id), and there is a row ";
const std::string no_unit = "refused_by_schema: `steps[0].rows[0].unit_id` is refused: (unit_id) of table "
                            "public.file refers to (id) of table "
                            "public.unit (file_unit_id_fkey), and there is no row ";

} // namespace

BOOST_AUTO_TEST_CASE(duplicate_keys_and_missing_parents_are_refused_by_what_is_there_and_what_is_pending) {
  site s;
  const auto first = transaction(unit(1));
  BOOST_TEST(s.refusal(first) == "");
  s.arrive();
  BOOST_TEST(s.refusal(transaction(unit(1))) == same_unit + R"({"id":1} already, on the replica)");
  BOOST_TEST(s.refusal(transaction(file(1, 2))) ==
             no_unit + R"({"id":2}, neither on the replica nor pending)");
  BOOST_TEST(s.refusal(transaction(file(1, 1))) == "");
  BOOST_TEST(s.refusal(first) == ""); // The same once more is no other one.
  BOOST_TEST(s.refusal(transaction(unit(2) + "," + file(2, 2))) == "");
  s.arrive();

  // Cut off, what is pending counts as if it were there.
  s.box().cut();
  const auto third = random_id();
  BOOST_TEST(s.refusal(transaction(unit(3), third)) == "");
  BOOST_TEST(s.refusal(transaction(unit(3))) ==
             same_unit + R"({"id":3} already, pending in transaction )" + third);
  BOOST_TEST(s.refusal(transaction(file(3, 3))) == "");
  BOOST_TEST(s.refusal(transaction(file(4, 4))) ==
             no_unit + R"({"id":4}, neither on the replica nor pending)");
  BOOST_TEST(s.refusal(transaction(R"({"op":"delete","table":"file","where":{"id":1}})")) == "");
  BOOST_TEST(s.refusal(transaction(file(1, 3))) == ""); // It will be gone by then.
  BOOST_TEST(s.refusal(transaction(R"({"op":"delete","table":"unit","where":{"id":1}})")) == "");
  BOOST_TEST(s.refusal(transaction(file(5, 1))) ==
             no_unit + R"({"id":1}, neither on the replica nor pending)");
  s.box().heal();
  s.arrive();
  const auto healed = s.status();
  BOOST_REQUIRE(healed.has_value());
  BOOST_TEST(healed->log.dead_letters == 0U);

  // Who knows better goes on, and so does everybody whose rows cannot be looked at.
  BOOST_TEST(s.refusal(transaction(unit(2)), true) == "");
  s.box().kill("replica");
  BOOST_REQUIRE(s.wait_for([](const auto& now) { return now.catalogue.state.starts_with("kept: "); }));
  BOOST_TEST(s.refusal(transaction(unit(3))) == "");
  BOOST_TEST(s.wait_for([](const auto& now) { return now.log.dead_letters == 2; }));
}

// However a key is made up, and whatever its text is.
BOOST_AUTO_TEST_CASE(keys_of_two_columns_and_of_any_text_are_found) {
  site s;
  const std::string label = insert("label", R"({"unit_id":1,"text":"a"},{"unit_id":1,"text":"b, {c}"})");
  const std::string note = insert("note", R"({"id":"a\"b\\c, {d}"})");
  BOOST_TEST(s.refusal(transaction(unit(1))) == "");
  BOOST_TEST(s.refusal(transaction(label)) == "");
  BOOST_TEST(s.refusal(transaction(note)) == "");
  s.arrive();
  BOOST_TEST(s.refusal(transaction(insert("label", R"({"unit_id":1,"text":"b"})"))) == "");
  BOOST_TEST(
      s.refusal(transaction(insert("label", R"({"unit_id":1,"text":"c"},{"unit_id":1,"text":"b, {c}"})")))
          .starts_with("refused_by_schema: `steps[0].rows[1]` is refused: table public.label has a unique "
                       "key (unit_id, text), and there is a row"));
  BOOST_TEST(s.refusal(transaction(note))
                 .starts_with("refused_by_schema: `steps[0].rows[0]` is refused: table "
                              "public.note has a unique key (id), and there is a row"));
  BOOST_TEST(s.refusal(transaction(insert("note", R"({"id":"a\"b\\c, {D}"})"))) == "");
}
