#include "actors/row_line.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <vector>

namespace chasqui {

namespace {

using namespace std::chrono_literals;
using numbers = std::vector<std::uint64_t>;

const time_point start{1h};

numbers who_is_out(const row_line_actions& actions) {
  numbers out;
  for (const auto& verdict : actions.out)
    out.push_back(verdict.who);
  return out;
}

row_line_limits narrow() {
  row_line_limits out;
  out.questions_max = 10;
  out.glances_max = 2;
  return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_glance_has_so_many_questions_and_at_least_one_submission) {
  row_line line{true, narrow()};
  BOOST_TEST((line.add(1, 1, row_concern::some, 100, start).glance == numbers{1}));
  BOOST_TEST((line.add(2, 1, row_concern::some, 4, start).glance == numbers{2}));
  for (std::uint64_t who = 3; who <= 6; ++who)
    BOOST_TEST(line.add(who, 1, row_concern::some, 4, start).glance.empty());
  BOOST_TEST((line.on_glanced({1}, {}, start).glance == numbers{3, 4}));
  const auto next = line.on_glanced({2}, {}, start);
  BOOST_TEST((next.glance == numbers{5, 6}));
  BOOST_TEST((who_is_out(next) == numbers{2}));
}

BOOST_AUTO_TEST_CASE(a_glance_is_at_so_many_submissions) {
  auto limits = narrow();
  limits.glance_max = 2;
  limits.glances_max = 1;
  row_line line{true, limits};
  for (std::uint64_t who = 1; who <= 4; ++who)
    line.add(who, 1, row_concern::some, 1, start);
  BOOST_TEST((line.on_glanced({1}, {}, start).glance == numbers{2, 3}));
  BOOST_TEST((line.on_glanced({2, 3}, {}, start).glance == numbers{4}));
}

BOOST_AUTO_TEST_CASE(who_has_waited_too_long_is_not_glanced_at_as_he_leaves) {
  row_line line{true, narrow()};
  line.add(1, 1, row_concern::some, 10, start);
  line.add(2, 1, row_concern::some, 10, start);
  line.add(3, 1, row_concern::some, 10, start);
  line.add(4, 1, row_concern::some, 10, start + 50ms);
  const auto late = line.on_glanced({1}, {}, start + 100ms);
  BOOST_TEST((who_is_out(late) == numbers{1, 2, 3}));
  BOOST_TEST((late.glance == numbers{4}));
}

} // namespace chasqui
