#include "adapters/kept_terms.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace chasqui;

namespace {

/// Terms as good as any, always the same.
class term_source {
public:
  index_term next() { return random_(); }
  std::vector<index_term> next(std::size_t count) {
    std::vector<index_term> out(count);
    for (auto& term : out)
      term = next();
    return out;
  }

private:
  std::mt19937_64 random_{4711};
};

/// One call, up to its answer.
void keep(kept_terms& memory, const std::vector<index_term>& terms, seqno head) {
  memory.on_called();
  memory.add("main", terms);
  memory.on_head("main", head);
  memory.on_answered();
}

/// Some may look as if they were known already.
constexpr std::size_t generation = kept_terms::generation_max + kept_terms::generation_max / 50;

struct fixture {
  kept_terms memory{true};
  term_source terms;
  fixture() { memory.on_head("main", 10); }
  bool lacks(index_term term, seqno from) { return memory.maybe_kept("main", {term}, from).empty(); }
  /// Of 1000 that nobody has kept, how many it vouches for.
  int vouched_for(seqno from) {
    int count = 0;
    for (int i = 0; i < 1000; ++i)
      count += lacks(terms.next(), from) ? 1 : 0;
    return count;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(what_was_kept, fixture)

BOOST_AUTO_TEST_CASE(what_was_kept_is_maybe_kept_and_all_else_is) {
  const auto kept = terms.next(10'000);
  keep(memory, kept, 20);
  for (const auto term : kept)
    BOOST_REQUIRE(!lacks(term, 11));
  BOOST_TEST(vouched_for(11) > 990);
  const std::vector<index_term> one_of_two{kept.front()};
  BOOST_TEST(memory.maybe_kept("main", {terms.next(), kept.front()}, 11) == one_of_two);
  BOOST_TEST(memory.head("main") == 20U);
}

BOOST_AUTO_TEST_CASE(nothing_is_said_of_what_was_there_before_and_of_other_lanes) {
  const auto term = terms.next();
  BOOST_TEST(!lacks(term, 10));
  BOOST_TEST(lacks(term, 11));
  BOOST_TEST(memory.maybe_kept("bulk", {term}, 11).size() == 1U);
  kept_terms nothing{false};
  nothing.on_head("main", 10);
  BOOST_TEST(nothing.maybe_kept("main", {term}, 11).size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_on_its_way_counts_as_kept) {
  const auto term = terms.next();
  memory.on_called();
  memory.add("main", {term});
  BOOST_TEST(!lacks(term, 11));
}

// What was under way when it began is not remembered: it has to be behind what that came to.
BOOST_AUTO_TEST_CASE(a_lane_that_begins_anew_waits_for_what_is_under_way) {
  const auto before = terms.next();
  memory.on_called();
  memory.add("main", {before});
  memory.forget("main");
  BOOST_TEST(!lacks(before, 11));
  memory.on_called();
  memory.on_head("main", 11);
  memory.on_answered();
  BOOST_TEST(!lacks(terms.next(), 12)); // The second one may have been sent before it began.
  memory.on_head("main", 12);
  memory.on_answered();
  BOOST_TEST(!lacks(terms.next(), 12));
  BOOST_TEST(lacks(terms.next(), 13));
}

BOOST_AUTO_TEST_CASE(a_generation_goes_once_its_entries_are_of_no_concern) {
  const auto first = terms.next(generation);
  keep(memory, first, 100);
  const auto second = terms.next();
  keep(memory, {second}, 101);
  for (const auto term : first)
    BOOST_REQUIRE(!lacks(term, 100));
  BOOST_TEST(lacks(first.front(), 101)); // All of the first ones are released.
  BOOST_TEST(!lacks(second, 101));
  BOOST_TEST(lacks(terms.next(), 101));
  BOOST_TEST(!lacks(first.back(), 50)); // Whoever goes back is told nothing.
  BOOST_TEST(!lacks(terms.next(), 50));
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_said_ever_less_often_and_never_wrongly) {
  seqno head = 10;
  std::vector<index_term> some;
  for (int round = 0; round < 8; ++round) {
    const auto kept = terms.next(generation);
    some.insert(some.end(), kept.begin(), kept.begin() + 1000);
    keep(memory, kept, ++head);
  }
  for (const auto term : some)
    BOOST_REQUIRE(!lacks(term, 11));
  const auto said = vouched_for(11);
  BOOST_TEST_MESSAGE("vouches for " << said << " of 1000 with eight generations pending");
  BOOST_TEST(said > 0);
  BOOST_TEST(said < 900);
  BOOST_TEST(vouched_for(head) > 900); // Only the last one is.
}

BOOST_AUTO_TEST_SUITE_END()
