#include "tests/integration/primary_fixture.hpp"

using namespace chasqui;
using namespace chasqui::test;

BOOST_TEST_GLOBAL_FIXTURE(shared_sandbox);

BOOST_AUTO_TEST_CASE(a_wrong_number_of_rows_is_refused) {
  lane_session s{new_site()};
  const int a = new_item();
  const auto id = std::to_string(a);
  const auto update = [&](const std::string& where, const std::string& expect) {
    return R"({"op":"update","table":"item","where":)" + where + R"(,"set":{"name":"y"})" + expect + "}";
  };
  BOOST_TEST((s.outcomes({entry_of(1, insert_item(a)), entry_of(2, update(R"({"id":-1})", ""))})) ==
             "ok CQ004");
  BOOST_TEST((s.outcomes({entry_of(2, update(R"({"id":-1})", R"(,"expect_rows":null)")),
                          entry_of(3, update(R"({"id":)" + id + "}", "")),
                          entry_of(4, R"({"op":"delete","table":"item","where":{"id":)" + id +
                                          R"(},"expect_rows":2})")})) == "ok*2 CQ004");
  BOOST_TEST(name_of(a) == "y");
}

BOOST_AUTO_TEST_CASE(values_arrive_as_they_were_written_whatever_their_type) {
  ask("CREATE TABLE kinds (id uuid PRIMARY KEY, at timestamptz, amount numeric, doc jsonb, many int[], words "
      "text[], "
      "yes bool, nothing text, big bigint, ratio float8, day date, raw bytea, made int DEFAULT 7, text "
      "text)");
  ask("GRANT ALL ON kinds TO PUBLIC");
  lane_session s{new_site()};
  const std::string row =
      R"({"id":"0197a4e2-0000-7000-8000-0000000000AB","at":"2026-11-22T00:10:00.123456+01:00",)"
      R"("amount":12345678901234567890.123456789012345678900,"doc":{"a":[1,{"b":null}],"n":1.10},"many":[1,2,null],)"
      R"("words":["a, b","\"q\""],"yes":true,"nothing":null,"big":9223372036854775807,"ratio":1e-7,)"
      R"("day":"2026-02-28","raw":"\\x00ff","text":"Zürich 🔭 'quoted' \\ \n"})";
  BOOST_TEST((s.outcomes({entry_of(1, R"({"op":"insert","table":"public.kinds","rows":[)" + row + "]}")})) ==
             "ok");
  database primary{cologne().direct_dsn()};
  const auto found =
      primary.rows("SELECT id, at AT TIME ZONE 'UTC', amount, doc, many, words, yes, nothing, big, ratio, "
                   "day, raw, made, text FROM kinds");
  const std::vector<std::string> expected{"0197a4e2-0000-7000-8000-0000000000ab",
                                          "2026-11-21 23:10:00.123456",
                                          "12345678901234567890.123456789012345678900",
                                          R"({"a": [1, {"b": null}], "n": 1.10})",
                                          "{1,2,NULL}",
                                          R"({"a, b","\"q\""})",
                                          "t",
                                          "NULL",
                                          "9223372036854775807",
                                          "1e-07",
                                          "2026-02-28",
                                          "\\x00ff",
                                          "7",
                                          "Zürich 🔭 'quoted' \\ \n"};
  BOOST_TEST_REQUIRE(found.size() == 1U);
  BOOST_TEST(found.front() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_value_of_the_wrong_type_is_refused_with_the_servers_reason) {
  lane_session s{new_site()};
  s.send({entry_of(1, R"({"op":"insert","table":"item","rows":[{"id":"twelve"}]})")});
  const auto answer = s.answers().front();
  BOOST_TEST(answer.sqlstate == "22P02");
  BOOST_TEST(answer.message.find("twelve") != std::string::npos, answer.message);
}

BOOST_AUTO_TEST_CASE(many_rows_of_one_step_all_arrive) {
  lane_session s{new_site()};
  std::string rows;
  const int first = new_item();
  for (int id = first; id < first + 1000; id = new_item()) {
    rows += (rows.empty() ? "" : ",") + (R"({"id":)" + std::to_string(id) + R"(,"name":"many"})");
  }
  BOOST_TEST((s.outcomes({entry_of(1, R"({"op":"insert","table":"item","rows":[)" + rows + "]}")})) == "ok");
  BOOST_TEST(ask("SELECT count(*) FROM item WHERE name = 'many'") == "1000");
}

BOOST_AUTO_TEST_CASE(an_upsert_inserts_what_is_new_and_changes_what_is_there) {
  lane_session s{new_site()};
  const auto a = std::to_string(new_item());
  const auto b = std::to_string(new_item());
  const auto upsert = [](const std::string& rows) {
    return R"({"op":"upsert","table":"item","key":["id"],"rows":[)" + rows + "]}";
  };
  const auto row = [](const std::string& id, const std::string& name) {
    return R"({"id":)" + id + R"(,"name":")" + name + R"("})";
  };
  BOOST_TEST((s.outcomes({entry_of(1, upsert(row(a, "one"))),
                          entry_of(2, upsert(row(a, "two") + "," + row(b, "new"))),
                          entry_of(3, upsert(R"({"id":)" + b + "}"))})) == "ok*3");
  BOOST_TEST(ask("SELECT string_agg(name, ',' ORDER BY id) FROM item WHERE id IN (" + a + "," + b + ")") ==
             "two,new");
  // The same row twice in one step is as if it were in two.
  BOOST_TEST((s.outcomes(
                 {entry_of(4, upsert(row(a, "three") + "," + row(b, "b") + "," + row(a, "four")))})) == "ok");
  BOOST_TEST(ask("SELECT string_agg(name, ',' ORDER BY id) FROM item WHERE id IN (" + a + "," + b + ")") ==
             "four,b");
}

