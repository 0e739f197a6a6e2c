#include "tests/integration/primary_fixture.hpp"

using namespace chasqui;
using namespace chasqui::test;

BOOST_TEST_GLOBAL_FIXTURE(shared_sandbox);

BOOST_AUTO_TEST_CASE(entries_are_applied_in_order_and_answered_in_order) {
  const auto site = new_site();
  lane_session s{site};
  BOOST_TEST(s.opened().problem.message == "");
  BOOST_TEST(s.opened().last_seq == 0U);
  const int a = new_item();
  BOOST_TEST((s.outcomes({entry_of(1, insert_item(a, "one")), entry_of(2, insert_item(new_item(), "two")),
                          segment{}, barrier()})) == "ok*4");
  BOOST_TEST(name_of(a) == "one");
  BOOST_TEST(ask("SELECT last_seq FROM chasqui.cursor WHERE site = '" + site + "'") == "2");
}

BOOST_AUTO_TEST_CASE(a_new_session_finds_the_cursor_where_the_last_one_left_it_and_whose_it_is) {
  const auto site = new_site();
  const auto id = new_id();
  {
    lane_session s{site};
    BOOST_TEST((s.opened().last_id == uuid{}));
    BOOST_TEST((s.outcomes({entry_of(1, insert_item(new_item())), entry_of(2, insert_item(new_item()), id),
                            barrier()})) == "ok*3");
  }
  lane_session again{site};
  BOOST_TEST(again.opened().last_seq == 2U);
  BOOST_TEST((again.opened().last_id == id));
}

BOOST_AUTO_TEST_CASE(entries_behind_a_refused_one_fail_on_the_gap_and_can_be_sent_again) {
  lane_session s{new_site()};
  const int a = new_item();
  const int b = new_item();
  const auto second = entry_of(2, insert_item(a));
  const auto third = entry_of(3, insert_item(b));
  BOOST_TEST((s.outcomes({entry_of(1, insert_item(a)), second, third})) == "ok 23505 CQ001");
  BOOST_TEST(name_of(b) == "");
  BOOST_TEST((s.outcomes({attempt(second), attempt(third), barrier()})) == "ok*3");
  BOOST_TEST(name_of(b) == "x");
}

BOOST_AUTO_TEST_CASE(entries_sent_together_are_applied_together_or_not_at_all) {
  const auto site = new_site();
  lane_session s{site};
  const std::vector<int> items{new_item(), new_item(), new_item(), new_item()};
  BOOST_TEST((s.outcomes_together(
                 {entry_of(1, insert_item(items[0])), entry_of(2, insert_item(items[1]))})) == "ok*2");
  const auto third = entry_of(3, insert_item(items[2]));
  const auto fourth = entry_of(4, insert_item(items[0]));
  const auto fifth = entry_of(5, insert_item(items[3]));
  BOOST_TEST((s.outcomes_together({third, fourth, fifth})) == "23505*3");
  BOOST_TEST(name_of(items[2]) == "");
  BOOST_TEST((s.outcomes({third, attempt(fourth), attempt(fifth), barrier()})) == "ok*4");
  BOOST_TEST(name_of(items[2]) + name_of(items[3]) == "xx");
  BOOST_TEST(ask("SELECT array_agg(seq ORDER BY seq) FROM chasqui.applied WHERE site = '" + site + "'") ==
             "{1,2,3,5}");
}

BOOST_AUTO_TEST_CASE(a_transaction_is_shared_by_so_many_entries_and_no_more) {
  const auto site = new_site();
  lane_session s{site};
  std::vector<segment> many;
  for (seqno seq = 1; seq <= 200; ++seq)
    many.push_back(entry_of(seq, insert_item(new_item())));
  BOOST_TEST((s.outcomes_together(many)) == "ok*200");
  // Whose rows have the same xmin came in one transaction.
  BOOST_TEST(ask("SELECT max(n) FROM (SELECT count(*) AS n FROM chasqui.applied WHERE site = '" + site +
                 "' GROUP BY xmin::text) AS t") == "64");
}

BOOST_AUTO_TEST_CASE(an_entry_that_fails_in_its_last_step_leaves_nothing) {
  lane_session s{new_site()};
  const int a = new_item();
  BOOST_TEST((s.outcomes({entry_of(1, insert_item(a) + "," + insert_item(a))})) == "23505");
  BOOST_TEST(name_of(a) == "");
  BOOST_TEST((s.outcomes({entry_of(1, insert_item(a))})) == "ok");
}

BOOST_AUTO_TEST_CASE(an_id_that_is_applied_already_is_refused_and_can_be_skipped) {
  lane_session s{new_site()};
  const auto id = new_id();
  const int a = new_item();
  BOOST_TEST((s.outcomes({entry_of(1, insert_item(new_item()), id), entry_of(2, insert_item(a), id)})) ==
             "ok CQ003");
  BOOST_TEST((s.outcomes({attempt(entry_of(2, insert_item(a), id)), entry_of(3, insert_item(a))})) == "ok*2");
  BOOST_TEST((s.answers()[2].outcome == entry_outcome::skipped));
}

