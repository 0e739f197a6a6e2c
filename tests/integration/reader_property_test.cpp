// What the reader answers is what PostgreSQL says once the same entries were applied: random tables, rows,
// entries and questions, against a real server. READER_SCENES and READER_SEED say how many
// and which.

#include "adapters/postgres.hpp"
#include "adapters/statement.hpp"
#include "messages/index_terms.hpp"
#include "messages/json.hpp"
#include "messages/json_tape.hpp"
#include "tests/support/lone_reader.hpp"
#include "tests/support/sandbox.hpp"
#include "tests/support/sql.hpp"

#include <boost/test/unit_test.hpp>

#include <libpq-fe.h>

#include <algorithm>
#include <cstdlib>
#include <future>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace chasqui;
using namespace chasqui::test;

namespace {

constexpr int reads_a_scene = 4;

unsigned long from_environment(const char* name, unsigned long otherwise) {
  const char* text = std::getenv(name); // NOLINT(concurrency-mt-unsafe): one thread.
  return text == nullptr ? otherwise : std::stoul(text);
}

class dice {
public:
  explicit dice(std::uint64_t seed) : engine_{seed} {}
  int below(int n) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(n)); }
  bool one_in(int n) { return below(n) == 0; }
  template <class T> const T& of(const std::vector<T>& all) {
    return all[static_cast<std::size_t>(below(static_cast<int>(all.size())))];
  }

private:
  std::mt19937_64 engine_;
};

/// A type, and JSON texts of few values, some of them the same value written otherwise.
struct column_kind {
  std::string type;
  std::vector<std::string> values;
  bool exact = true; ///< Equal values are written alike by PostgreSQL.
};

const std::vector<column_kind>& key_kinds() {
  static const std::vector<column_kind> all{
      {"integer", {"1", "2", "3", "\"4\"", "\" 2 \"", "5"}},
      {"bigint", {"1", "9007199254740993", "\"9007199254740993\"", "3", "4"}},
      {"uuid",
       {R"("0197a4e2-0000-7000-8000-0000000000a1")", R"("0197A4E2-0000-7000-8000-0000000000A1")",
        R"("{0197a4e20000700080000000000000a2}")", R"("0197a4e2-0000-7000-8000-0000000000a2")",
        R"("11111111-1111-1111-1111-111111111111")", R"("0197a4e2-0000-7000-8000-0000000000a4")"}},
      {"text", {R"("a")", R"("A")", R"("b")", R"("1")", "1", R"("1.0")", R"("")"}},
      {"numeric", {"1", "1.0", "\"1e0\"", "2.5", "25e-1", "3"}, false},
      {"varchar(6)", {R"("a")", R"("a ")", R"("b")", R"("c")"}},
      {"timestamptz",
       {R"("2026-11-22T00:10:00Z")", R"("2026-11-22 01:10:00+01")", R"("2026-11-23T00:00:00Z")"}},
      {"numeric(6,2)", {"1", "1.001", "1.23", "1.234", "2"}}};
  return all;
}

const std::vector<column_kind>& other_kinds() {
  static const std::vector<column_kind> all = [] {
    auto out = key_kinds();
    out.push_back({"boolean", {"true", "false", "\"yes\""}});
    out.push_back({"double precision", {"0.1", "1e3", "1000", "-2.5"}, false});
    out.push_back({"date", {R"("2026-11-22")", R"("22 Nov 2026")", R"("infinity")"}});
    out.push_back({"jsonb", {R"({"a":1})", R"({"a":1.0})", "[1,2]", "7", R"("x")"}, false});
    out.push_back({"char(4)", {R"("a")", R"("a  ")", R"("b")"}});
    out.push_back({"mood", {R"("good")", R"("bad")"}});
    out.push_back({"integer[]", {"[1,2]", "[]", R"("{1,2}")"}});
    return out;
  }();
  return all;
}

struct test_column {
  std::string name;
  column_kind kind;
  bool nullable = true;
};

/// A random table.
struct test_table {
  std::string name;
  std::vector<test_column> columns;
  std::vector<std::vector<std::string>> keys; ///< The primary key and other unique ones.

