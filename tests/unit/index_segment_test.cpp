#include "adapters/index_segment.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>

// How the index of a log in Redis is written down.

using namespace chasqui;
using namespace std::string_literals;

namespace {

std::vector<posting> random_postings(std::mt19937_64& random, std::size_t count, seqno first, seqno last) {
  std::vector<posting> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(
        {random() % 3 == 0 ? random() % 4 : random() >> 16U, first + random() % (last - first + 1)});
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::uint32_t number_at(const std::string& bytes, std::size_t at) {
  std::uint32_t out = 0;
  for (std::size_t i = at; i < at + 4; ++i)
    out = out << 8U | static_cast<unsigned char>(bytes.at(i));
  return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_tail_says_which_entries_its_terms_find) {
  const auto bytes = "\0\0\0\0\0\x09\0\0\0\x05"s + "\x80\0\0\0\0\x01\0\0\0\x07"s;
  const auto read = read_tail(bytes, 7);
  BOOST_REQUIRE(read.has_value());
  BOOST_CHECK((*read == std::vector<posting>{{9, 5}, {0x8000'0000'0001, 7}}));
  BOOST_CHECK(read_tail("", 0) == std::vector<posting>{});
}

BOOST_AUTO_TEST_CASE(the_lower_half_of_a_number_tells_the_whole_of_it) {
  constexpr auto turn = seqno{1} << 32U;
  const auto read = read_tail("\0\0\0\0\0\x09\xFF\xFF\xFF\xFE"s + "\0\0\0\0\0\x09\0\0\0\x03"s, 3 * turn + 5);
  BOOST_REQUIRE(read.has_value());
  BOOST_CHECK((*read == std::vector<posting>{{9, 3 * turn - 2}, {9, 3 * turn + 3}}));
}

BOOST_AUTO_TEST_CASE(what_is_no_tail_or_no_segment_is_not_read) {
  BOOST_CHECK(!read_tail("\0\0\0\0\0\x09\0\0\0"s, 7));
  BOOST_CHECK(!read_tail("\0\0\0\0\0\x09\0\0\0\x08"s, 7)); // Behind the head.
  BOOST_CHECK(!read_tail("\0\0\0\0\0\x09\0\0\0\0"s, 7));   // No entry has that number.
  const auto segment = write_segment({{1, 3}, {2, 1}}, 3);
  BOOST_CHECK(read_segment(segment, 3, 3).has_value());
  BOOST_CHECK(!read_segment(segment, 2, 2));
  BOOST_CHECK(!read_segment(segment.substr(1), 3, 3));
  BOOST_CHECK(!read_segment(segment.substr(0, 4000), 3, 3));
  BOOST_CHECK(!read_segment(write_segment({{2, 1}, {1, 3}}, 3), 3, 3));
}

BOOST_AUTO_TEST_CASE(a_segment_gives_back_what_was_put_into_it_up_to_where_it_counts) {
  std::mt19937_64 random{4711};
  for (const std::size_t count : {0U, 1U, 5U, 3000U}) {
    const seqno first = random() % (seqno{1} << 40U) + 1;
    const auto last = first + 10'000;
    const auto all = random_postings(random, count, first, last);
    const auto bytes = write_segment(all, last);
    BOOST_CHECK(read_segment(bytes, last, last) == all);
    auto earlier = all;
    std::erase_if(earlier, [&](const posting& one) { return one.seq > first + 5000; });
    BOOST_CHECK(read_segment(bytes, last, first + 5000) == earlier);
  }
}

BOOST_AUTO_TEST_CASE(the_table_of_a_segment_says_where_the_postings_of_a_term_lie) {
  std::mt19937_64 random{4712};
  const auto all = random_postings(random, 3000, 1, 10'000);
  const auto bytes = write_segment(all, 10'000);
  BOOST_REQUIRE_EQUAL(bytes.size(), segment_table_bytes + all.size() * posting_bytes);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto bucket = static_cast<std::size_t>(all[i].term >> 38U);
    BOOST_TEST(number_at(bytes, 4 * bucket) <= i);
    BOOST_TEST(number_at(bytes, 4 * bucket + 4) > i);
  }
  BOOST_TEST(number_at(bytes, 0) == 0U);
  BOOST_TEST(number_at(bytes, 4096) == all.size());
}

BOOST_AUTO_TEST_CASE(parts_that_are_sorted_become_one_that_is) {
  std::mt19937_64 random{4713};
  for (std::size_t parts = 0; parts <= 9; ++parts) {
    std::vector<std::vector<posting>> all;
    std::vector<posting> expected;
    for (std::size_t i = 0; i < parts; ++i) {
      all.push_back(random_postings(random, random() % 50, 1 + 100 * i, 100 + 100 * i));
      expected.insert(expected.end(), all.back().begin(), all.back().end());
    }
    std::sort(expected.begin(), expected.end());
    BOOST_CHECK(merge_postings(all) == expected);
  }
}