BOOST_AUTO_TEST_CASE(an_older_epoch_is_fenced_when_it_opens_and_while_it_is_open) {
  const auto site = new_site();
  lane_session s{site, 3};
  BOOST_TEST(!s.opened().problem);
  lane_session older{site, 2};
  BOOST_TEST((older.opened().problem.code == fault_code::fenced));
  // The newer session is not disturbed by the older one.
  BOOST_TEST((s.outcomes({segment{}})) == "ok");
  ask("SELECT chasqui.begin_epoch('" + site + "', 'main', 4)");
  BOOST_TEST((s.outcomes({entry_of(1, insert_item(new_item())), barrier()})) == "CQ002*2");
}

BOOST_AUTO_TEST_CASE(a_new_session_ends_the_one_before_it_even_if_that_holds_the_cursor) {
  const auto site = new_site();
  lane_session first{site};
  BOOST_TEST(!first.opened().problem);
  database stale{cologne().primary_dsn() + " application_name='chasqui " + site + "/main'"};
  stale.rows("BEGIN");
  stale.rows("SELECT chasqui.advance('" + site + "', 'main', 1, 1, ARRAY[gen_random_uuid()])");
  lane_session second{site};
  BOOST_TEST(second.opened().problem.message == "");
  BOOST_TEST(second.opened().last_seq == 0U);
  const auto why = first.lost();
  BOOST_TEST_REQUIRE(why.has_value());
  BOOST_TEST((why->code == fault_code::link_lost));
  BOOST_TEST(why->message.find("administrator command") != std::string::npos, why->message);
  BOOST_TEST((second.outcomes({entry_of(1, insert_item(new_item()))})) == "ok");
}

BOOST_AUTO_TEST_CASE(a_payload_that_cannot_be_decoded_keeps_its_place) {
  lane_session s{new_site()};
  auto broken = entry_of(2, "");
  broken.what.payload = std::string("{\"steps\": \xFF\0 nonsense", 21);
  auto nameless = entry_of(2, R"({"op":"insert","table":"a.b.c","rows":[{"id":1}]})");
  BOOST_TEST((s.outcomes({broken, entry_of(1, insert_item(new_item())), broken, nameless,
                          entry_of(3, insert_item(new_item()))})) == "CQ001 ok 22023*2 CQ001");
  const auto refused = s.answers()[2];
  BOOST_TEST(refused.message.starts_with("the payload cannot be carried out"), refused.message);
  // Its dead letter holds what can be held.
  BOOST_TEST((s.outcomes({attempt(entry_of(4, "nonsense")), attempt(broken), attempt(entry_of(3, "nonsense")),
                          attempt(entry_of(4, insert_item(new_item())))})) == "CQ001 ok*3");
  const auto rejected = s.answers()[6];
  BOOST_TEST((rejected.outcome == entry_outcome::rejected));
  BOOST_TEST(rejected.reject_sqlstate == "22023");
  BOOST_TEST(rejected.reject_message == refused.message);
}

BOOST_AUTO_TEST_CASE(attempts_pass_bad_entries_by_without_failing_those_behind_them) {
  const auto site = new_site();
  lane_session s{site};
  const int a = new_item();
  const int b = new_item();
  const int c = new_item();
  const int d = new_item();
  const int e = new_item();
  const auto item = [](int id) { return R"(,"table":"item","where":{"id":)" + std::to_string(id) + "}"; };
  BOOST_TEST(
      (s.outcomes({attempt(entry_of(1, insert_item(a, "it's \\u20ac \\\" \\\\") + "," + insert_item(c))),
                   attempt(entry_of(2, insert_item(b) + "," + insert_item(a))),
                   attempt(entry_of(3, R"({"op":"update","set":{"note":"n"})" + item(c) + "}" + "," +
                                           R"({"op":"update","set":{"note":null})" + item(d) +
                                           R"(,"expect_rows":0})")),
                   attempt(entry_of(4, R"({"op":"delete")" + item(d) + "}")),
                   attempt(entry_of(5, insert_item(e))),
                   attempt(entry_of(6, R"({"op":"delete")" + item(e) + "}")),
                   attempt(entry_of(7, R"({"op":"delete")" + item(b) + "}")), entry_of(8, insert_item(e)),
                   barrier()})) == "ok*7 CQ006 ok");
  std::string became;
  for (const auto& answer : s.answers())
    became += answer.outcome == entry_outcome::applied ? "applied " : answer.reject_sqlstate + " ";
  BOOST_TEST(became == "applied 23505 applied CQ004 applied applied CQ008 applied applied ");
  BOOST_TEST((s.answers()[6].outcome == entry_outcome::parked));
  BOOST_TEST(s.answers()[6].behind.size() == 1U);
  BOOST_TEST(s.answers()[6].letters == 3U);
  BOOST_TEST(s.answers()[1].reject_message.find("already exists") != std::string::npos);
  BOOST_TEST(name_of(a) == "it's \u20ac \" \\");
  BOOST_TEST(ask("SELECT note FROM item WHERE id = " + std::to_string(c)) == "n");
  BOOST_TEST(name_of(b) == "");
  BOOST_TEST(ask("SELECT array_agg(seq ORDER BY seq) FROM chasqui.dead_letter WHERE site = '" + site + "'") ==
             "{2,4,7}");
}

