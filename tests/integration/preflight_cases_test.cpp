#include "actors/preflight_core.hpp"
#include "actors/row_glance.hpp"
#include "adapters/postgres.hpp"
#include "adapters/statement.hpp"
#include "messages/json.hpp"
#include "tests/support/lone_reader.hpp"
#include "tests/support/sandbox.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <boost/test/unit_test.hpp>

#include <future>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

// What preflight refuses, the real server refuses, too: never the other way round as a promise, but this one
// always.

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* schema_sql = R"sql(
CREATE TYPE mood AS ENUM ('calm', 'wild');
CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100);
CREATE DOMAIN ratio AS numeric(4,2);
CREATE TABLE kinds (id int PRIMARY KEY, small smallint, big bigint NOT NULL DEFAULT 7 CHECK (big >= -5), f4 real,
  f8 double precision CHECK (f8 >= 0 AND f8 < 360), n numeric(4,2), free numeric CHECK (free <> 1.5), ok boolean,
  u uuid, t text CHECK (t IN ('a', 'b', 'zz')), v varchar(3), c char(3) CHECK (c <> 'x'), j json, jb jsonb, d date, ts timestamp,
  tz timestamptz, raw bytea, m mood, many int[], words varchar(2)[], moods mood[], p percent, r ratio,
  g int GENERATED ALWAYS AS (1) STORED, UNIQUE (u, small));
CREATE TABLE strict (a int NOT NULL, b text NOT NULL, c int GENERATED ALWAYS AS IDENTITY, d percent NOT NULL DEFAULT 1,
  UNIQUE (b) DEFERRABLE);
CREATE UNIQUE INDEX ON strict (a) WHERE a > 0;
CREATE TABLE filled (LIKE strict INCLUDING ALL);
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.a := coalesce(NEW.a, 1);
  NEW.b := coalesce(NEW.b, ''x''); RETURN NEW; END';
CREATE TRIGGER fill BEFORE INSERT OR UPDATE ON filled FOR EACH ROW EXECUTE FUNCTION fill();
CREATE TABLE parts (id int NOT NULL, w int NOT NULL CHECK (w > 0)) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE swallowed (id int NOT NULL);
CREATE RULE swallow AS ON INSERT TO swallowed DO INSTEAD NOTHING;
CREATE VIEW seen AS SELECT id, t FROM kinds;
CREATE TABLE closed (id int);
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere.far (id int);
CREATE TABLE node (id int PRIMARY KEY, parent_id int REFERENCES node, owner_id text);
CREATE TABLE leaf (id bigint PRIMARY KEY, node_id int NOT NULL REFERENCES node ON DELETE CASCADE ON UPDATE CASCADE,
  label text, UNIQUE (node_id, label));
CREATE TABLE bud (id int PRIMARY KEY, leaf_id smallint REFERENCES leaf, node_id int, label text,
  FOREIGN KEY (node_id, label) REFERENCES leaf (node_id, label));
GRANT ALL ON node, leaf, bud TO PUBLIC;
GRANT ALL ON kinds, strict, filled, parts, swallowed, seen, elsewhere.far TO PUBLIC;
INSERT INTO kinds (id, t) SELECT n, 'a' FROM generate_series(1, 5) AS n;
INSERT INTO node VALUES (1, NULL, 'x'), (2, 1, 'y'), (3, 1, NULL), (4, 3, 'x');
INSERT INTO leaf VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'a'), (4, 4, 'c');
INSERT INTO bud VALUES (1, 1, NULL, NULL), (2, NULL, 1, 'b');
INSERT INTO strict (a, b) VALUES (1, 'one'), (2, 'two');
)sql";

const std::vector<std::string> tables{
    "kinds",     "kinds", "kinds",  "kinds",         "public.kinds", "strict",   "strict", "filled", "parts",
    "swallowed", "seen",  "closed", "elsewhere.far", "nowhere",      "pg_class", "node",   "leaf",   "bud"};
const std::vector<std::string> related_tables{"node", "node", "leaf", "public.leaf", "bud"};
const std::vector<std::string> columns{
    "id", "small", "big", "f4", "f8", "n",  "free",    "ok",       "u",         "t",     "v",
    "c",  "j",     "jb",  "d",  "ts", "tz", "raw",     "m",        "many",      "words", "moods",
    "p",  "r",     "g",   "a",  "b",  "w",  "unknown", "to_jsonb", "num_nulls", "ctid"};