  test_table(dice& d, int number) : name{"Table " + std::to_string(number)} {
    if (d.one_in(4)) {
      columns.push_back({"night", d.of(key_kinds()), false});
      columns.push_back({"part_id", d.of(key_kinds()), false});
      keys = {{"night", "part_id"}};
    } else {
      columns.push_back({"id", d.of(key_kinds()), false});
      keys = {{"id"}};
    }
    if (!d.one_in(4))
      columns.push_back({"parent_id", key_kinds()[static_cast<std::size_t>(d.below(d.one_in(2) ? 4 : 8))]});
    if (d.one_in(3))
      columns.push_back({"odd_id", d.of(other_kinds())});
    for (int i = 1 + d.below(4); i > 0; --i)
      columns.push_back({"c" + std::to_string(i), d.of(other_kinds())});
    if (d.one_in(3)) {
      columns.push_back({"tag", d.of(key_kinds())});
      keys.push_back({"tag"});
    }
  }

  [[nodiscard]] const test_column& column(const std::string& wanted) const {
    return *std::find_if(columns.begin(), columns.end(), [&](const auto& c) { return c.name == wanted; });
  }

  [[nodiscard]] std::string ddl(dice& d) const {
    std::string sql = "CREATE TABLE \"" + name + "\" (gone text";
    for (const auto& c : columns) {
      sql += ", \"" + c.name + "\" " + c.kind.type + (c.nullable ? "" : " NOT NULL");
      const bool text = c.kind.type == "text" || c.kind.type == "varchar(6)";
      if (c.nullable && d.one_in(5) && (text || c.kind.type == "integer"))
        sql += text ? " DEFAULT 'a'" : " DEFAULT 2";
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
      sql += i == 0 ? ", PRIMARY KEY (" : ", UNIQUE (";
      for (const auto& c : keys[i])
        sql += (&c == &keys[i].front() ? "\"" : ", \"") + c + '"';
      sql += ')';
    }
    return sql + "); ALTER TABLE \"" + name + "\" DROP gone"; // Dropped columns leave holes.
  }
};

std::string any_value(dice& d, const test_column& c, bool may_be_null = true) {
  return may_be_null && c.nullable && d.one_in(6) ? "null" : d.of(c.kind.values);
}

std::string object(const std::map<std::string, std::string>& members) {
  std::string json = "{";
  for (const auto& [name, value] : members)
    json += (json.size() > 1 ? ",\"" : "\"") + name + "\":" + value;
  return json + '}';
}

std::map<std::string, std::string> some_row(dice& d, const test_table& t) {
  std::map<std::string, std::string> row;
  for (const auto& c : t.columns)
    if (!c.nullable || !d.one_in(3))
      row[c.name] = any_value(d, c);
  return row;
}

std::map<std::string, std::string> some_where(dice& d, const test_table& t) {
  std::map<std::string, std::string> where;
  if (d.one_in(2))
    for (const auto& c : t.keys.front())
      where[c] = any_value(d, t.column(c));
  while (where.empty() || d.one_in(4)) {
    const auto& c = d.of(t.columns);
    where[c.name] = any_value(d, c);
  }
  return where;
}

std::string some_step(dice& d, const test_table& t) {
  const auto head = [&](const std::string& op) {
    const auto table = d.one_in(3) ? "public." + t.name : t.name;
    return R"({"op":")" + op + R"(","table":")" + table + '"';
  };
  const auto rows = [&](bool with_keys) {
    std::string out = R"(,"rows":[)";
    for (int i = d.one_in(3) ? 3 : 1; i > 0; --i) {
      auto row = some_row(d, t);
      for (const auto& key : t.keys)
        for (const auto& c : key)
          if (with_keys && !row.contains(c))
            row[c] = any_value(d, t.column(c));
      out += object(row) + (i > 1 ? "," : "");
    }
    return out + "]}";
  };
  switch (d.below(5)) {
  case 0:
    return head("insert") + rows(false);
  case 1: {
    std::string key = R"(,"key":[)";
    const auto& columns = d.of(t.keys);
    for (const auto& c : columns)
      key += (&c == &columns.front() ? "\"" : ",\"") + c + '"';
    return head("upsert") + key + "]" + rows(true);
  }
  case 2:
    return head("delete") + R"(,"where":)" + object(some_where(d, t)) + R"(,"expect_rows":null})";
  default: {
    std::map<std::string, std::string> set;
    while (set.empty() || d.one_in(3)) {
      const auto& c = d.of(t.columns);
      if (c.nullable || d.one_in(4))
        set[c.name] = any_value(d, c);
    }
    return head("update") + R"(,"where":)" + object(some_where(d, t)) + R"(,"set":)" + object(set) +
           R"(,"expect_rows":null})";
  }
  }
}