BOOST_AUTO_TEST_CASE(a_null_in_a_condition_finds_rows_that_have_none) {
  lane_session s{new_site()};
  const int a = new_item();
  const auto where = R"("where":{"id":)" + std::to_string(a) + R"(,"note":null})";
  BOOST_TEST((s.outcomes({entry_of(1, insert_item(a)),
                          entry_of(2, R"({"op":"update","table":"item",)" + where +
                                          R"(,"set":{"note":"seen","name":null}})"),
                          entry_of(3, R"({"op":"delete","table":"item",)" + where + "}")})) == "ok*2 CQ004");
  BOOST_TEST(ask("SELECT note FROM item WHERE name IS NULL AND id = " + std::to_string(a)) == "seen");
}

BOOST_AUTO_TEST_CASE(a_change_by_key_uses_the_index) {
  ask("CREATE TABLE large AS SELECT n AS id, 'x' AS name FROM generate_series(1, 200000) AS n");
  ask("ALTER TABLE large ADD PRIMARY KEY (id)");
  ask("GRANT ALL ON large TO PUBLIC");
  ask("ANALYZE large");
  lane_session s{new_site()};
  std::vector<segment> segments;
  for (seqno seq = 1; seq <= 200; ++seq) {
    const auto where = R"("where":{"id":)" + std::to_string(seq) + "}";
    std::string steps = R"({"op":"update","table":"large","set":{"name":"y"},)";
    steps.append(where).append(R"(},{"op":"delete","table":"large",)").append(where).append("}");
    segments.push_back(entry_of(seq, steps));
  }
  const auto outcomes = s.outcomes(std::move(segments));
  BOOST_TEST(outcomes == "ok*200");
  s.destroy();
  // Statistics come when a session ends.
  const auto used = [] { return ask("SELECT idx_scan FROM pg_stat_user_tables WHERE relname = 'large'"); };
  BOOST_TEST(wait_until([&] { return used() == "400"; }));
  BOOST_TEST(ask("SELECT seq_scan < 5 FROM pg_stat_user_tables WHERE relname = 'large'") == "t");
}

BOOST_AUTO_TEST_CASE(a_statement_first_seen_in_an_aborted_segment_works_afterwards) {
  lane_session s{new_site()};
  const int a = new_item();
  const auto update =
      R"({"op":"update","table":"item","where":{"id":)" + std::to_string(a) + R"(},"set":{"note":"n"}})";
  BOOST_TEST(
      (s.outcomes({entry_of(7, update), entry_of(1, insert_item(a) + "," + insert_item(a) + "," + update),
                   entry_of(1, insert_item(a)), entry_of(2, update)})) == "CQ001 23505 ok*2");
}

BOOST_AUTO_TEST_CASE(a_statement_that_could_not_be_prepared_tells_why_and_is_tried_again) {
  lane_session s{new_site()};
  const auto insert = R"({"op":"insert","table":"later","rows":[{"id":1}]})";
  const auto also_known = insert_item(new_item());
  BOOST_TEST((s.outcomes({entry_of(1, also_known + "," + insert), entry_of(1, insert),
                          entry_of(2, insert)})) == "42P01*2 CQ001");
  BOOST_TEST(s.answers().front().message.find("\"later\"") != std::string::npos);
  ask("CREATE TABLE later (id int)");
  ask("GRANT ALL ON later TO PUBLIC");
  BOOST_TEST((s.outcomes({entry_of(1, insert), entry_of(2, insert)})) == "ok*2");
}

BOOST_AUTO_TEST_CASE(more_shapes_than_are_kept_do_no_harm) {
  std::string columns = "id int";
  for (int i = 0; i < 10; ++i) {
    columns.append(", c").append(std::to_string(i)).append(" int");
  }
  ask("CREATE TABLE shapes (" + columns + ")");
  ask("GRANT ALL ON shapes TO PUBLIC");
  const auto insert = [](unsigned mask) {
    std::string row = R"({"id":1)";
    for (unsigned i = 0; i < 10; ++i) {
      if ((mask >> i & 1U) != 0) {
        row.append(R"(,"c)").append(std::to_string(i)).append(R"(":1)");
      }
    }
    return R"({"op":"insert","table":"shapes","rows":[)" + row + "}]}";
  };
  std::string all;
  for (unsigned mask = 0; mask < 1000; ++mask) {
    all += (mask == 0 ? "" : ",") + insert(mask);
  }
  lane_session s{new_site()};
  std::vector<segment> segments{entry_of(1, all)};
  for (unsigned i = 0; i < 2000; ++i) {
    segments.push_back(entry_of(2 + i, insert(i % 700)));
  }
  const auto outcomes = s.outcomes(std::move(segments));
  BOOST_TEST(outcomes == "ok*2001");
  BOOST_TEST(ask("SELECT count(*) FROM shapes") == "3000");
}