const std::vector<std::string> values{"1",
                                      "2",
                                      "3",
                                      "-7",
                                      "0",
                                      "-0",
                                      "1.0",
                                      "1e2",
                                      "10e-1",
                                      "99.995",
                                      "100",
                                      "9.99e1",
                                      "32768",
                                      "2147483648",
                                      "9223372036854775808",
                                      "1e39",
                                      "1e400",
                                      "1e-400",
                                      "1e-50",
                                      "359.999999",
                                      "360",
                                      "1.5",
                                      "1.50",
                                      "null",
                                      "true",
                                      "false",
                                      R"("")",
                                      R"(" ")",
                                      R"("1")",
                                      R"(" 12 ")",
                                      R"("+3")",
                                      R"("1e1")",
                                      R"("0x1F")",
                                      R"("1_0")",
                                      R"("NaN")",
                                      R"("-inf")",
                                      R"("1.")",
                                      R"(".5")",
                                      R"(".")",
                                      R"("t")",
                                      R"("of")",
                                      R"("o")",
                                      R"(" YES")",
                                      R"("a")",
                                      R"("b ")",
                                      R"("zz")",
                                      R"("zzz")",
                                      R"("zzzz")",
                                      R"("zz    ")",
                                      R"("Zür")",
                                      R"("calm")",
                                      R"("Calm")",
                                      R"("calm ")",
                                      R"("now")",
                                      R"("soon")",
                                      R"("infinity")",
                                      R"("2026-02-28")",
                                      R"("2026-02-29")",
                                      R"("2024-02-29")",
                                      R"("2026-13-01")",
                                      R"("2026-1-1")",
                                      R"("20260101")",
                                      R"("2026-11-22T00:10:00.5Z")",
                                      R"("2026-11-22 24:00:00")",
                                      R"("2026-11-22 25:00:00")",
                                      R"("2026-11-22T00:60Z")",
                                      R"("2026-11-22 10:00:60+0530")",
                                      R"("2026-11-22 10:00 Mars")",
                                      R"("0197a4e2-0000-7000-8000-0000000000ab")",
                                      R"("{0197a4e200007000-80000000000000AB}")",
                                      R"("0197a4e2-0000-7000-8000-0000000000a")",
                                      R"("\\x00ff")",
                                      R"("\\x0")",
                                      R"("\\x 0f 1")",
                                      R"("a\\b")",
                                      R"("a\\\\b\\012")",
                                      R"("{1,2}")",
                                      R"("{1,x}")",
                                      "[]",
                                      "[1,2]",
                                      R"(["1","x"])",
                                      R"(["a","bcd"])",
                                      R"(["calm",null])",
                                      "[[1],[2]]",
                                      R"([1,[2]])",
                                      R"([{"a":1}])",
                                      R"({"a":[1,"x"]})",
                                      "{}",
                                      "12345678901234567890123456789012",
                                      "20260228",
                                      R"("a\nb")",
                                      R"("\u0001\"\\")"};

/// Random steps, most of them nearly right.
class maker {
public:
  explicit maker(unsigned seed) : random_{seed} {}