/// A connection that applies entries as the forwarder does.
class server {
public:
  explicit server(const std::string& dsn) : connection_{PQconnectdb(dsn.c_str()), PQfinish} {
    if (PQstatus(connection_.get()) != CONNECTION_OK)
      throw std::runtime_error{PQerrorMessage(connection_.get())};
    run("SET client_min_messages = error");
    run("SET synchronous_commit = off");
  }

  bool try_run(const std::string& sql, const std::vector<std::string>& params = {}) {
    rows_.clear();
    std::vector<const char*> values;
    for (const auto& p : params)
      values.push_back(p.c_str());
    const std::unique_ptr<PGresult, decltype(&PQclear)> result{
        PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                     nullptr, nullptr, 0),
        PQclear};
    const auto status = PQresultStatus(result.get());
    for (int row = 0; row < PQntuples(result.get()); ++row) {
      auto& line = rows_.emplace_back();
      for (int c = 0; c < PQnfields(result.get()); ++c)
        line.emplace_back(PQgetisnull(result.get(), row, c) != 0 ? "null" : PQgetvalue(result.get(), row, c));
    }
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
  }
  void run(const std::string& sql, const std::vector<std::string>& params = {}) {
    if (!try_run(sql, params))
      throw std::runtime_error{sql + ": " + PQerrorMessage(connection_.get())};
  }
  [[nodiscard]] const std::vector<std::vector<std::string>>& rows() const { return rows_; }

  /// Whether the entry can be applied; if not, nothing of it is.
  bool apply(const transaction& t) {
    run("SAVEPOINT entry");
    std::vector<statement> statements;
    for (const auto& s : t.steps)
      if (append_statements(s, statements))
        return false;
    for (const auto& s : statements)
      if (!try_run(s.sql, s.params)) {
        run("ROLLBACK TO entry");
        return false;
      }
    run("RELEASE entry");
    return true;
  }

private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
  std::vector<std::vector<std::string>> rows_;
};

/// A log in memory, with the index that stores have.
struct test_log {
  struct kept {
    std::string lane;
    entry it;
    transaction what;
  };
  std::vector<kept> entries;
  std::map<std::string, seqno> heads;

  void add(const std::string& lane, transaction t) {
    const auto number = entries.size() + 1;
    entries.push_back(
        {lane, {++heads[lane], test_id(number), test_time(number), encode_transaction(t)}, std::move(t)});
  }
  [[nodiscard]] looked_up find(const look_up& what) const {
    looked_up out{what.lane, what.from_seq, 1, 0, 1, false, {}};
    const auto head = heads.find(what.lane);
    out.head = head == heads.end() ? 0 : head->second;
    for (const auto& e : entries) {
      if (e.lane != what.lane || e.it.seq < what.from_seq || e.it.seq > what.to_seq)
        continue;
      const auto terms = index_terms(e.lane, e.it.payload);
      if (std::any_of(terms.begin(), terms.end(), [&](auto term) {
            return std::find(what.terms.begin(), what.terms.end(), term) != what.terms.end();
          }))
        out.entries.push_back(e.it);
    }
    return out;
  }
};

