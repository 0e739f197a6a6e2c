#include "actors/link_lifecycle.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

namespace chasqui {

namespace {

using namespace std::chrono_literals;

const backoff_policy policy{200ms, 15'000ms, 30'000ms};

moment at(std::chrono::milliseconds ms) { return {time_point{1h + ms}, instant{1h + ms}}; }

const moment start = at(0ms);
const moment later = at(1s);
const fault lost{fault_code::link_lost, "cut", ""};

link_lifecycle connecting_link(std::uint32_t attempt = 3) { return phase::connecting{start, attempt}; }
link_lifecycle streaming_link(std::uint32_t attempt = 3) { return phase::streaming{start, attempt}; }
link_lifecycle backing_off_link(std::chrono::milliseconds wait = 5s) {
  return phase::backing_off{start, 3, at(wait), lost};
}
link_lifecycle paused_link() { return phase::paused{start, "maintenance"}; }
link_lifecycle fenced_link() { return phase::fenced{start, {fault_code::fenced, "another", ""}}; }
link_lifecycle diverged_link() { return phase::diverged{start, {fault_code::diverged, "gone", ""}}; }

link_event failed(fault_code code = fault_code::link_lost, double jitter = 1.0) {
  return link_input::failed{{code, "why", ""}, jitter};
}
const link_event opened = link_input::opened{};
const link_event time_passed = link_input::time_passed{};
const link_event heard = link_input::heard{};
const link_event pause = link_input::pause{"wind"};
const link_event resume = link_input::resume{};
const link_event restarted = link_input::restarted{};

link_lifecycle after(const link_lifecycle& before, const link_event& what, moment now = later) {
  return next_phase(before, what, now, policy);
}

// What it is; `describe` says how people are told of it.
link_phase phase_of(const link_lifecycle& p) { return static_cast<link_phase>(p.index()); }
std::uint32_t attempt_of(const link_lifecycle& p) { return std::get<phase::connecting>(p).attempt; }

std::chrono::nanoseconds wait_after_attempt(std::uint32_t attempt, double jitter) {
  const auto next = after(connecting_link(attempt), failed(fault_code::link_lost, jitter));
  return std::get<phase::backing_off>(next).until.steady - later.steady;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_pair_of_phase_and_input_leads_where_this_table_says) {
  using enum link_phase;
  struct row {
    link_lifecycle before;
    // opened, failed, fenced, diverged, time passed, heard, pause, resume, restarted
    std::vector<link_phase> then;
  };
  const std::vector<link_event> inputs{
      opened, failed(), failed(fault_code::fenced), failed(fault_code::diverged), time_passed, heard, pause,
      resume, restarted};
  using to = std::vector<link_phase>;
  const std::vector<row> table{
      {connecting_link(),
       to{streaming, backing_off, fenced, diverged, connecting, connecting, paused, connecting, connecting}},
      {streaming_link(),
       to{streaming, backing_off, fenced, diverged, streaming, streaming, paused, streaming, connecting}},
      {backing_off_link(), to{backing_off, backing_off, backing_off, backing_off, backing_off, connecting,
                              paused, backing_off, backing_off}},
      {paused_link(), to{paused, paused, paused, paused, paused, paused, paused, connecting, paused}},
      {fenced_link(), to{fenced, fenced, fenced, fenced, fenced, fenced, paused, connecting, fenced}},
      {diverged_link(),
       to{diverged, diverged, diverged, diverged, diverged, diverged, paused, connecting, diverged}},
  };
  for (const auto& [before, then] : table)
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const auto next = phase_of(after(before, inputs[i]));
      BOOST_TEST((next == then[i]), to_string(phase_of(before))
                                        << " and input " << i << " lead to " << to_string(next) << ", not "
                                        << to_string(then[i]));
    }
}

BOOST_AUTO_TEST_CASE(the_first_wait_is_at_most_the_minimum_and_each_further_one_doubles) {
  BOOST_TEST((wait_after_attempt(1, 1.0) == 200ms));
  BOOST_TEST((wait_after_attempt(2, 1.0) == 400ms));
  BOOST_TEST((wait_after_attempt(3, 1.0) == 800ms));
}

BOOST_AUTO_TEST_CASE(no_wait_is_longer_than_the_maximum_however_many_attempts_failed) {
  for (const std::uint32_t attempt : {8U, 20U, 64U, 1'000'000U})
    BOOST_TEST((wait_after_attempt(attempt, 1.0) == 15s));
}

BOOST_AUTO_TEST_CASE(jitter_spreads_the_wait_over_its_whole_range) {
  BOOST_TEST((wait_after_attempt(3, 0.0) == 0ms));
  BOOST_TEST((wait_after_attempt(3, 0.5) == 400ms));
}

BOOST_AUTO_TEST_CASE(a_backoff_ends_when_its_time_has_come_and_counts_the_attempt) {
  BOOST_TEST((phase_of(after(backing_off_link(5s), time_passed, at(4999ms))) == link_phase::backing_off));
  const auto next = after(backing_off_link(5s), time_passed, at(5s));
  BOOST_TEST(attempt_of(next) == 4U);
}

BOOST_AUTO_TEST_CASE(a_sign_of_life_ends_the_backoff_early_and_counts_the_attempt) {
  BOOST_TEST(attempt_of(after(backing_off_link(5s), heard, at(1ms))) == 4U);
}

BOOST_AUTO_TEST_CASE(a_link_that_flaps_keeps_its_count_of_attempts) {
  const auto opened_now = after(connecting_link(6), opened, at(0ms));
  const auto failed_soon = after(opened_now, failed(), at(29'999ms));
  BOOST_TEST(std::get<phase::backing_off>(failed_soon).attempt == 6U);
}

BOOST_AUTO_TEST_CASE(a_link_that_held_for_the_stable_period_starts_again_from_the_minimum) {
  const auto failed_late = after(streaming_link(6), failed(), at(30s));
  const auto& waiting = std::get<phase::backing_off>(failed_late);
  BOOST_TEST(waiting.attempt == 1U);
  BOOST_TEST((waiting.until.steady - at(30s).steady == 200ms));
}

BOOST_AUTO_TEST_CASE(a_resumed_link_starts_with_its_first_attempt) {
  for (const auto& p : {paused_link(), fenced_link(), diverged_link()})
    BOOST_TEST(attempt_of(after(p, resume)) == 1U);
}

BOOST_AUTO_TEST_CASE(people_are_told_since_when_why_and_when_next) {
  const auto waiting = describe(after(streaming_link(), failed(fault_code::stalled), later));
  BOOST_TEST((waiting.since == later.wall));
  BOOST_TEST(waiting.reason == "why");
  BOOST_TEST(waiting.attempt == 3U);
  BOOST_TEST((waiting.next_try_at == later.wall + 800ms));
  BOOST_TEST(describe(after(streaming_link(), pause)).reason == "wind");
  BOOST_TEST(describe(after(connecting_link(), failed(fault_code::fenced))).reason == "why");
  BOOST_TEST((describe(connecting_link()).next_try_at == instant{}));
}

BOOST_AUTO_TEST_CASE(a_link_that_failed_is_told_as_backing_off_with_its_reason_until_it_works) {
  const auto trying = after(after(streaming_link(), failed()), heard);
  BOOST_TEST((phase_of(trying) == link_phase::connecting));
  BOOST_TEST((describe(trying).phase == link_phase::backing_off));
  BOOST_TEST(describe(trying).reason == "why");
  BOOST_TEST((describe(after(trying, opened)).phase == link_phase::streaming));
  BOOST_TEST((describe(connecting_link()).phase == link_phase::connecting));
}

BOOST_AUTO_TEST_CASE(a_forwarder_runs_while_connecting_and_streaming_only) {
  BOOST_TEST(is_running(connecting_link()));
  BOOST_TEST(is_running(streaming_link()));
  for (const auto& p : {backing_off_link(), paused_link(), fenced_link(), diverged_link()})
    BOOST_TEST(!is_running(p));
}

} // namespace chasqui
