#include <boost/test/unit_test.hpp>

#include "tests/support/observatory.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/wait.h>
#include <vector>

// Dead letters, what is parked behind them, and what operators decide about them, through the daemon and on
// real servers.

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

template <class Answer> Answer granted(std::variant<Answer, refusal> answer) {
  if (const auto* problem = std::get_if<refusal>(&answer))
    BOOST_FAIL(problem->why.message);
  return std::get<Answer>(std::move(answer));
}

/// Settings with which a machine that is slow for a moment neither lets a decision pass its deadline nor the
/// journal take over: letters are in Redis, and nobody can look at them then.
std::vector<std::string> patient(std::vector<std::string> more = {}) {
  more.insert(more.end(), {"journal.path=", "redis.timeout_ms=20000", "buffer.submit_deadline_ms=20000"});
  return more;
}

/// Units and their files: a file refers to its unit.
struct archive : observatory {
  explicit archive(std::vector<std::string> settings = patient(),
                   std::vector<std::string> sandbox = {"--rtt", "20"})
      : observatory{sandbox, std::move(settings)} {
    sql(box().direct_dsn(),
        "CREATE TABLE unit (id integer PRIMARY KEY, status text NOT NULL CHECK (status <> 'bad'));"
        "CREATE TABLE file (id integer PRIMARY KEY, unit_id integer NOT NULL REFERENCES unit);"
        "GRANT ALL ON unit, file TO PUBLIC");
    start();
    BOOST_REQUIRE(wait_until_ready());
  }

  uuid keep(const std::string& steps, const std::string& extra = "") {
    return observatory::keep(R"({"id":")" + random_id() + R"(",)" + extra + R"("steps":[)" + steps + "]}").id;
  }
  uuid keep_unit(int id, const std::string& status, const std::string& extra = "") {
    return keep(R"({"op":"insert","table":"unit","rows":[{"id":)" + std::to_string(id) + R"(,"status":")" +
                    status + R"("}]})",
                extra);
  }
  uuid keep_file(int id, int unit) {
    return keep(R"({"op":"insert","table":"file","rows":[{"id":)" + std::to_string(id) + R"(,"unit_id":)" +
                std::to_string(unit) + "}]}");
  }
  uuid finish_unit(int id) {
    return keep(R"({"op":"update","table":"unit","where":{"id":)" + std::to_string(id) +
                R"(},"set":{"status":"done"}})");
  }

  std::variant<receipt, refusal> decide(letter_action what, uuid letter, const std::string& transaction = "",
                                        bool family = false) {
    return ask_until_told<receipt>(
        decision{*parse_uuid(random_id()), letter, what, family, "tester", "because", transaction});
  }
  [[nodiscard]] stage stage_of(uuid id) { return granted(ask_until_told<life>(find{id})).stage; }
  bool settles(std::uint64_t letters) {
    return wait_for([&](const auto& s) { return s.log.dead_letters == letters; }) && wait_until_replicated();
  }
  /// What the console prints; its exit code must be `expected`.
  std::string console(const std::vector<std::string>& words, int expected = 0,
                      const std::string& input = "") {
    const auto file = [this](const char* name) { return box().dir() + "/console." + name; };
    std::ofstream{file("in")} << input;
    const auto tls = box().dir() + "/tls/";
    std::ofstream{file("toml")} << "[remote]\nlisten = \"127.0.0.1\"\nport = " << door() << "\nca = \"" << tls
                                << "ca.pem\"\nclient_certificate = \"" << tls
                                << "client.pem\"\nclient_key = \"" << tls << "client.key\"\n";
    std::string line = program("chasqui") + " --config " + file("toml"); // The way to the daemon is enough.
    for (const auto& word : words)
      line += " '" + word + "'";
    line += " <" + file("in") + " >" + file("out") + " 2>" + file("err");
    const auto code = std::system(line.c_str()); // NOLINT(concurrency-mt-unsafe): one thread.
    std::ifstream out{file("out")};
    std::ifstream err{file("err")};
    said = {std::istreambuf_iterator<char>{err}, {}};
    BOOST_TEST(WEXITSTATUS(code) == expected, said);
    return {std::istreambuf_iterator<char>{out}, {}};
  }
  std::string said; ///< On the console's standard error.

  std::string on_primary(const std::string& what) { return sql(box().direct_dsn(), what); }
};