std::string json_of(const test_table& t) {
  std::string sql = "concat('{'";
  for (const auto& c : t.columns)
    sql += std::string{", '"} + (&c == &t.columns.front() ? "" : ",") + "\"" + c.name +
           "\":', coalesce(to_json(t.\"" + c.name + "\")::text, 'null')";
  return sql + ", '}')";
}

/// The answer of the server itself: rows, and what they are sorted by.
struct expected {
  std::vector<std::string> rows;
  std::vector<std::string> sorted_by;
};

struct question {
  read_rows what;
  expected answer;
};

question some_question(dice& d, const test_table& t) {
  question q;
  q.what.table = t.name;
  if (!d.one_in(5))
    q.what.where = object(some_where(d, t));
  if (!d.one_in(3)) { // By one id, as most reads are.
    const auto& c = t.columns[t.columns.size() > 1 && d.one_in(2) ? 1 : 0];
    q.what.where = object({{c.name, any_value(d, c)}});
  }
  while (q.what.order.size() < 2 && d.one_in(2)) {
    const auto& c = d.of(t.columns);
    if (c.kind.exact)
      q.what.order.push_back({c.name, d.one_in(2)});
  }
  q.what.limit = d.one_in(2) ? 100 : static_cast<std::uint64_t>(1 + d.below(3));
  return q;
}

void ask_server(server& s, const test_table& t, question& q) {
  const auto parsed = decode_transaction(R"({"steps":[{"op":"delete","table":")" + t.name + R"(","where":)" +
                                             (q.what.where == "{}" ? R"({"x":1})" : q.what.where) + "}]}",
                                         {});
  const auto& where = std::get<transaction>(parsed).steps.front().where;
  std::string sql = "SELECT " + json_of(t) + ", concat_ws('|', ''";
  std::string order;
  for (const auto& o : q.what.order) {
    sql += ", coalesce(t.\"" + o.column + "\"::text, 'null')";
    order += (order.empty() ? " ORDER BY t.\"" : ", t.\"") + o.column + '"' + (o.descending ? " DESC" : "");
  }
  sql += ") FROM \"" + t.name + "\" AS t";
  std::vector<std::string> params;
  if (q.what.where != "{}") {
    sql += ", jsonb_populate_record(NULL::\"" + t.name + "\", $1) AS w WHERE true";
    params.push_back(where.json);
    for (const auto& c : where.columns) {
      const bool null =
          std::find(where.null_columns.begin(), where.null_columns.end(), c) != where.null_columns.end();
      sql += " AND t.\"" + c + "\"" + (null ? " IS NULL" : " = w.\"" + c + "\"");
    }
  }
  s.run(sql + order, params);
  for (const auto& row : s.rows()) {
    q.answer.rows.push_back(row[0]);
    q.answer.sorted_by.push_back(row[1]);
  }
}

std::string listed(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines)
    out += "\n    " + line;
  return out;
}

/// "" if the answer is right.
std::string compare(const question& q, const found_rows& answer) {
  std::vector<std::string> found;
  for (const auto& row : answer.found)
    found.push_back(row.json);
  const auto complaint = [&](const std::string& what) {
    return what + ": found" + listed(found) + "\n  expected" + listed(q.answer.rows);
  };
  const auto count = std::min<std::size_t>(q.what.limit, q.answer.rows.size());
  if (found.size() != count || answer.more != (q.answer.rows.size() > q.what.limit))
    return complaint("another number of rows");
  std::multimap<std::string, std::string> left;
  for (std::size_t i = 0; i < q.answer.rows.size(); ++i)
    left.emplace(q.answer.rows[i], q.answer.sorted_by[i]);
  for (std::size_t i = 0; i < count; ++i) {
    const auto same = left.find(found[i]);
    if (same == left.end())
      return complaint("row " + std::to_string(i) + " is not there");
    if (same->second != q.answer.sorted_by[i])
      return complaint("row " + std::to_string(i) + " is out of order");
    left.erase(same);
  }
  return "";
}

/// One sandbox for all.
struct shared_server {
  shared_server() { current = &cologne; }
  shared_server(const shared_server&) = delete;
  shared_server& operator=(const shared_server&) = delete;
  ~shared_server() { current = nullptr; }
  sandbox cologne{{"--store", "journal", "--rtt", "0"}};
  static inline sandbox* current = nullptr;
};

