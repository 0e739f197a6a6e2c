#include <boost/test/unit_test.hpp>

#include "tests/support/log_stores.hpp"
#include "tests/support/small_disk.hpp"

#include <fcntl.h>
#include <unistd.h>

using namespace chasqui;
using namespace chasqui::test;

namespace {

namespace fs = std::filesystem;
constexpr std::size_t entry_bytes = 20'000;

/// A disk of 32 MiB with a journal on it.
struct journal_on_a_small_disk {
  small_disk disk{32};
  journal_client log{make_journal("atacama", settings())};
  std::uint64_t next = 1;

  journal_on_a_small_disk() { BOOST_REQUIRE_EQUAL(log.open().problem.message, ""); }

  [[nodiscard]] journal_settings settings() const {
    journal_settings out;
    out.path = (disk.path() / "journal.db").string();
    return out;
  }
  fault append() {
    auto kept = log.append({test_item(next, "main", entry_bytes)});
    if (!kept.problem)
      BOOST_REQUIRE_EQUAL(kept.slots.at(0).seq, next++);
    return kept.problem;
  }
  /// Appends until one is refused; how many were kept in all.
  std::uint64_t fill() {
    fault problem;
    while (!problem)
      problem = append();
    BOOST_REQUIRE_MESSAGE(problem.code == fault_code::store_full, problem.message);
    BOOST_TEST(problem.message.find("has no room left; nothing was kept") != std::string::npos,
               problem.message);
    return next - 1;
  }
  void check_whole(seqno first) {
    auto seq = first;
    while (seq < next) {
      const auto slice = log.read(seq, 100);
      BOOST_REQUIRE_EQUAL(slice.problem.message, "");
      BOOST_REQUIRE(!slice.entries.empty());
      for (const auto& e : slice.entries) {
        BOOST_REQUIRE_EQUAL(e.seq, seq);
        BOOST_REQUIRE_EQUAL(e.payload, test_payload(seq, entry_bytes));
        ++seq;
      }
    }
  }
};

boost::test_tools::assertion_result disks_can_be_mounted(boost::unit_test::test_unit_id) {
  if (small_disk::is_possible())
    return true;
  boost::test_tools::assertion_result no{false};
  no.message() << "a file system in memory cannot be mounted here: run as root, or with user namespaces";
  return no;
}

} // namespace

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(disks_can_be_mounted))
BOOST_FIXTURE_TEST_SUITE(a_journal_on_a_disk_that_fills, journal_on_a_small_disk)

BOOST_AUTO_TEST_CASE(it_refuses_keeps_nothing_of_it_and_reads_on) {
  const auto kept = fill();
  BOOST_TEST(kept > 50U);
  BOOST_CHECK(append().code == fault_code::store_full);
  BOOST_CHECK(log.append(test_items(5000, 5400, 5000)).problem.code == fault_code::store_full);
  BOOST_CHECK(log.find(test_id(next)).problem.code == fault_code::not_found);
  BOOST_CHECK(log.find(test_id(5000)).problem.code == fault_code::not_found);
  check_whole(1);
  BOOST_TEST(log.read(next).entries.empty());
  log.close();
  BOOST_TEST(log.open().lanes.at(0).head == kept);
  check_whole(1);
}

BOOST_AUTO_TEST_CASE(it_can_be_trimmed_and_takes_entries_again) {
  const auto kept = fill();
  BOOST_TEST(log.bury(test_refusal(3, 3)).message == "");
  BOOST_TEST(log.mark(marks_up_to(kept - 5, kept), kept - 5).message == "");
  BOOST_TEST(append().message == "");
  check_whole(kept - 4);
  BOOST_TEST(log.find(test_id(3)).payload == test_payload(3, entry_bytes));
  const auto more = fill();
  BOOST_TEST(more > kept + kept / 3); // What was trimmed is used again.
  check_whole(kept - 4);
}

BOOST_AUTO_TEST_CASE(it_can_be_drained_and_cleared) {
  const auto kept = fill();
  check_whole(1);
  BOOST_TEST(log.clear().message == "");
  BOOST_TEST(log.open().lanes.at(0).head == kept);
  BOOST_TEST(append().message == "");
}

BOOST_AUTO_TEST_CASE(it_heals_by_itself_when_others_leave_room) {
  for (int i = 0; i < 20; ++i)
    BOOST_TEST(append().message == "");
  disk.fill();
  fill();
  BOOST_TEST(log.bury(test_refusal(2, 2)).message == "");
  BOOST_TEST(log.mark(marks_up_to(10, next - 1), 10).message == "");
  BOOST_TEST(log.adopt(marks_up_to(10, next - 1)).message == "");
  disk.empty();
  BOOST_TEST(append().message == "");
  check_whole(11);
}

BOOST_AUTO_TEST_CASE(it_opens_on_a_full_disk) {
  for (int i = 0; i < 20; ++i)
    BOOST_TEST(append().message == "");
  log.close();
  log.read(1); // Behind the close.
  disk.fill();
  BOOST_TEST(log.open().problem.message == "");
  check_whole(1);
  BOOST_TEST(log.mark(marks_up_to(15, 20), 15).message == "");
  BOOST_TEST(log.open().lanes.at(0).first == 16U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(a_journal_that_has_reached_its_own_limit_is_full_until_it_is_trimmed) {
  const fresh_journal store;
  auto settings = store.settings();
  settings.file_bytes_max = 2U << 20U;
  journal_client log{make_journal("atacama", settings)};
  BOOST_TEST(log.open().problem.message == "");
  std::uint64_t next = 1;
  append_result kept;
  while (!(kept = log.append({test_item(next, "main", entry_bytes)})).problem)
    ++next;
  BOOST_CHECK(kept.problem.code == fault_code::store_full);
  BOOST_TEST(kept.problem.message.find("journal.file_bytes_max") != std::string::npos);
  BOOST_TEST(next > 50U);
  BOOST_TEST(next * entry_bytes < (2U << 20U) + entry_bytes);
  for (const seqno seq : {3U, 4U, 5U, 6U})
    BOOST_TEST(log.bury(test_refusal(seq, seq)).message == "");
  BOOST_CHECK(log.append({test_item(next, "main", entry_bytes)}).problem.code == fault_code::store_full);
  BOOST_TEST(log.mark(marks_up_to(next - 10, next - 1), next - 10).message == "");
  BOOST_TEST(log.append({test_item(next, "main", entry_bytes)}).slots.at(0).seq == next);
}
