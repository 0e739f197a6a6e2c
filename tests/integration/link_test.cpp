#include <boost/test/unit_test.hpp>

#include "tests/integration/link_fixture.hpp"

namespace chasqui::test {

/// Bytes that show it if any is lost, doubled or out of place.
std::string pattern(std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; text.size() < bytes; ++i)
    text += std::to_string(i) + ",";
  text.resize(bytes);
  return text;
}

std::string round_trip(stream& s, const std::string& bytes) {
  s.send(bytes);
  return s.receive(bytes.size());
}

BOOST_AUTO_TEST_CASE(a_round_trip_takes_at_least_twice_the_latency) {
  server far;
  const link l{far.port(), "latency_ms=60"};
  auto s = l.connect();
  for (int i = 0; i < 3; ++i) {
    const auto begin = steady_clock::now();
    BOOST_TEST(round_trip(s, "ping") == "ping");
    BOOST_TEST(duration_cast<milliseconds>(steady_clock::now() - begin).count() >= 120);
  }
}

BOOST_AUTO_TEST_CASE(a_first_answer_waits_for_the_handshake_too) {
  server far;
  const link l{far.port(), "latency_ms=40"};
  const auto begin = steady_clock::now();
  auto s = l.connect();
  BOOST_TEST(round_trip(s, "hello") == "hello");
  BOOST_TEST(duration_cast<milliseconds>(steady_clock::now() - begin).count() >= 160);
}

BOOST_AUTO_TEST_CASE(many_segments_are_in_flight_at_once) {
  server far;
  const link l{far.port()};
  auto s = l.connect();
  BOOST_TEST(round_trip(s, "hello") == "hello");
  l.tell("latency_ms=6000");
  const auto bytes = pattern(3000);
  for (const char c : bytes)
    s.send(std::string{c});
  BOOST_TEST(eventually([&] { return l.says(R"("held_bytes":{"up":3000,)"); }));
  BOOST_TEST(far.received() == "hello");
  BOOST_TEST(s.receive(bytes.size()) == bytes);
}

BOOST_AUTO_TEST_CASE(jitter_and_loss_delay_but_neither_lose_nor_reorder) {
  server far;
  const link l{far.port(), "latency_ms=2"};
  auto s = l.connect();
  BOOST_TEST(round_trip(s, "hello") == "hello");
  l.tell("jitter_ms=20 loss=0.1");
  const auto bytes = pattern(200);
  for (const char c : bytes)
    s.send(std::string{c});
  l.tell("loss=0");
  BOOST_TEST(s.receive(bytes.size()) == bytes);
}