  std::string transaction() {
    std::string steps;
    focus_ = 1 + below(7);
    const bool is_related = below(3) == 0; // Steps that decide about each other.
    for (auto count = 1 + (is_related || below(3) == 0 ? below(3) : 0); count > 0; --count)
      steps += (steps.empty() ? "" : ",") + step(one_of(is_related ? related_tables : tables));
    return R"({"steps":[)" + steps + "]}";
  }

private:
  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>{0, end - 1}(random_);
  }
  const std::string& one_of(const std::vector<std::string>& all) { return all[below(all.size())]; }

  static bool is_related(const std::string& table) {
    return table == "node" || table.ends_with("leaf") || table == "bud";
  }

  /// Some of its values are there, some are not.
  std::string related_row(const std::string& table) {
    const auto number = [this] { return std::to_string(below(2) == 0 ? focus_ : 1 + below(7)); };
    const auto label = [this] { return std::string{'"'} + "abcd"[below(4)] + '"'; };
    std::string out = R"({"id":)" + (below(2) == 0 ? number() : std::to_string(10 + below(90)));
    if (table == "node" && below(2) == 0)
      out += R"(,"parent_id":)" + number();
    if (table.ends_with("leaf"))
      out += R"(,"node_id":)" + number() + R"(,"label":)" + label();
    if (table == "bud" && below(2) == 0)
      out += R"(,"leaf_id":)" + number();
    if (table == "bud" && below(2) == 0)
      out += R"(,"node_id":)" + number() + R"(,"label":)" + label();
    return out + "}";
  }

  std::string column(const std::string& table) {
    static const std::vector<std::string> of_related{"id",      "node_id", "parent_id",
                                                     "leaf_id", "label",   "owner_id"};
    if (is_related(table))
      return one_of(of_related);
    static const std::vector<std::string> of_strict{"a", "b", "b", "c", "d", "unknown"};
    if (table == "strict" || table == "filled")
      return one_of(of_strict);
    return table == "parts" ? (below(2) == 0 ? "id" : "w") : one_of(columns);
  }

  std::string record(const std::string& table, const std::string& first = "") {
    std::vector<std::string> names;
    std::string out = first;
    for (auto count = below(first.empty() ? 2 : 3) + (first.empty() ? 1 : 0); count > 0; --count) {
      const auto name = column(table);
      if (std::find(names.begin(), names.end(), name) == names.end() &&
          first.find("\"" + name + "\"") == std::string::npos)
        out += (out.empty() ? "\"" : ",\"") + name + "\":" + one_of(values);
      names.push_back(name);
    }
    return "{" + out + "}";
  }

  std::string row(const std::string& table) {
    if (is_related(table) && below(20) > 0)
      return related_row(table);
    if (below(10) == 0)
      return record(table);
    if (table == "strict" || table == "filled")
      return record(table, R"("a":)" + std::to_string(below(9)) +
                               (below(3) > 0 ? R"(,"b":"n)" + std::to_string(below(9)) + "\"" : ""));
    if (table == "parts")
      return record(table, R"("id":1)");
    return record(table, R"("id":)" + std::to_string(10 + below(10)));
  }

  std::string step(const std::string& table) {
    static const std::vector<std::string> keys{R"("id")", R"("id")", R"("u","small")",
                                               R"("a")",  R"("b")",  R"("t")"};
    const auto head = R"(","table":")" + table + "\",";
    const auto op = below(6);
    const std::string where =
        R"("where":)" +
        record(table, below(3) > 0 ? R"("id":)" + std::to_string(below(2) == 0 ? focus_ : 1 + below(7)) : "");
    const std::string rows_expected = below(4) == 0 ? R"(,"expect_rows":null})" : "}";
    if (op == 0)
      return R"({"op":"delete)" + head + where + rows_expected;
    if (op == 1)
      return R"({"op":"update)" + head + where + R"(,"set":)" + record(table) + rows_expected;
    std::string rows = row(table);
    for (auto count = is_related(table) && below(3) > 0 ? 0 : below(3); count > 0; --count)
      rows += "," + row(table);
    if (op == 2)
      return R"({"op":"upsert)" + head + R"("key":[)" + one_of(keys) + R"(],"rows":[)" + rows + "]}";
    return R"({"op":"insert)" + head + R"("rows":[)" + rows + "]}";
  }

  std::mt19937 random_;
  std::size_t focus_ = 1; ///< Related rows of one transaction often mean this one.
};

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text)
    out.append(c == '\'' ? 2 : 1, c);
  return out + "'";
}

/// What the server says to the steps, which are taken back: "" if it takes them.
std::string refusal(database& server, const transaction& t) {
  std::vector<statement> statements;
  for (const auto& s : t.steps)
    if (const auto problem = append_statements(s, statements))
      return problem.message;
  server.rows("BEGIN");
  std::string why;
  try {
    for (const auto& s : statements) {
      std::string values_given;
      for (const auto& param : s.params)
        values_given += (values_given.empty() ? "(" : ",") + quoted(param);
      server.rows("PREPARE s AS " + s.sql);
      server.rows("EXECUTE s " + (values_given.empty() ? "" : values_given + ")"));
      server.rows("DEALLOCATE s");
    }
    server.rows("SET CONSTRAINTS ALL IMMEDIATE");
  } catch (const std::runtime_error& e) {
    why = e.what();
  }
  server.rows("ROLLBACK");
  server.rows("DEALLOCATE ALL");
  return why;
}

/// Looks at rows of a server; nothing is pending.
class onlooker {
public:
  explicit onlooker(const std::shared_ptr<row_source>& source)
      : source_{source}, reader_{source, {"main"}, nothing_in} {}

  /// What rows say against it.
  fault doubt(const std::vector<row_question>& questions) {
    for (const auto& q : questions)
      if (auto why = judge(q, "main", read(to_read(q))))
        return why;
    return {};
  }

