#include <boost/test/unit_test.hpp>

#include "tests/support/observatory.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <csignal>

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

fault refused(const std::variant<receipt, refusal>& answer) {
  BOOST_REQUIRE(std::holds_alternative<refusal>(answer));
  return std::get<refusal>(answer).why;
}

} // namespace

BOOST_AUTO_TEST_CASE(with_nothing_there_it_starts_says_so_and_recovers_when_they_come) {
  observatory site{{"--rtt", "20"}, {"journal.path="}};
  for (const auto* part : {"redis", "primary", "replica"})
    site.box().kill(part);
  site.start();
  BOOST_REQUIRE(site.wait_for([](const auto& s) {
    return s.log.store.state.starts_with("unavailable: ") && s.replica.state.starts_with("unreachable: ") &&
           s.link.phase != link_phase::streaming;
  }));
  const auto problem = refused(site.submit(probe_insert(random_id(), 0, 0)));
  BOOST_TEST((problem.code == fault_code::store_unavailable));
  for (const auto* part : {"redis", "primary", "replica"})
    site.box().start(part);
  site.keep(probe_insert(random_id(), 0, 0));
  BOOST_TEST(site.wait_for([](const auto& s) { return s.log.lanes[0].released == 1; }), site.daemon_log());
}

BOOST_AUTO_TEST_CASE(a_redis_that_hangs_does_not_hang_a_submit) {
  // Longer than the test needs to freeze it: what was not sent to Redis has another answer.
  observatory site{{"--rtt", "20"}, {"journal.path=", "redis.timeout_ms=20000"}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  site.box().stop("redis");
  const auto id = random_id();
  // The daemon's own answer, not the client's timeout.
  const auto problem = refused(site.submit(probe_insert(id, 0, 0)));
  BOOST_TEST((problem.code == fault_code::outcome_unknown));
  const auto next = refused(site.submit(probe_insert(random_id(), 0, 1)));
  BOOST_TEST((next.code == fault_code::store_unavailable));
  site.box().cont("redis");
  site.keep(probe_insert(id, 0, 0));
  BOOST_TEST(site.wait_until_replicated());
  BOOST_TEST(sql(site.box().direct_dsn(), "SELECT count(*) FROM probe") == "1");
}

BOOST_AUTO_TEST_CASE(a_redis_that_is_full_refuses_and_heals) {
  observatory site{{"--rtt", "20"}, {"journal.path="}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  const auto redis = [&](const std::string& what) {
    const auto command = "redis-cli -s " + site.box().redis_socket() + " " + what + " >/dev/null";
    BOOST_REQUIRE(std::system(command.c_str()) == 0); // NOLINT(concurrency-mt-unsafe): one thread.
  };
  redis("config set maxmemory 1");
  const auto too_much = probe_insert(random_id(), 0, 0);
  BOOST_TEST(wait_until([&] { // Whose answer may be late, and is unknown then.
    const auto code = refused(site.submit(too_much)).code;
    BOOST_TEST((code == fault_code::store_full || code == fault_code::outcome_unknown ||
                code == fault_code::store_unavailable));
    return code == fault_code::store_full;
  }));
  redis("config set maxmemory 0");
  site.keep(probe_insert(random_id(), 0, 1));
  BOOST_TEST(site.wait_until_replicated());
}

BOOST_AUTO_TEST_CASE(a_poison_transaction_becomes_a_dead_letter_and_the_next_ones_go_on) {
  observatory site{{"--rtt", "20"}, {"journal.path="}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  const auto poison = random_id();
  const auto nowhere = random_id();
  for (int i = 0; i < 30; ++i) {
    auto json = probe_insert(random_id(), 0, i);
    if (i == 10)
      json = probe_insert(poison, 0, -1); // Violates the check constraint.
    if (i == 20)
      json = R"({"id":")" + nowhere + R"(","steps":[{"op":"delete","table":"nowhere","where":{"id":1}}]})";
    site.keep(json);
  }
  BOOST_REQUIRE(site.wait_for([](const auto& s) { return s.log.dead_letters == 2; }));
  BOOST_REQUIRE(site.wait_until_replicated());
  const auto dead = site.ask<dead_letters>(list_dead{});
  BOOST_REQUIRE(std::holds_alternative<dead_letters>(dead));
  const auto& letters = std::get<dead_letters>(dead).letters;
  BOOST_REQUIRE(letters.size() == 2U);
  BOOST_TEST(to_string(letters[0].why.id) == poison);
  BOOST_TEST(letters[0].why.sqlstate == "23514");
  BOOST_TEST(letters[0].payload.find(poison) != std::string::npos);
  BOOST_TEST(to_string(letters[1].why.id) == nowhere);
  BOOST_TEST(letters[1].why.sqlstate == "42P01");
  BOOST_TEST(sql(site.box().direct_dsn(), "SELECT count(*) FROM probe") == "28");
  BOOST_TEST(sql(site.box().direct_dsn(),
                 "SELECT string_agg(sqlstate, ' ' ORDER BY seq) FROM chasqui.dead_letter") == "23514 42P01");
  const auto told = site.ask<life>(find{letters[0].why.id});
  BOOST_REQUIRE(std::holds_alternative<life>(told));
  BOOST_TEST((std::get<life>(told).stage == stage::rejected));
}

BOOST_AUTO_TEST_CASE(bad_transactions_are_refused_one_by_one_with_the_field) {
  observatory site{{"--rtt", "20"}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  const auto malformed = refused(site.submit("{"));
  BOOST_TEST((malformed.code == fault_code::malformed));
  const auto unknown = refused(site.submit(R"({"steps":[{"op":"delete","tabel":"x","where":{"id":1}}]})"));
  BOOST_TEST((unknown.code == fault_code::unknown_field));
  BOOST_TEST(unknown.field == "steps[0].tabel");
  site.keep(probe_insert(random_id(), 0, 0));
}

BOOST_AUTO_TEST_CASE(strangers_at_the_door_disturb_no_session) {
  observatory site{{"--rtt", "20"}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  const auto sessions = site.sessions();
  for (int stranger = 0; stranger < 6; ++stranger) {
    boost::asio::io_context io;
    boost::asio::ip::tcp::socket socket{io};
    socket.connect({boost::asio::ip::address_v4::loopback(), site.door()});
    boost::asio::write(socket, boost::asio::buffer("GET / HTTP/1.0\r\n\r\n", 18));
    boost::system::error_code closed;
    char answer[512];
    while (!closed)
      socket.read_some(boost::asio::buffer(answer), closed);
    site.keep(probe_insert(random_id(), 0, stranger));
  }
  BOOST_TEST(site.sessions() == sessions);
}

BOOST_AUTO_TEST_CASE(the_same_id_again_gets_the_first_receipt) {
  observatory site{{"--rtt", "20"}, {"journal.path="}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  const auto json = probe_insert(random_id(), 0, 0);
  const auto first = site.keep(json);
  site.kill();
  site.start();
  BOOST_TEST((site.keep(json) == first));
  BOOST_TEST(site.wait_until_replicated());
  BOOST_TEST(sql(site.box().direct_dsn(), "SELECT count(*) FROM probe") == "1");
}

BOOST_AUTO_TEST_CASE(sigterm_stops_cleanly_and_the_next_start_goes_on) {
  observatory site{{"--rtt", "20"}};
  site.start();
  BOOST_REQUIRE(site.wait_until_ready());
  load work{site, 2};
  BOOST_REQUIRE(work.wait_for(50));
  site.daemon().signal(SIGTERM);
  BOOST_TEST((site.daemon().wait(in(long_enough)) == 0));
  site.start();
  BOOST_REQUIRE(work.wait_for(50));
  work.stop();
  BOOST_TEST(site.wait_until_replicated());
  BOOST_TEST(account(site, site.box().direct_dsn(), work.receipts()) == "");
}
