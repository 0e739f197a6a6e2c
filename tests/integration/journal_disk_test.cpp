#include <boost/test/unit_test.hpp>

#include "tests/support/log_stores.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

// What the journal asks of its disk, and what it says when the disk refuses. This program's own fdatasync and
// pwrite64 stand in for those of the C library, also for SQLite.

namespace {

std::atomic<int> flushes{0};
std::atomic<int> flush_refusal{0}; ///< errno, or 0.
std::atomic<int> write_refusal{0};

int refused(int why) {
  errno = why;
  return -1;
}

} // namespace

extern "C" int fdatasync(int file) {
  ++flushes;
  if (const int why = flush_refusal)
    return refused(why);
  return static_cast<int>(::syscall(SYS_fdatasync, file));
}

extern "C" ::ssize_t pwrite64(int file, const void* data, std::size_t bytes, ::off64_t at) {
  if (const int why = write_refusal)
    return refused(why);
  return ::syscall(SYS_pwrite64, file, data, bytes, at);
}

using namespace chasqui;
using namespace chasqui::test;

namespace {

struct watched_journal : open_journal {
  watched_journal() { log.append(test_items(1, 3)); } // Whatever is flushed once was flushed.
  ~watched_journal() {
    flush_refusal = 0;
    write_refusal = 0;
  }
  template <class Call> int flushes_of(Call call) {
    const int before = flushes;
    BOOST_TEST(call().message == "");
    return flushes - before;
  }
};

std::vector<roll_line> five_hundred_lines() {
  std::vector<roll_line> lines;
  for (seqno seq = 1001; seq <= 1500; ++seq)
    lines.push_back({"main", seq, test_id(seq), test_time(seq)});
  return lines;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(the_disk_below_the_journal, watched_journal)

BOOST_AUTO_TEST_CASE(one_append_is_one_flush_however_many_entries) {
  BOOST_TEST(flushes_of([&] { return log.append({test_item(4)}).problem; }) == 1);
  BOOST_TEST(flushes_of([&] { return log.append(test_items(5, 100)).problem; }) == 1);
}

BOOST_AUTO_TEST_CASE(all_that_must_last_is_flushed) {
  BOOST_TEST(flushes_of([&] { return log.bury(test_refusal(1, 1)); }) == 1);
  BOOST_TEST(flushes_of([&] { return log.mark(marks_up_to(1, 3), 1); }) == 1);
  BOOST_TEST(flushes_of([&] { return log.adopt(marks_up_to(1, 9)); }) == 1);
  BOOST_TEST(flushes_of([&] { return log.import({{10, test_id(10), test_time(10), "{}"}}); }) == 1);
  BOOST_TEST(flushes_of([&] { return log.renumber(20); }) == 1);
  BOOST_TEST(flushes_of([&] { return log.clear(); }) == 1);
}

BOOST_AUTO_TEST_CASE(the_roll_is_not_flushed_until_something_else_is) {
  BOOST_TEST(flushes_of([&] { return log.note(1, five_hundred_lines()); }) == 0);
  BOOST_TEST(flushes_of([&] { return log.strike("main", 1200); }) == 0);
  BOOST_TEST(flushes_of([&] { return log.append({test_item(2000)}).problem; }) == 1);
}

BOOST_AUTO_TEST_CASE(an_append_whose_flush_fails_is_unknown_until_the_journal_is_opened_again) {
  for (const int why : {EIO, ENOSPC}) {
    const auto item = test_item(static_cast<std::uint64_t>(100 + why));
    flush_refusal = why;
    const auto kept = log.append({item});
    flush_refusal = 0;
    BOOST_CHECK(kept.problem.code == fault_code::outcome_unknown);
    BOOST_TEST(kept.slots.empty());
    BOOST_CHECK(log.append({item}).problem.code == fault_code::store_unavailable);
    const auto head = log.open().lanes.at(0).head;
    const auto again = log.append({item});
    BOOST_REQUIRE_EQUAL(again.problem.message, "");
    BOOST_TEST(again.slots.at(0).seq == (again.slots.at(0).repeated ? head : head + 1));
    BOOST_TEST(log.read(1).entries.size() == log.open().lanes.at(0).head);
  }
}

BOOST_AUTO_TEST_CASE(a_disk_that_refuses_to_write_closes_the_journal) {
  write_refusal = EIO;
  const auto kept = log.append({test_item(4)});
  BOOST_CHECK(kept.problem.code == fault_code::outcome_unknown);
  BOOST_CHECK(log.read(1).problem.code == fault_code::store_unavailable);
  BOOST_CHECK(log.open().problem.code == fault_code::store_unavailable);
  write_refusal = 0;
  BOOST_TEST(log.open().problem.message == "");
  BOOST_TEST(log.read(1).entries.size() == 3U);
  BOOST_TEST(log.append({test_item(4)}).slots.at(0).seq == 4U);
}

BOOST_AUTO_TEST_CASE(a_quota_is_a_full_disk) {
  write_refusal = EDQUOT;
  BOOST_CHECK(log.append({test_item(4)}).problem.code == fault_code::store_full);
  BOOST_TEST(log.read(1).entries.size() == 3U);
  write_refusal = 0;
  BOOST_TEST(log.append({test_item(4)}).slots.at(0).seq == 4U);
}

BOOST_AUTO_TEST_SUITE_END()