std::string depends_on(const uuid& id) { return R"("depends_on":[")" + to_string(id) + R"("],)"; }

} // namespace

BOOST_AUTO_TEST_CASE(descendants_of_a_dead_letter_are_parked_and_an_edit_releases_them_in_order) {
  archive site;
  const auto bad = site.keep_unit(1, "bad");
  const auto file = site.keep_file(11, 1);
  const auto done = site.finish_unit(1);
  const auto other = site.keep_unit(2, "new");
  const auto named = site.keep_unit(3, "new", depends_on(bad));
  BOOST_REQUIRE(site.settles(4));
  BOOST_TEST((site.stage_of(bad) == stage::rejected));
  for (const auto& id : {file, done, named})
    BOOST_TEST((site.stage_of(id) == stage::parked));
  BOOST_TEST(site.wait_for([](const auto& s) { return s.log.lanes[0].released == 5; }));
  BOOST_TEST((site.stage_of(other) == stage::released));
  BOOST_TEST(site.on_primary("SELECT string_agg(id::text, ' ') FROM unit") == "2");

  const auto parked = site.decide(letter_action::retry, file);
  BOOST_REQUIRE(std::holds_alternative<refusal>(parked));
  BOOST_TEST(std::get<refusal>(parked).why.message.find(to_string(bad)) != std::string::npos);

  const auto edited =
      site.decide(letter_action::edit, bad,
                  R"({"steps":[{"op":"insert","table":"unit","rows":[{"id":1,"status":"good"}]}]})");
  BOOST_REQUIRE(std::holds_alternative<receipt>(edited));
  BOOST_REQUIRE(site.settles(0));
  BOOST_TEST(site.on_primary("SELECT string_agg(id || ' ' || status, ', ' ORDER BY id) FROM unit") ==
             "1 done, 2 new, 3 new");
  BOOST_TEST(site.on_primary("SELECT unit_id FROM file") == "1");
  BOOST_TEST(site.wait_for([](const auto& s) { return s.log.lanes[0].released == 6; }));
  for (const auto& id : {bad, file, done, named})
    BOOST_TEST((site.stage_of(id) == stage::released));

  const auto history = site.ask<past_decisions>(list_decisions{});
  BOOST_REQUIRE(std::holds_alternative<past_decisions>(history));
  const auto& decisions = std::get<past_decisions>(history).decisions;
  BOOST_REQUIRE(decisions.size() == 1U);
  BOOST_TEST((decisions[0].what.id == std::get<receipt>(edited).id));
  BOOST_TEST(decisions[0].what.letters.size() == 4U);
  BOOST_TEST(decisions[0].payload.find("because") != std::string::npos);
  BOOST_TEST(site.on_primary("SELECT action || ' ' || made_by || ' ' || reason FROM chasqui.decision") ==
             "edit tester because");
}

