#include "tests/unit/thin_link.hpp"

#include <boost/test/unit_test.hpp>

// A wide window over a slow link does no harm, and a flooded lane does not delay the first.

namespace chasqui {

namespace {

double seconds(thin_link::duration d) { return std::chrono::duration<double>(d).count(); }

constexpr std::uint64_t day = 100'000'000; // Entries: more than any test sends.

} // namespace

BOOST_AUTO_TEST_CASE(a_drain_over_a_thin_link_uses_all_of_it_and_queues_no_longer_than_it_may) {
  thin_link link{1000, 500ms};
  auto& main = link.add("main");
  link.submit(main, 20'000);
  link.run(30s); // The first window knows nothing of the link.
  double longest = 0;
  const auto begin = link.now();
  const auto before = main.committed;
  const bool drained = link.run(200s, [&] {
    longest = std::max(longest, seconds(link.queue()));
    return main.dead || main.committed == 20'000;
  });
  BOOST_TEST(drained);
  BOOST_TEST(!main.dead, main.why.message);
  BOOST_TEST(longest < 1.5);
  const auto rate = static_cast<double>((20'000 - before) * 650) / seconds(link.now() - begin);
  BOOST_TEST(rate > 0.9 * 125'000);
}

BOOST_AUTO_TEST_CASE(a_fast_link_is_filled_within_a_few_round_trips) {
  thin_link link{100'000, 150ms};
  auto& main = link.add("main");
  link.submit(main, day);
  link.run(1500ms);
  const auto before = link.carried_bytes();
  link.run(2s);
  BOOST_TEST(static_cast<double>(link.carried_bytes() - before) > 0.9 * 2 * 12'500'000);
}

BOOST_AUTO_TEST_CASE(an_entry_of_the_first_lane_waits_for_no_more_than_a_short_queue_of_a_flooded_one) {
  thin_link link{1000, 500ms};
  auto& main = link.add("main");
  auto& bulk = link.add("bulk");
  link.submit(bulk, day);
  for (seqno seq = 1; seq <= 20; ++seq) {
    link.run(7300ms);
    const auto before = bulk.committed;
    const auto begin = link.now();
    link.submit(main, 1);
    BOOST_TEST(link.run(60s, [&] { return main.committed == seq; }));
    BOOST_TEST(seconds(link.now() - begin) < 2.5); // Of which 1 is the round trip.
    BOOST_TEST((bulk.committed - before) * 650 < 2.5 * 125'000);
  }
  BOOST_TEST(!bulk.dead, bulk.why.message);
  // And bulk has had what main left.
  BOOST_TEST(static_cast<double>(bulk.committed * 650) >
             0.85 * 125'000 * seconds(link.now() - time_point{1h}));
}

BOOST_AUTO_TEST_CASE(a_backlog_of_the_first_lane_has_nearly_all_of_the_link_and_the_other_goes_on) {
  thin_link link{1000, 500ms};
  auto& main = link.add("main");
  auto& bulk = link.add("bulk");
  link.submit(bulk, day);
  link.run(30s);
  link.submit(main, day);
  link.run(10s);
  const auto main_before = main.committed;
  const auto bulk_before = bulk.committed;
  link.run(60s);
  const auto of_main = main.committed - main_before;
  const auto of_bulk = bulk.committed - bulk_before;
  BOOST_TEST(of_main > 4 * of_bulk);
  BOOST_TEST(of_bulk > 0U);
  BOOST_TEST(static_cast<double>((of_main + of_bulk) * 650) > 0.85 * 60 * 125'000);
  BOOST_TEST((!main.dead && !bulk.dead));
}

BOOST_AUTO_TEST_CASE(when_the_first_lane_is_through_the_other_has_the_link_at_once) {
  thin_link link{1000, 500ms};
  auto& main = link.add("main");
  auto& bulk = link.add("bulk");
  link.submit(bulk, day);
  link.run(30s);
  link.submit(main, 5000);
  BOOST_REQUIRE(link.run(120s, [&] { return main.committed == 5000; }));
  link.run(4s);
  const auto before = bulk.committed;
  link.run(20s);
  BOOST_TEST(static_cast<double>((bulk.committed - before) * 650) > 0.85 * 20 * 125'000);
}

BOOST_AUTO_TEST_CASE(after_an_hour_of_flood_the_queue_is_as_short_as_before) {
  thin_link link{1000, 500ms};
  auto& bulk = link.add("bulk");
  link.submit(bulk, day);
  bulk.bytes = 20'000;
  link.run(1h);
  double longest = 0;
  link.run(100s, [&] {
    longest = std::max(longest, seconds(link.queue()));
    return false;
  });
  BOOST_TEST(longest < 1.5);
}

BOOST_AUTO_TEST_CASE(a_way_that_becomes_longer_is_learned) {
  thin_link link{10'000, 50ms};
  auto& main = link.add("main");
  link.submit(main, day);
  link.run(30s);
  link.latency = 900ms;
  link.run(60s);
  const auto before = main.committed;
  link.run(20s);
  BOOST_TEST(static_cast<double>((main.committed - before) * 650) > 0.85 * 20 * 1'250'000);
}

BOOST_AUTO_TEST_CASE(a_large_entry_over_a_thin_link_is_no_stall_and_is_told_of) {
  thin_link link{1000, 500ms};
  auto& main = link.add("main");
  main.bytes = 4'000'000; // 32 s.
  link.submit(main, 2);
  BOOST_TEST(link.run(120s, [&] { return main.committed == 2; }));
  BOOST_TEST(!main.dead, main.why.message);
  BOOST_TEST(main.moves > 50);
}

BOOST_AUTO_TEST_CASE(a_link_that_carries_nothing_any_more_is_a_stall_in_spite_of_a_large_entry) {
  thin_link link{1000, 500ms};
  auto& main = link.add("main");
  main.bytes = 4'000'000;
  link.submit(main, 1);
  link.run(2s);
  link.black_hole = true;
  main.core.on_transmission({1000, 500'000, true},
                            link.now()); // The kernel has sent a little, and then no more.
  link.run(3s);
  main.core.on_transmission({2000, 500'000, true}, link.now());
  link.run(4900ms);
  BOOST_TEST(!main.dead);
  link.run(200ms);
  BOOST_TEST((main.why.code == fault_code::stalled));
}

BOOST_AUTO_TEST_CASE(what_a_relay_acknowledges_behind_the_oldest_entry_says_nothing_of_the_link) {
  thin_link link{1000, 500ms};
  auto& main = link.add("main");
  link.run(2s);
  link.black_hole = true;
  const auto begin = link.now();
  transmission so_far{1000, 1000, false};
  for (int second = 0; second < 20 && !main.dead; ++second) {
    link.submit(main, 20);
    link.run(1s);
    so_far.acknowledged_bytes += 14'000;
    so_far.given_bytes += 14'000;
    main.core.on_transmission(so_far, link.now());
  }
  BOOST_TEST((main.why.code == fault_code::stalled));
  BOOST_TEST((link.now() - begin <= 12s));
}

BOOST_AUTO_TEST_CASE(a_relay_has_the_time_to_carry_all_that_is_answered_with_the_oldest_entry) {
  thin_link link{1000, 100ms};
  forwarder_limits limits;
  limits.stall_timeout = 2s;
  auto& main = link.add("main", limits);
  main.bytes = 1000; // 64 of them take 4 s at 128 kbit/s.
  link.run(1s);
  link.black_hole = true;
  link.submit(main, 64);
  link.run(100ms);
  main.core.on_transmission({70'000, 70'000, false}, link.now());
  link.run(5500ms);
  BOOST_TEST(!main.dead, main.why.message);
  link.run(1s);
  BOOST_TEST((main.why.code == fault_code::stalled));
}

BOOST_AUTO_TEST_CASE(where_nobody_knows_what_was_sent_a_large_entry_has_the_time_of_the_slowest_link) {
  thin_link link{1000, 500ms};
  auto& main = link.add("main");
  main.bytes = 160'000; // 10 s at 128 kbit/s.
  link.run(2s);
  link.black_hole = true;
  link.submit(main, 1);
  link.run(14s);
  BOOST_TEST(!main.dead);
  link.run(1500ms);
  BOOST_TEST((main.why.code == fault_code::stalled));
}

} // namespace chasqui