BOOST_AUTO_TEST_CASE(dead_letters_are_told_when_a_session_opens) {
  const auto site = new_site();
  const auto dead = attempt(entry_of(2, nonsense()));
  {
    lane_session s{site};
    BOOST_TEST((s.outcomes({attempt(entry_of(1, nonsense())), dead, attempt(entry_of(3, nonsense())),
                            barrier()})) == "ok*4");
  }
  lane_session again{site, 1, across_the_link(), 1};
  const auto opened = again.opened();
  BOOST_TEST(opened.last_seq == 3U);
  BOOST_TEST_REQUIRE(opened.dead.size() == 2U);
  const auto& first = opened.dead.front();
  BOOST_TEST(first.lane == "main");
  BOOST_TEST(first.seq == 2U);
  BOOST_TEST((first.id == dead.what.id));
  BOOST_TEST(first.sqlstate == "42P01");
  BOOST_TEST(first.message == "relation \"nowhere\" does not exist");
  BOOST_TEST((std::chrono::system_clock::now() - first.at < 60s));
  BOOST_TEST(ask("SELECT payload FROM chasqui.dead_letter WHERE seq = 2 AND site = '" + site + "'") ==
             dead.what.payload);
}

BOOST_AUTO_TEST_CASE(a_cursor_jumps_and_the_primary_says_which_suspects_never_came) {
  const auto site = new_site();
  const auto came = new_id();
  const auto buried = attempt(entry_of(2, nonsense()));
  const std::vector<uuid> never{new_id(), new_id()};
  {
    lane_session s{site};
    BOOST_TEST((s.outcomes({entry_of(1, insert_item(new_item()), came), buried, realign(1, 9, {}),
                            realign(2, 9, {never[0], came, buried.what.id, never[1]}),
                            realign(9, 11, {})})) == "ok*2 CQ001 ok*2");
    auto told = s.answers()[3].missing;
    std::sort(told.begin(), told.end());
    BOOST_TEST((told == never));
    BOOST_TEST(s.answers()[4].missing.empty());
  }
  lane_session again{site};
  BOOST_TEST(again.opened().last_seq == 11U);
  BOOST_TEST(again.opened().last_id.is_nil());
}

BOOST_AUTO_TEST_CASE(a_page_of_suspects_is_no_burden) {
  lane_session s{new_site()};
  std::vector<uuid> suspects(5000);
  std::generate(suspects.begin(), suspects.end(), new_id);
  BOOST_TEST((s.outcomes({realign(0, 9, suspects)})) == "ok");
  BOOST_TEST(s.answers().back().missing.size() == 5000U);
}

BOOST_AUTO_TEST_CASE(a_barrier_covers_every_commit_before_it) {
  lane_session s{new_site()};
  BOOST_TEST((s.outcomes({entry_of(1, insert_item(new_item()))})) == "ok");
  const auto written = parse_lsn(ask("SELECT pg_current_wal_insert_lsn()"));
  BOOST_TEST((s.outcomes({barrier()})) == "ok");
  const auto answer = s.answers().back();
  BOOST_TEST_REQUIRE(written.has_value());
  BOOST_TEST((answer.flushed >= *written));
  BOOST_TEST(answer.timeline == 1U);
}

BOOST_AUTO_TEST_CASE(what_a_barrier_covers_and_a_jump_survive_a_crash_and_the_session_is_lost) {
  ask("ALTER SYSTEM SET wal_writer_delay = '10s'");
  ask("SELECT pg_reload_conf()");
  const auto site = new_site();
  {
    lane_session s{site};
    std::vector<segment> segments;
    for (seqno seq = 1; seq <= 100; ++seq) {
      segments.push_back(entry_of(seq, insert_item(new_item())));
    }
    segments.push_back(barrier());
    const auto outcomes = s.outcomes(std::move(segments));
    BOOST_TEST(outcomes == "ok*101");
    BOOST_TEST((s.outcomes({realign(100, 120, {})})) == "ok");
    cologne().kill("primary");
    const auto why = s.lost();
    BOOST_TEST_REQUIRE(why.has_value());
    BOOST_TEST((why->code == fault_code::link_lost));
  }
  cologne().start("primary");
  lane_session again{site};
  BOOST_TEST(again.opened().last_seq == 120U);
}