BOOST_AUTO_TEST_CASE(an_operator_decides_at_the_console) {
  archive site;
  const auto bad = to_string(site.keep_unit(1, "bad"));
  site.keep_file(11, 1);
  BOOST_REQUIRE(site.settles(2));
  const auto listed = nlohmann::json::parse(site.console({"-o", "json", "dead", "list"}));
  BOOST_TEST(listed.at("total") == 2);
  BOOST_TEST(listed.at("dead_letters")[0].at("stage") == "rejected");
  BOOST_TEST(listed.at("dead_letters")[1].at("stage") == "parked");
  BOOST_TEST(listed.at("dead_letters")[1].at("behind")[0] == bad);
  const auto exported = site.console({"dead", "export", "--txn", bad});
  BOOST_TEST(nlohmann::json::parse(exported).at("id") == bad);

  site.console({"dead", "retry", bad, "--dry-run"});
  BOOST_TEST(site.said.find("would try it again, and once it is applied the 1 parked behind it") !=
                 std::string::npos,
             site.said);
  site.console({"dead", "edit", bad, "--dry-run"}, 1, "{}");
  BOOST_TEST(site.on_primary("SELECT count(*) FROM chasqui.decision") == "0");

  site.console({"dead", "retry", random_id(), "--yes"}, 1);
  site.console({"dead", "edit", bad, "--yes"}, 1, R"({"steps":[]})");
  const auto receipt =
      site.console({"dead", "edit", bad, "--yes", "--reason", "a typing error"}, 0,
                   R"({"steps":[{"op":"insert","table":"unit","rows":[{"id":1,"status":"good"}]}]})");
  BOOST_REQUIRE(site.settles(0));
  BOOST_TEST(site.on_primary("SELECT count(*) FROM file") == "1");
  const auto history = nlohmann::json::parse(site.console({"-o", "json", "dead", "history"})).at("decisions");
  BOOST_REQUIRE(history.size() == 1U);
  BOOST_TEST(history[0].at("id") == nlohmann::json::parse(receipt).at("id"));
  BOOST_TEST(history[0].at("action") == "edit");
  BOOST_TEST(history[0].at("reason") == "a typing error");
  BOOST_TEST(history[0].at("letters").size() == 2U);
  BOOST_TEST(site.on_primary("SELECT made_by FROM chasqui.decision") == history[0].at("made_by"));
}

BOOST_AUTO_TEST_CASE(a_decision_made_in_an_outage_takes_effect_after_it_and_survives_a_restart) {
  archive site{{"redis.timeout_ms=20000", "buffer.submit_deadline_ms=20000"}}; // With a journal beside Redis.
  const auto bad = site.keep_unit(1, "bad");
  BOOST_REQUIRE(site.settles(1));
  site.box().cut();
  const auto late = site.keep_file(11, 1); // Stands in the log before the decision.
  BOOST_REQUIRE(std::holds_alternative<receipt>(
      site.decide(letter_action::edit, bad,
                  R"({"steps":[{"op":"insert","table":"unit","rows":[{"id":1,"status":"good"}]}]})")));
  const auto later = site.finish_unit(1);
  BOOST_TEST((site.stage_of(bad) == stage::rejected));
  site.kill();
  site.start();
  BOOST_REQUIRE(site.wait_for_store(store_kind::redis));
  site.box().heal();
  BOOST_REQUIRE(site.settles(0));
  BOOST_TEST(site.on_primary("SELECT status FROM unit WHERE id = 1") == "done");
  BOOST_TEST(site.on_primary("SELECT count(*) FROM file") == "1");
  for (const auto& id : {bad, late, later})
    BOOST_TEST(site.wait_for([&](const auto&) { return site.stage_of(id) == stage::released; }));
}

BOOST_AUTO_TEST_CASE(what_is_discarded_is_gone_and_its_family_is_tried_or_goes_with_it) {
  archive site{{"redis.socket=", "redis.host=", "buffer.submit_deadline_ms=20000"},
               {"--store", "journal", "--rtt", "20"}};
  const auto bad = site.keep_unit(1, "bad");
  const auto named = site.keep_unit(2, "new", depends_on(bad));
  const auto worse = site.keep_unit(3, "bad");
  const auto lost = site.keep_unit(4, "new", depends_on(worse));
  BOOST_REQUIRE(site.settles(4));
  BOOST_REQUIRE(std::holds_alternative<receipt>(site.decide(letter_action::discard, bad)));
  BOOST_REQUIRE(std::holds_alternative<receipt>(site.decide(letter_action::discard, worse, "", true)));
  BOOST_REQUIRE(site.settles(0));
  BOOST_TEST(site.on_primary("SELECT string_agg(id::text, ' ') FROM unit") == "2");
  BOOST_TEST((site.stage_of(bad) == stage::discarded));
  BOOST_TEST((site.stage_of(lost) == stage::discarded));
  BOOST_TEST(site.wait_for([&](const auto&) { return site.stage_of(named) == stage::released; }));
  const auto gone = site.decide(letter_action::retry, bad);
  BOOST_REQUIRE(std::holds_alternative<refusal>(gone));
  BOOST_TEST((std::get<refusal>(gone).why.code == fault_code::not_found));
  // The same id again is known, and changes nothing.
  const auto again =
      site.submit(R"({"id":")" + to_string(bad) +
                  R"(","steps":[{"op":"insert","table":"unit","rows":[{"id":9,"status":"new"}]}]})");
  BOOST_REQUIRE(std::holds_alternative<receipt>(again));
  BOOST_REQUIRE(site.wait_until_replicated());
  BOOST_TEST(site.on_primary("SELECT count(*) FROM unit WHERE id = 9") == "0");
}