transaction some_transaction(dice& d, const test_table& t) {
  std::string steps;
  for (int i = 1 + d.below(3); i > 0; --i)
    steps += some_step(d, t) + (i > 1 ? "," : "");
  auto read = decode_transaction(R"({"lane":"main","steps":[)" + steps + "]}", {});
  if (const auto* why = std::get_if<fault>(&read))
    throw std::runtime_error{why->field + " " + why->message + ": " + steps};
  return std::get<transaction>(std::move(read));
}

/// A table with rows, entries that are on it already and others that are pending, and some questions.
std::string play(std::uint64_t seed, server& s, const std::vector<test_table>& tables,
                 const std::shared_ptr<row_source>& source) {
  dice d{seed};
  const auto& t = d.of(tables);
  test_log log;
  s.run("DELETE FROM \"" + t.name + "\"");
  s.run("DELETE FROM chasqui.cursor");
  s.run("BEGIN");
  const auto add = [&] {
    auto what = some_transaction(d, t);
    if (s.apply(what))
      log.add(d.one_in(4) ? "second" : "main", std::move(what));
  };
  for (int i = 4 + d.below(10); i > 0; --i)
    add();
  const auto cursors = log.heads;
  for (const auto& [lane, head] : cursors)
    s.run("INSERT INTO chasqui.cursor (site, lane, epoch, last_seq) VALUES ('here', $1, 1, $2)",
          {lane, std::to_string(head)});
  s.run("COMMIT");
  s.run("BEGIN");
  for (int i = d.below(8); i > 0; --i)
    add();
  std::vector<question> questions;
  for (int i = 0; i < reads_a_scene; ++i) {
    auto q = some_question(d, t);
    ask_server(s, t, q);
    questions.push_back(std::move(q));
  }
  s.run("ROLLBACK");
  lone_reader reads{source, {"main", "second"}, [&](const look_up& what) { return log.find(what); }};
  for (const auto& q : questions) {
    const auto answer = reads.read(q.what);
    const auto* const why = std::get_if<fault>(&answer);
    const auto wrong = why != nullptr ? why->message : compare(q, std::get<found_rows>(answer));
    if (wrong.empty())
      continue;
    std::string story = "seed " + std::to_string(seed) + ", " + t.name + ", where " + q.what.where +
                        ", limit " + std::to_string(q.what.limit) + "\n  entries";
    for (const auto& e : log.entries) {
      const auto cursor = cursors.find(e.lane);
      const bool is_pending = cursor == cursors.end() || e.it.seq > cursor->second;
      story += (is_pending ? "\n    pending " : "\n    ") + e.lane + " " + std::to_string(e.it.seq) + " " +
               e.it.payload;
    }
    return story + "\n  " + wrong;
  }
  return "";
}

} // namespace

BOOST_TEST_GLOBAL_FIXTURE(shared_server);

BOOST_AUTO_TEST_CASE(the_reader_answers_what_postgresql_says_once_the_entries_are_applied) {
  const auto scenes = from_environment("READER_SCENES", 250);
  const auto first = from_environment("READER_SEED", 1); // The tables follow from it.
  const auto skipped = from_environment("READER_SKIP", 0);
  const auto& dsn = shared_server::current->direct_dsn();
  server s{dsn};
  s.run("CREATE TYPE mood AS ENUM ('bad', 'good')");
  dice shapes{first};
  std::vector<test_table> tables;
  for (int i = 0; i < 40; ++i) {
    tables.emplace_back(shapes, i);
    const auto ddl = tables.back().ddl(shapes);
    s.run(ddl.substr(0, ddl.find(';')));
    s.run(ddl.substr(ddl.find(';') + 1));
  }
  io_thread io;
  const std::shared_ptr<row_source> source = make_row_source(io, "here", {dsn, std::chrono::seconds{20}});
  int wrong = 0;
  for (auto scene = skipped; scene < skipped + scenes && wrong < 3; ++scene) {
    const auto story = play(first + scene, s, tables, source);
    BOOST_TEST(story == "",
               story << "\n  Again: READER_SEED=" << first << " READER_SKIP=" << scene << " READER_SCENES=1");
    wrong += story.empty() ? 0 : 1;
  }
}

