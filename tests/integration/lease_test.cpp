#include <boost/test/unit_test.hpp>

#include "adapters/owner.hpp"
#include "adapters/redis.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/log_client.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/wait_until.hpp"

#include <algorithm>
#include <limits>

using namespace chasqui;
using namespace chasqui::test;
using namespace std::chrono_literals;

namespace {

/// A Redis that several runtimes want.
struct wanted {
  redis_server redis;
  io_thread io;

  log_client runtime(std::string name, std::chrono::milliseconds lease) {
    redis_settings settings;
    settings.socket = redis.socket();
    settings.timeout = long_enough;
    settings.owner = std::move(name);
    settings.lease = lease;
    return log_client{make_redis_log(io, "atacama", settings)};
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(who_comes_second_stands_by) {
  wanted w;
  auto first = w.runtime("first", 1h);
  auto second = w.runtime("second", 1h);
  BOOST_TEST(first.open().problem.message == "");
  const auto refused = second.open().problem;
  BOOST_CHECK(refused.code == fault_code::held);
  BOOST_TEST(refused.message.find("first") != std::string::npos);
  BOOST_TEST(first.append(test_items(1, 3)).slots.size() == 3U);
  BOOST_CHECK(second.append(test_items(4, 4)).problem.code == fault_code::store_unavailable);
}

BOOST_AUTO_TEST_CASE(a_lease_that_is_kept_alive_does_not_end) {
  wanted w;
  auto first = w.runtime("first", 6s); // Renewed every 2 s.
  auto second = w.runtime("second", 6s);
  first.open();
  const auto ends_at = [&] {
    return std::stoll(w.redis.command({"HGET", "chasqui:{atacama}:owner", "until"}));
  };
  const auto first_end = ends_at();
  auto end = first_end;
  auto shortest_step = std::numeric_limits<long long>::max();
  BOOST_REQUIRE(wait_until([&] { // Until it would have ended, had it not been renewed.
    if (const auto next = ends_at(); next != end) {
      shortest_step = std::min(shortest_step, next - end);
      end = next;
    }
    return end >= first_end + 6000;
  }));
  BOOST_TEST(shortest_step < 6000);
  BOOST_CHECK(second.open().problem.code == fault_code::held);
  BOOST_CHECK(second.open().problem.code == fault_code::held); // Asking takes nothing from it.
}

BOOST_AUTO_TEST_CASE(who_closes_the_log_leaves_it_to_the_next_at_once) {
  wanted w;
  auto first = w.runtime("first", 1h);
  auto second = w.runtime("second", 1h);
  first.open();
  first.close();
  BOOST_TEST(wait_until([&] { return !second.open().problem; }));
}

BOOST_AUTO_TEST_CASE(who_is_gone_for_a_lease_has_lost_the_log_and_can_do_no_harm) {
  wanted w;
  auto first = w.runtime("first", 1h);
  auto second = w.runtime("second", 500ms); // Its patience is the lease: nobody may hold longer than that.
  first.open();
  first.append(test_items(1, 3));
  BOOST_CHECK(second.open().problem.code == fault_code::held);
  BOOST_TEST(wait_until([&] { return !second.open().problem; }));
  BOOST_CHECK(first.append(test_items(4, 4)).problem.code == fault_code::fenced);
  BOOST_TEST(second.append(test_items(5, 5)).slots.at(0).seq == 4U);
}

BOOST_AUTO_TEST_CASE(the_same_runtime_opens_again_whatever_it_holds) {
  wanted w;
  auto first = w.runtime("first", 1h);
  const auto before = first.open().epoch;
  BOOST_TEST(first.open().epoch > before);
}

BOOST_AUTO_TEST_CASE(an_owner_that_has_died_here_need_not_be_waited_for) {
  wanted w;
  child_process owner{{"sleep", "1000"}};
  const auto me = this_process();
  BOOST_TEST(!has_ended(me));
  const auto stat = me.substr(0, me.rfind('/', me.rfind('/') - 1) + 1) + std::to_string(owner.pid()) + "/1";
  auto first = w.runtime(stat, 1h); // No process began with the boot: this one is another.
  first.open();
  BOOST_TEST(w.runtime("second", 1h).open().problem.message == "");
}
