#include <boost/test/unit_test.hpp>

#include "runtime/runtime.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/observatory.hpp"
#include "tests/support/sandbox.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

settings settings_of(const sandbox& box, bool published) {
  auto reading = read_settings_file(box.settings_file(), {}, {});
  BOOST_REQUIRE(reading.errors.empty());
  if (!published)
    reading.value.remote.port = 0;
  reading.value.buffer.submit_deadline_ms = 20s; // Machines are slow.
  return reading.value;
}

std::string delete_nothing() {
  return R"({"steps":[{"op":"delete","table":"raw_data_file","where":{"name":"none"},"expect_rows":null}]})";
}

std::array<struct sigaction, 32> signal_handlers() {
  std::array<struct sigaction, 32> out{};
  for (int number = 1; number < 32; ++number)
    sigaction(number, nullptr, &out[static_cast<std::size_t>(number)]);
  return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_example_of_the_documentation_runs) {
  const sandbox box{{"--rtt", "20"}};
  std::ofstream{box.settings_file(), std::ios::app} << "[buffer]\nsubmit_deadline_ms = 20000\n";
  child_process example{{program("embedding"), box.settings_file()}};
  BOOST_TEST((example.wait(in(long_enough)) == 0));
  BOOST_TEST(sql(box.replica_dsn(), "SELECT status FROM executed_obs_unit") == "completed");
}

BOOST_AUTO_TEST_CASE(a_host_gets_receipts_by_future_and_by_callback_and_hears_events) {
  const sandbox box{{"--rtt", "20"}};
  runtime site{settings_of(box, false)};
  std::atomic<int> replicated = 0;
  site.subscribe([&](const event& e) { replicated += e.kind == event_kind::replicated ? 1 : 0; });
  BOOST_REQUIRE(std::holds_alternative<reached>(site.wait({condition::ready, {}, {}, long_enough})));
  std::promise<outcome<receipt>> called;
  site.submit(delete_nothing(), [&](outcome<receipt> r) { called.set_value(std::move(r)); });
  const auto first = called.get_future().get();
  const auto second = site.submit(delete_nothing()).get();
  BOOST_REQUIRE(std::holds_alternative<receipt>(first));
  BOOST_REQUIRE(std::holds_alternative<receipt>(second));
  BOOST_TEST(std::get<receipt>(first).seq == 1U);
  BOOST_TEST(std::get<receipt>(second).seq == 2U);
  BOOST_TEST((std::get<receipt>(second).durability == durability::fsynced));
  const await both{condition::transaction, std::get<receipt>(second).id, stage::replicated, long_enough};
  BOOST_REQUIRE(std::holds_alternative<reached>(site.wait(both)));
  BOOST_TEST(wait_until([&] { return replicated > 0; }));
  const auto stages = {stage::committed, stage::replicated, stage::released};
  for (const auto wanted : stages) {
    const auto answer = site.when(std::get<receipt>(first).id, wanted).get();
    BOOST_REQUIRE(std::holds_alternative<reached>(answer));
    BOOST_TEST((std::get<reached>(answer).stage == wanted));
  }
  std::atomic<bool> from_the_start = false;
  site.subscribe([&](const event& e) { from_the_start = from_the_start || e.kind == event_kind::store; },
                 from_this_run);
  BOOST_TEST(wait_until([&] { return from_the_start.load(); }));
  const auto past = site.events({from_this_run, 100, {{event_kind::committed}, "main", 0, {}}});
  BOOST_REQUIRE(std::holds_alternative<past_events>(past));
  BOOST_TEST(!std::get<past_events>(past).events.empty());
  const auto report = site.status();
  BOOST_REQUIRE(std::holds_alternative<status_report>(report));
  BOOST_TEST(std::get<status_report>(report).log.lanes[0].replicated == 2U);
}

BOOST_AUTO_TEST_CASE(a_runtime_that_was_stopped_refuses_at_once_and_says_so) {
  const sandbox box{{"--rtt", "20"}};
  runtime site{settings_of(box, false)};
  BOOST_TEST(!site.ended().has_value());
  site.stop(10s);
  BOOST_REQUIRE(site.ended().has_value());
  BOOST_TEST((site.ended()->code == fault_code::none));
  const auto late = site.submit(delete_nothing()).get();
  BOOST_REQUIRE(std::holds_alternative<fault>(late));
  BOOST_TEST((std::get<fault>(late).code == fault_code::unavailable));
  BOOST_TEST(std::holds_alternative<fault>(site.when({0, 1}, stage::committed).get()));
}

BOOST_AUTO_TEST_CASE(a_host_keeps_its_signal_handlers) {
  const sandbox box{{"--rtt", "20"}};
  const auto before = signal_handlers();
  {
    runtime site{settings_of(box, true)};
    BOOST_REQUIRE(std::holds_alternative<reached>(site.wait({condition::ready, {}, {}, long_enough})));
    const auto during = signal_handlers();
    for (std::size_t number = 1; number < before.size(); ++number)
      BOOST_TEST((before[number].sa_handler == during[number].sa_handler), "signal " << number);
  }
}

BOOST_AUTO_TEST_CASE(two_runtimes_in_one_host_serve_two_sites) {
  const sandbox box{{"--rtt", "20"}};
  auto other = settings_of(box, false);
  other.site = "other";
  runtime first{settings_of(box, false)};
  runtime second{other};
  for (auto* site : {&first, &second}) {
    BOOST_REQUIRE(std::holds_alternative<reached>(site->wait({condition::ready, {}, {}, long_enough})));
    const auto kept = site->submit(delete_nothing()).get();
    BOOST_REQUIRE(std::holds_alternative<receipt>(kept));
    BOOST_TEST(std::get<receipt>(kept).seq == 1U);
    BOOST_TEST(std::holds_alternative<reached>(site->wait({condition::replicated, {}, {}, long_enough})));
  }
}