  /// Whether a glance clears it.
  bool clears(const std::vector<row_question>& questions) {
    glance what;
    for (const auto& q : questions) {
      what.probes.push_back({what.kinds.size(), q.where});
      what.kinds.push_back({"main", q.rule->table, q.rule->columns, q.rule->is_about_parent});
    }
    row_glance core{std::move(what)};
    const auto look_ups = core.look_ups();
    for (std::size_t i = 0; i < look_ups.size(); ++i)
      core.on_found(i, nothing_in(look_ups[i]));
    const auto probed =
        answer_of<probe_result>([&](auto then) { source_->probe(core.wanted(), replica_patience, then); });
    BOOST_TEST(probed.problem.message == "");
    core.on_probed(probed);
    const auto answer = core.answer();
    BOOST_TEST(answer.replica == "");
    return answer.doubtful.empty();
  }

private:
  static looked_up nothing_in(const look_up& asked) {
    looked_up out;
    out.lane = asked.lane;
    return out;
  }

  /// An answer without the replica for a value that only the server knows to be bad: it says nothing.
  found_rows read(const read_rows& what) {
    const auto answer = reader_.read(what);
    if (const auto* rows = std::get_if<found_rows>(&answer))
      return *rows;
    const auto& why = std::get<fault>(answer);
    BOOST_TEST((why.code == fault_code::malformed));
    return {{}, false, why.message, {}, {}};
  }

  std::shared_ptr<row_source> source_;
  lone_reader reader_;
};

std::string as_forwarder(const std::string& dsn) {
  const auto port = dsn.substr(dsn.find("port="));
  return "host=127.0.0.1 " + port.substr(0, port.find(' ')) +
         " dbname=ops user=chasqui_forwarder sslmode=disable";
}

} // namespace

BOOST_AUTO_TEST_CASE(what_preflight_refuses_the_server_refuses_too) {
  sandbox box{{"--store", "journal", "--rtt", "0"}};
  sql(box.direct_dsn(), schema_sql);
  io_thread io;
  // The primary tells its schema as well as a replica does.
  const auto source = make_schema_source(io, "a", {as_forwarder(box.direct_dsn()), 10s},
                                         {"chasqui_forwarder", "ops", 1U << 24U});
  std::promise<schema_sighting> promise;
  source->look("", [&](schema_sighting s) { promise.set_value(std::move(s)); });
  const auto seen = promise.get_future().get();
  BOOST_TEST_REQUIRE(seen.problem.message == "");
  auto decoded = decode_catalogue(seen.schema.text);
  BOOST_TEST_REQUIRE(std::holds_alternative<catalogue>(decoded));
  const preflight_core preflight{std::get<catalogue>(std::move(decoded))};

  const char* wanted = std::getenv("PREFLIGHT_CASES"); // NOLINT(concurrency-mt-unsafe): nobody sets it.
  const int cases = wanted == nullptr ? 2000 : std::stoi(wanted);
  const char* first = std::getenv("PREFLIGHT_SEED"); // NOLINT(concurrency-mt-unsafe)
  const unsigned seed = first == nullptr ? 1 : static_cast<unsigned>(std::stoul(first));
  maker m{seed};
  database server{as_forwarder(box.direct_dsn())};
  int refused = 0;
  int refused_by_both = 0;
  onlooker rows{make_row_source(io, "a", {as_forwarder(box.direct_dsn()), 10s})};
  int refused_by_rows = 0;
  int cleared = 0;
  for (int i = 0; i < cases; ++i) {
    const auto json = m.transaction();
    const auto t = decode_transaction(json, {});
    if (std::holds_alternative<fault>(t))
      continue; // It never gets so far.
    auto ours = preflight.check(std::get<transaction>(t));
    if (const auto questions = preflight.ask(std::get<transaction>(t)); !ours && !questions.empty()) {
      ours = rows.doubt(questions);
      const bool is_cleared = rows.clears(questions);
      BOOST_TEST((!is_cleared || !ours), "a glance clears " << json << ", a look does not: " << ours.message);
      refused_by_rows += ours ? 1 : 0;
      cleared += is_cleared ? 1 : 0;
    }
    const auto theirs = refusal(server, std::get<transaction>(t));
    BOOST_TEST((!ours || !theirs.empty()), "the server takes " << json << ", preflight: " << ours.message);
    refused += theirs.empty() ? 0 : 1;
    refused_by_both += ours ? 1 : 0;
  }
  BOOST_TEST_MESSAGE("of " << cases << " the server refuses " << refused << ", preflight " << refused_by_both
                           << ", " << refused_by_rows << " of them by rows, which clear " << cleared);
  BOOST_TEST(refused_by_rows > cases / 30);
  BOOST_TEST(cleared > cases / 20);
  BOOST_TEST(refused_by_both > cases / 4);
  BOOST_TEST(refused < cases);
}