BOOST_AUTO_TEST_CASE(a_dependency_in_another_lane_is_waited_for_and_one_that_nobody_has_is_not) {
  archive site{patient({"lanes=main,bulk"})};
  sql(site.box().direct_dsn(),
      "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
      "'BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END';"
      "CREATE TRIGGER slow BEFORE INSERT ON file FOR EACH ROW EXECUTE FUNCTION slow()");
  const auto unit = site.keep_unit(1, "new");
  BOOST_REQUIRE(site.wait_until_replicated());
  database holder{site.box().direct_dsn()};
  holder.rows("SELECT pg_advisory_lock(4711)"); // The file's lane stands still meanwhile.
  const auto file =
      site.keep(R"({"op":"insert","table":"file","rows":[{"id":11,"unit_id":1}]})", R"("lane":"bulk",)");
  const auto waits = site.keep_unit(2, "new", depends_on(file));
  const auto behind = site.keep_unit(3, "new");
  BOOST_REQUIRE(site.wait_for([](const auto& s) { return s.log.lanes[0].sent >= 2; }));
  BOOST_TEST(site.on_primary("SELECT count(*) FROM unit") == "1");
  holder.rows("SELECT pg_advisory_unlock(4711)");
  BOOST_REQUIRE(site.wait_until_replicated());
  BOOST_TEST(site.on_primary("SELECT (SELECT applied_at FROM chasqui.applied WHERE txn_id = '" +
                             to_string(file) +
                             "') <= (SELECT applied_at FROM chasqui.applied WHERE txn_id = '" +
                             to_string(waits) + "')") == "t");
  for (const auto& id : {unit, file, waits, behind})
    BOOST_TEST(site.wait_for([&](const auto&) { return site.stage_of(id) == stage::released; }));

  const auto orphan = site.keep_unit(4, "new", depends_on(*parse_uuid(random_id())));
  BOOST_REQUIRE(site.settles(1));
  BOOST_TEST((site.stage_of(orphan) == stage::rejected));
  BOOST_TEST(site.on_primary("SELECT sqlstate FROM chasqui.dead_letter WHERE state = 'rejected'") == "CQ007");
}

BOOST_AUTO_TEST_CASE(a_family_that_was_released_as_the_link_broke_is_told_once_it_is_back) {
  archive site{patient({"forwarder.stall_timeout_ms=60000"})};
  const auto bad = site.keep_unit(1, "bad");
  for (int i = 0; i < 20; ++i)
    site.keep_file(100 + i, 1);
  BOOST_REQUIRE(site.settles(21));
  // The decision arrives; its answer is still under way when the link breaks.
  site.box().link({"latency_ms=6000"});
  BOOST_REQUIRE(std::holds_alternative<receipt>(
      site.decide(letter_action::edit, bad,
                  R"({"steps":[{"op":"insert","table":"unit","rows":[{"id":1,"status":"good"}]}]})")));
  BOOST_TEST(wait_until([&] { return site.on_primary("SELECT count(*) FROM file") == "20"; }));
  site.box().link({"mode=reset"});
  BOOST_TEST((site.stage_of(bad) == stage::rejected));
  site.box().link({"mode=open", "latency_ms=10"});
  BOOST_REQUIRE(site.settles(0));
  BOOST_TEST(site.wait_for([&](const auto&) { return site.stage_of(bad) == stage::released; }));
}