BOOST_AUTO_TEST_CASE(a_rate_limit_holds_for_all_connections_together) {
  server far;
  const link l{far.port(), "rate_kbps=4000"};
  auto a = l.connect();
  auto b = l.connect();
  const auto bytes = pattern(100'000);
  const auto begin = steady_clock::now();
  a.send(bytes);
  b.send(bytes);
  BOOST_TEST(a.receive(bytes.size()) == bytes);
  BOOST_TEST(b.receive(bytes.size()) == bytes);
  // 200 kB at 500 kB/s, less the burst that is let through.
  BOOST_TEST(duration_cast<milliseconds>(steady_clock::now() - begin).count() >= 350);
}

BOOST_AUTO_TEST_CASE(megabytes_pass_unchanged) {
  server far{server::behaviour::silent};
  const link l{far.port(), "latency_ms=5"};
  auto s = l.connect();
  const auto bytes = pattern(20'000'000);
  BOOST_TEST(s.send(bytes));
  s.finish_sending();
  BOOST_TEST(eventually([&] { return far.finished() == 1; }));
  BOOST_TEST((far.received() == bytes));
}

BOOST_AUTO_TEST_CASE(a_cut_lets_exactly_n_bytes_pass) {
  for (const std::size_t n : {1, 1000, 100'000, 1'234'567}) {
    server far{server::behaviour::silent};
    const link l{far.port(), "latency_ms=1"};
    auto s = l.connect();
    l.tell("cut_direction=up cut_after_bytes=" + std::to_string(n));
    const auto bytes = pattern(n + 300'000);
    s.send(bytes);
    BOOST_TEST(s.ending() == ECONNRESET);
    BOOST_TEST(eventually([&] { return far.finished() == 1; }));
    BOOST_TEST((far.received() == bytes.substr(0, n)));
  }
}

BOOST_AUTO_TEST_CASE(a_cut_counts_both_directions_unless_told_otherwise) {
  server far;
  const link l{far.port(), "cut_after_bytes=15"};
  auto s = l.connect();
  BOOST_TEST(round_trip(s, "12345") == "12345");
  s.send("67890");
  BOOST_TEST(s.ending() == ECONNRESET);
  BOOST_TEST(eventually([&] { return far.finished() == 1; }));
  BOOST_TEST(far.received() == "1234567890");
  BOOST_TEST(l.says(R"("bytes":{"up":10,"down":5})"));
}

BOOST_AUTO_TEST_CASE(a_cut_downwards_loses_the_answer_but_not_the_question) {
  server far;
  const link l{far.port(), "cut_direction=down cut_after_bytes=3"};
  auto s = l.connect();
  s.send("question");
  BOOST_TEST(s.receive(8) == "que");
  BOOST_TEST(far.received() == "question");
}

BOOST_AUTO_TEST_CASE(after_a_cut_connections_are_reset_until_the_link_is_opened) {
  server far;
  const link l{far.port(), "cut_after_bytes=2"};
  auto s = l.connect();
  s.send("ping");
  BOOST_TEST(s.ending() == ECONNRESET);
  BOOST_TEST(l.says(R"("mode":"reset")"));
  BOOST_TEST(l.connect().ending() == ECONNRESET);
  l.tell("mode=open");
  auto again = l.connect();
  BOOST_TEST(round_trip(again, "ping") == "ping");
}

BOOST_AUTO_TEST_CASE(a_black_hole_holds_and_heals_with_no_byte_lost) {
  server far;
  const link l{far.port(), "latency_ms=10"};
  auto s = l.connect();
  BOOST_TEST(round_trip(s, "before") == "before");

  l.tell("mode=blackhole");
  const auto bytes = pattern(100'000);
  s.send(bytes);
  auto late = l.connect();
  late.send("late");
  BOOST_TEST(stays([&] { return far.received() == "before" && far.accepted() == 1; }));
  BOOST_TEST(!s.readable(milliseconds{0}));

  l.tell("mode=open");
  BOOST_TEST((s.receive(bytes.size()) == bytes));
  BOOST_TEST(late.receive(4) == "late");
}

BOOST_AUTO_TEST_CASE(a_black_hole_holds_what_was_in_flight) {
  server far{server::behaviour::silent};
  const link l{far.port()};
  auto s = l.connect();
  s.send("before");
  BOOST_TEST(eventually([&] { return far.received() == "before"; }));
  l.tell("latency_ms=5000");
  s.send(" after");
  BOOST_TEST(eventually([&] { return l.says(R"("held_bytes":{"up":6,)"); }));
  l.tell("mode=blackhole latency_ms=0");
  BOOST_TEST(!eventually([&] { return far.received() != "before"; }, milliseconds{6000})); // Due by now.
  l.tell("mode=open");
  BOOST_TEST(eventually([&] { return far.received() == "before after"; }));
}

BOOST_AUTO_TEST_CASE(a_black_hole_tells_neither_side_that_the_other_is_gone) {
  server far;
  const link l{far.port()};
  auto s = l.connect();
  BOOST_TEST(round_trip(s, "ping") == "ping");
  l.tell("mode=blackhole");
  s = stream{};
  BOOST_TEST(stays([&] { return far.finished() == 0; }));
  l.tell("mode=open");
  BOOST_TEST(eventually([&] { return far.finished() == 1; }));
}

BOOST_AUTO_TEST_CASE(who_gave_up_in_a_black_hole_never_arrives) {
  server far;
  const link l{far.port(), "mode=blackhole"};
  { auto gone = l.connect(); }
  auto patient = l.connect();
  l.tell("mode=open");
  BOOST_TEST(round_trip(patient, "ping") == "ping");
  BOOST_TEST(far.accepted() == 1U);
}

BOOST_AUTO_TEST_CASE(one_way_loss_lets_answers_through_but_no_questions) {
  server far{server::behaviour::silent};
  const link l{far.port()};
  auto s = l.connect();
  s.send("before");
  BOOST_TEST(eventually([&] { return far.received() == "before"; }));
  l.tell("mode=oneway");
  s.send(" after");
  far.send_to_all("news");
  BOOST_TEST(s.receive(4) == "news");
  BOOST_TEST(stays([&] { return far.received() == "before"; }));
  l.tell("mode=open");
  BOOST_TEST(eventually([&] { return far.received() == "before after"; }));
}

BOOST_AUTO_TEST_CASE(a_reset_ends_old_and_new_connections) {
  server far;
  const link l{far.port()};
  auto s = l.connect();
  BOOST_TEST(round_trip(s, "ping") == "ping");
  l.tell("mode=reset");
  BOOST_TEST(s.ending() == ECONNRESET);
  BOOST_TEST(eventually([&] { return far.finished() == 1; }));
  BOOST_TEST(l.connect().ending() == ECONNRESET);
  BOOST_TEST(far.accepted() == 1U);
}

BOOST_AUTO_TEST_CASE(an_unreachable_target_resets_the_client) {
  const closed_port nobody;
  const link l{nobody.number()};
  BOOST_TEST(l.connect().ending() == ECONNRESET);
}

BOOST_AUTO_TEST_CASE(a_client_that_has_said_all_still_hears_the_answer) {
  server far;
  const link l{far.port(), "latency_ms=5"};
  auto s = l.connect();
  s.send("last words");
  s.finish_sending();
  BOOST_TEST(s.receive(10) == "last words");
  BOOST_TEST(eventually([&] { return far.finished() == 1; }));
}

BOOST_AUTO_TEST_CASE(a_new_target_takes_over_from_the_old_one) {
  server old_primary;
  server new_primary;
  const link l{old_primary.port()};
  auto s = l.connect();
  BOOST_TEST(round_trip(s, "old") == "old");
  l.tell("target=127.0.0.1:" + std::to_string(new_primary.port()));
  BOOST_TEST(s.ending() == ECONNRESET);
  auto again = l.connect();
  BOOST_TEST(round_trip(again, "new") == "new");
  BOOST_TEST(new_primary.received() == "new");
}

BOOST_AUTO_TEST_CASE(a_bad_setting_changes_nothing_and_says_what_is_allowed) {
  const server far;
  const link l{far.port()};
  const auto before = l.tell("");
  for (const std::string line : {"latency_ms=1 loss=2", "latency_ms=-1", "latncy_ms=1", "mode=closed", "open",
                                 "cut_after_bytes=many", "target=nowhere", "loss=nan", "rate_kbps=1.5"}) {
    const auto answer = l.tell(line);
    BOOST_TEST(answer.find(R"({"error":)") == 0U, line << " gave " << answer);
    BOOST_TEST(answer.find("allowed: mode=open|blackhole|oneway|reset") != std::string::npos);
  }
  BOOST_TEST(l.tell("") == before);
}

} // namespace chasqui::test
