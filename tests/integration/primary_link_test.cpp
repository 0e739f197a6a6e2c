#include "tests/integration/primary_fixture.hpp"

#include <future>

using namespace chasqui;
using namespace chasqui::test;

BOOST_TEST_GLOBAL_FIXTURE(shared_sandbox);

BOOST_AUTO_TEST_CASE(ten_thousand_segments_in_flight_over_300_ms_are_all_answered) {
  cologne().link({"latency_ms=150"});
  lane_session s{new_site()};
  std::vector<segment> segments;
  for (seqno seq = 1; seq <= 10'000; ++seq) {
    segments.push_back(entry_of(seq, insert_item(new_item())));
  }
  segments.push_back(barrier());
  const auto outcomes = s.outcomes(std::move(segments));
  BOOST_TEST(outcomes == "ok*10001");
  cologne().link({"latency_ms=0"});
}

BOOST_AUTO_TEST_CASE(answers_larger_than_all_buffers_do_not_stop_the_sending) {
  lane_session s{new_site()};
  const std::string long_text(20'000, 'x');
  std::vector<segment> segments;
  segments.reserve(2000);
  for (int i = 0; i < 2000; ++i) {
    segments.push_back(
        entry_of(1, R"({"op":"insert","table":"item","rows":[{"id":")" + long_text + R"("}]})"));
  }
  const auto outcomes = s.outcomes(std::move(segments));
  BOOST_TEST(outcomes == "22P02*2000");
  BOOST_TEST(s.answers().back().message.size() > long_text.size());
}

BOOST_AUTO_TEST_CASE(an_absent_primary_is_told_by_opened_alone) {
  lane_session s{new_site(), 1, {"host=127.0.0.1 port=1 dbname=ops", 5s}};
  const auto problem = s.opened().problem;
  BOOST_TEST((problem.code == fault_code::link_lost));
  BOOST_TEST(problem.message.find("refused") != std::string::npos, problem.message);
  s.destroy();
  BOOST_TEST(!s.lost(0s).has_value());
}

BOOST_AUTO_TEST_CASE(a_host_is_looked_up_by_name) {
  auto dsn = cologne().primary_dsn();
  dsn.replace(dsn.find("127.0.0.1"), 9, "localhost");
  lane_session s{new_site(), 1, {dsn, 10s}};
  BOOST_TEST(s.opened().problem.message == "");
  lane_session nowhere{new_site(), 1, {"host=nowhere.invalid", 10s}};
  BOOST_TEST((nowhere.opened().problem.code == fault_code::link_lost));
  lane_session nonsense{new_site(), 1, {"hots=typo", 10s}};
  BOOST_TEST((nonsense.opened().problem.code == fault_code::link_lost));
}

BOOST_AUTO_TEST_CASE(a_black_hole_ends_the_opening_within_its_timeout) {
  cologne().cut();
  const auto before = std::chrono::steady_clock::now();
  lane_session s{new_site(), 1, across_the_link(300ms)};
  const auto problem = s.opened().problem;
  const auto took = std::chrono::steady_clock::now() - before;
  cologne().heal();
  BOOST_TEST((problem.code == fault_code::link_lost));
  BOOST_TEST(problem.message.find("within 300 ms") != std::string::npos, problem.message);
  BOOST_TEST((took >= 300ms));
}

BOOST_AUTO_TEST_CASE(a_primary_without_the_schema_or_of_another_version_has_diverged) {
  lane_session bare{new_site(), 1, {cologne().direct_dsn() + " dbname=postgres", 10s}};
  const auto missing = bare.opened().problem;
  BOOST_TEST((missing.code == fault_code::diverged), missing.message);
  BOOST_TEST(missing.message.find("--print-primary-sql") != std::string::npos);
  ask("INSERT INTO chasqui.schema_version (version) VALUES (99)");
  const auto site = new_site();
  lane_session other{site};
  const auto newer = other.opened().problem;
  ask("DELETE FROM chasqui.schema_version WHERE version = 99");
  BOOST_TEST((newer.code == fault_code::diverged));
  BOOST_TEST(newer.message.find("version 99") != std::string::npos, newer.message);
  BOOST_TEST(ask("SELECT count(*) FROM chasqui.cursor WHERE site = '" + site + "'") == "0");
}

BOOST_AUTO_TEST_CASE(a_session_destroyed_in_mid_flight_says_nothing_more) {
  cologne().link({"latency_ms=5"});
  for (std::size_t round = 0; round < 20; ++round) {
    lane_session s{new_site()};
    std::vector<segment> segments;
    for (seqno seq = 1; seq <= 1000; ++seq) {
      segments.push_back(entry_of(seq, insert_item(new_item())));
    }
    s.send(std::move(segments));
    BOOST_TEST_REQUIRE(s.notes().wait([&] { return round == 0 || s.notes().answers.size() >= 10 * round; }));
    s.destroy();
    s.notes().wait([&] { return s.notes().calls_too_late > 0; }, 0s);
    BOOST_TEST(s.notes().calls_too_late == 0);
  }
  cologne().link({"latency_ms=0"});
}

BOOST_AUTO_TEST_CASE(destroying_a_session_waits_for_a_call_that_is_under_way) {
  io_thread io;
  const auto primary = make_primary(io, new_site(), across_the_link());
  std::promise<void> called;
  std::atomic<bool> destroyed = false;
  std::atomic<bool> returned = false;
  primary_listener l;
  l.opened = [&](const primary_opened&) {
    called.set_value();
    wait_until([&] { return destroyed.load(); }, in(200ms));
    returned = true;
  };
  auto session = primary->open({"main", 1, 0, {}}, l);
  called.get_future().wait();
  session.reset();
  destroyed = true;
  BOOST_TEST(returned);
}

BOOST_AUTO_TEST_CASE(a_listener_may_destroy_its_session) {
  io_thread io;
  const auto primary = make_primary(io, new_site(), across_the_link());
  heard notes;
  std::unique_ptr<primary_session> session;
  std::promise<void> assigned;
  primary_listener l;
  l.opened = [&](const primary_opened&) {
    assigned.get_future().wait();
    session->send({segment{}, segment{}, segment{}});
  };
  l.answered = [&](const std::vector<segment_answer>& a) {
    session.reset();
    notes.note([&] { notes.answers = a; });
  };
  session = primary->open({"main", 1, 0, {}}, l);
  assigned.set_value();
  BOOST_TEST(notes.wait([&] { return !notes.answers.empty(); }));
}

BOOST_AUTO_TEST_CASE(a_ping_tells_whether_anybody_is_there) {
  io_thread io;
  const auto ping = [&](const std::string& dsn) {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<fault> answer;
    const auto primary = make_primary(io, "x", {dsn, 1s});
    primary->ping([&](fault f) {
      const std::lock_guard lock{mutex};
      answer = std::move(f);
      changed.notify_all();
    });
    std::unique_lock lock{mutex};
    BOOST_TEST_REQUIRE(changed.wait_for(lock, long_enough, [&] { return answer.has_value(); }));
    return *answer;
  };
  BOOST_TEST(wait_until([&] { return !ping(cologne().primary_dsn()); })); // It gives 2 s, whoever is slow.
  BOOST_TEST((ping("host=127.0.0.1 port=1").code == fault_code::link_lost));
  BOOST_TEST((ping("host=/nowhere").code == fault_code::link_lost));
  BOOST_TEST((ping("hots=typo").code == fault_code::link_lost));
  cologne().cut();
  const auto in_the_hole = ping(cologne().primary_dsn());
  cologne().heal();
  BOOST_TEST((in_the_hole.code == fault_code::link_lost));
  BOOST_TEST(in_the_hole.message.find("2000 ms") != std::string::npos, in_the_hole.message);
}
