#include <boost/test/unit_test.hpp>

#include "tests/support/observatory.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <chrono>
#include <string>
#include <variant>

// The schema that the daemon knows, through changes, outages and restarts, on real servers.

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

std::string insert(const std::string& row, const std::string& table = "unit",
                   const std::string& id = random_id()) {
  return R"({"id":")" + id + R"(","steps":[{"op":"insert","table":")" + table + R"(","rows":[)" + row +
         "]}]}";
}

struct site : observatory {
  site()
      : observatory{{"--store", "journal", "--rtt", "0"},
                    {"preflight=enforce", "supervision.restarts_max=0",
                     // A slow machine, too, has the time for another look before it refuses.
                     "buffer.submit_deadline_ms=50000", "replica.timeout_ms=10000"}} {
    on_primary("CREATE TABLE unit (id integer PRIMARY KEY, status text NOT NULL)");
    on_primary("GRANT ALL ON unit TO PUBLIC");
    BOOST_REQUIRE(wait_until_granted("unit"));
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
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace

BOOST_AUTO_TEST_CASE(the_schema_is_followed_kept_in_an_outage_and_over_a_restart) {
  site s;
  // What was kept is answered as it was, though the schema refuses it by now.
  const auto kept = insert(R"({"id":1,"status":"new"})");
  BOOST_TEST(s.refusal(kept) == "");
  BOOST_TEST(has(s.refusal(insert(R"({"id":2})")),
                 "refused_by_schema: `steps[0].rows[0]` is refused: it has no value "
                 "for column status (text) of table public.unit"));
  BOOST_TEST(has(s.refusal(insert(R"({"id":1})", "late")), "there is no table late"));
  BOOST_REQUIRE(s.wait_until_replicated());

  // A change reaches the catalogue by itself soon after its replay, and at once whoever would be refused.
  const auto before = s.status();
  BOOST_REQUIRE(before.has_value());
  s.on_primary("ALTER TABLE unit ALTER status TYPE varchar(3)");
  s.on_primary("CREATE TABLE late (id integer PRIMARY KEY)");
  s.on_primary("GRANT ALL ON late TO PUBLIC");
  BOOST_REQUIRE(s.wait_until_granted("late"));
  BOOST_TEST(s.refusal(insert(R"({"id":1})", "late")) == ""); // A look at the replica comes before a refusal.
  BOOST_TEST(
      s.wait_for([&](const auto& now) { return now.catalogue.tables == before->catalogue.tables + 1; }));
  BOOST_TEST(has(s.refusal(insert(R"({"id":3,"status":"long"})")), "too long for character varying(3)"));
  const auto narrowed = s.status();
  BOOST_REQUIRE(narrowed.has_value());
  s.on_primary("ALTER TABLE unit DROP status");
  BOOST_TEST(
      s.wait_for([&](const auto& now) { return now.catalogue.read_at > narrowed->catalogue.read_at; }));
  BOOST_TEST(has(s.refusal(insert(R"({"id":3,"status":"x"})")), "has no column status"));
  BOOST_TEST(s.refusal(kept) == "");

  // Without the replica, and in another run, the schema is what it was.
  s.box().kill("replica");
  const auto has_kept_schema = [](const auto& now) { return now.catalogue.state.starts_with("kept: "); };
  BOOST_TEST(s.wait_for(has_kept_schema));
  s.kill();
  s.start();
  BOOST_REQUIRE(s.wait_until_ready());
  BOOST_REQUIRE(s.wait_for(has_kept_schema));
  BOOST_TEST(has(s.refusal(insert(R"({"id":4,"status":"x"})")), "has no column status"));
  BOOST_TEST(s.refusal(insert(R"({"id":4})")) == "");
  const auto after = s.status();
  BOOST_REQUIRE(after.has_value());
  BOOST_TEST(after->catalogue.state.starts_with("kept: "), after->catalogue.state);
  BOOST_TEST((after->catalogue.read_at > before->catalogue.read_at));

  // Who knows better goes on; then the primary decides.
  BOOST_TEST(s.refusal(insert(R"({"id":5,"status":"x"})"), true) == "");
  BOOST_TEST(s.wait_for([](const auto& now) { return now.log.dead_letters == 1; }));
}