BOOST_AUTO_TEST_CASE(a_probe_says_which_of_many_rows_are_there) {
  const auto dsn = shared_server::current->direct_dsn();
  sql(dsn, "CREATE TABLE probed (id text PRIMARY KEY, a integer, b uuid, UNIQUE (a, b))");
  sql(dsn,
      R"(INSERT INTO probed VALUES ('x', 1, '00000000-0000-0000-0000-0000000000ab'), ('q"u\o, {t', 2, NULL))");
  io_thread io;
  const std::shared_ptr<row_source> source = make_row_source(io, "here", {dsn, std::chrono::seconds{20}});
  const auto probe = [&](std::vector<rows_probed> wanted) {
    std::promise<probe_result> answered;
    source->probe(std::move(wanted), std::chrono::seconds{20},
                  [&](probe_result r) { answered.set_value(std::move(r)); });
    auto result = get(answered.get_future());
    for (auto& places : result.found)
      if (places)
        std::sort(places->begin(), places->end());
    return result;
  };
  using places = std::vector<std::size_t>;
  const auto good = probe(
      {{"probed", {"id"}, {R"({"id":"y"})", R"({"id":"x"})", R"({"id":"q\"u\\o, {t"})", R"({"id":"x"})"}},
       {"public.probed",
        {"a", "b"},
        {R"({"a":1,"b":"00000000-0000-0000-0000-0000000000AB"})",
         R"({"a":2,"b":"00000000-0000-0000-0000-0000000000ab"})"}},
       {"probed", {"a"}, {R"({"a":7})", R"({"a":"1"})", R"({"a":2})"}}});
  BOOST_TEST(good.problem.message == "");
  BOOST_REQUIRE(good.found.size() == 3U);
  BOOST_TEST((*good.found[0] == places{1, 2, 3}));
  BOOST_TEST((*good.found[1] == places{0}));
  BOOST_TEST((*good.found[2] == places{1, 2}));
  // One that it refuses is no obstacle to the others.
  const auto half = probe({{"probed", {"a"}, {R"({"a":"one"})"}},
                           {"probed", {"id"}, {R"({"id":"x"})"}},
                           {"nowhere", {"a"}, {R"({"a":1})"}},
                           {"probed", {"id"}, {R"({"id":"y"})"}}});
  BOOST_TEST(half.problem.message == "");
  BOOST_REQUIRE(half.found.size() == 4U);
  BOOST_TEST(!half.found[0].has_value());
  BOOST_TEST((half.found[1] == places{0}));
  BOOST_TEST(!half.found[2].has_value());
  BOOST_TEST((half.found[3] == places{}));
  sql(dsn, "DROP TABLE probed");
}

// LeakSanitizer is the judge.
BOOST_AUTO_TEST_CASE(who_stops_while_the_replica_is_asked_leaves_nothing_behind) {
  for (int i = 0; i < 40; ++i) {
    io_thread io;
    const auto source =
        make_row_source(io, "here", {shared_server::current->direct_dsn(), std::chrono::seconds{20}});
    const auto opened = std::make_shared<std::promise<fault>>(); // It may outlive this round.
    const auto snapshot = source->open("pg_catalog.pg_class", {}, std::chrono::seconds{20},
                                       [opened](const snapshot_opened& s) { opened->set_value(s.problem); });
    source->probe({{"pg_catalog.pg_class", {"relname"}, {R"({"relname":"x"})"}}}, std::chrono::seconds{20},
                  [](const probe_result&) {});
    if (i % 2 == 0) {
      auto answer = opened->get_future();
      BOOST_REQUIRE(answer.wait_for(std::chrono::seconds{60}) == std::future_status::ready);
      BOOST_TEST(answer.get().message == "");
    }
  }
}
