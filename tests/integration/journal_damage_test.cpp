#include <boost/test/unit_test.hpp>

#include "adapters/sqlite.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/log_stores.hpp"
#include "tests/support/wait_until.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

using namespace chasqui;
using namespace chasqui::test;

namespace {

namespace fs = std::filesystem;

std::string bytes_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;
}

/// What a crash would leave behind at this moment: the file and its WAL.
struct image {
  std::string file;
  std::string wal;

  static image of(const std::string& path) { return {bytes_of(path), bytes_of(path + "-wal")}; }
};

/// How many entries it has, if they are the first ones that were appended and nothing else.
std::optional<std::uint64_t> prefix_of(log_client& log) {
  const auto slice = log.read(1);
  if (slice.problem)
    return std::nullopt;
  std::uint64_t number = 0;
  for (const auto& e : slice.entries)
    if (++number; e.seq != number || e.id != test_id(number) || e.at != test_time(number) ||
                  e.payload != test_payload(number, 200))
      return std::nullopt;
  return number;
}

/// The same of a log of any length.
std::uint64_t whole_prefix_of(log_client& log) {
  std::uint64_t number = 0;
  for (;;) {
    const auto slice = log.read(number + 1);
    if (slice.problem || slice.entries.empty())
      return number;
    for (const auto& e : slice.entries) {
      ++number;
      BOOST_REQUIRE_EQUAL(e.seq, number);
      BOOST_REQUIRE(e.id == test_id(number));
      BOOST_REQUIRE_EQUAL(e.payload, test_payload(number, 200));
    }
  }
}

/// The last number that was written out, line end and all.
std::uint64_t last_number(const std::string& path) {
  std::istringstream lines{bytes_of(path)};
  std::uint64_t last = 0;
  for (std::string line; std::getline(lines, line) && !lines.eof();)
    if (line.find_first_not_of("0123456789") == std::string::npos && !line.empty())
      last = std::stoull(line);
  return last;
}

constexpr std::uint64_t closed_journal_entries = 40;

/// Where files are made fastest. Nothing here waits for a disk: what a crash leaves is written out.
fs::path fast_place() { return fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path(); }

/// A journal made of an image.
struct restored {
  fresh_journal store{fast_place()};
  journal_client log{make_journal("atacama", settings())};
  log_opened opened;

  [[nodiscard]] journal_settings settings() const {
    auto out = store.settings();
    out.reserve_bytes = 0; // Takes longer than all the rest.
    return out;
  }
  explicit restored(const image& from) {
    write(store.path(), from.file);
    write(store.path() + "-wal", from.wal);
    opened = log.open();
  }
  /// What was set aside; "" if nothing was.
  [[nodiscard]] std::string kept_aside(const std::string& suffix = "") const {
    for (const auto& file : fs::directory_iterator{store.dir().path()})
      if (const auto name = file.path().string();
          name.find(".damaged-") != std::string::npos && name.ends_with("Z" + suffix))
        return bytes_of(name);
    return "";
  }
  /// What says whose file it is was hit: it is left to an operator.
  void check_refusal(const std::string& file) const {
    const auto& said = opened.problem.message;
    const auto says = [&](const char* what) { return said.find(what) != std::string::npos; };
    BOOST_REQUIRE_MESSAGE(says("is a journal of form") || says("of another program") || says("of site"),
                          said);
    BOOST_REQUIRE(bytes_of(store.path()) == file);
  }
  /// It opened, and has a prefix and a damaged rest, or began anew and kept the `file` it found.
  void check_sane(const std::string& file) {
    if (opened.problem)
      return check_refusal(file);
    if (opened.drift.empty())
      BOOST_REQUIRE(kept_aside().empty());
    else
      BOOST_REQUIRE(kept_aside() == file);
    const auto kept = whole_prefix_of(log);
    BOOST_REQUIRE_LE(kept, closed_journal_entries);
    if (opened.drift.empty() && !file.empty() && kept < closed_journal_entries) {
      const auto next = log.read(kept + 1).problem.code;
      BOOST_REQUIRE(next == fault_code::diverged || next == fault_code::store_unavailable);
    }
  }
};

/// Six appends; and how long the WAL was when each was acknowledged.
struct small_journal : open_journal {
  std::vector<std::uint64_t> wal_ends;
  image whole;

  small_journal() {
    wal_ends.push_back(fs::file_size(store.path() + "-wal"));
    for (std::uint64_t number = 1; number <= 6; ++number) {
      BOOST_REQUIRE_EQUAL(log.append({test_item(number, "main", 200)}).problem.message, "");
      wal_ends.push_back(fs::file_size(store.path() + "-wal"));
    }
    whole = image::of(store.path());
  }
  /// The appends that were acknowledged before the WAL was longer than that.
  [[nodiscard]] std::uint64_t acknowledged_by(std::uint64_t bytes) const {
    std::uint64_t count = 0;
    while (count + 1 < wal_ends.size() && wal_ends[count + 1] <= bytes)
      ++count;
    return count;
  }
};

/// Forty appends in a journal that was closed: there is no WAL.
struct closed_journal {
  std::string bytes;

  closed_journal() {
    open_journal open;
    for (std::uint64_t number = 1; number <= closed_journal_entries; ++number)
      open.log.append({test_item(number, "main", 200)});
    open.log.close();
    open.log.read(1); // Behind the close.
    BOOST_REQUIRE(!fs::exists(open.store.path() + "-wal"));
    bytes = bytes_of(open.store.path());
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_torn_wal_keeps_all_that_was_acknowledged_before_the_tear) {
  const small_journal small;
  BOOST_TEST(small.acknowledged_by(small.whole.wal.size()) == 6U);
  const auto every_byte =
      std::getenv("JOURNAL_EVERY_BYTE") != nullptr; // NOLINT(concurrency-mt-unsafe): nobody sets it.
  const auto last = small.wal_ends[5];
  // In the last append every byte in and around the header of a frame; here and there in its pages, and
  // before it.
  const auto to_next = [&](std::uint64_t cut) -> std::uint64_t {
    constexpr std::uint64_t wal_header = 32, frame = 24 + 4096, around = 32;
    if (every_byte)
      return 1;
    if (cut < last)
      return std::min<std::uint64_t>(97, last - cut);
    const auto within = (cut - wal_header) % frame;
    return within < 24 + around || within + around >= frame
               ? 1
               : std::min<std::uint64_t>(29, frame - around - within);
  };
  for (auto cut = small.wal_ends.front(); cut <= small.whole.wal.size(); cut += to_next(cut)) {
    restored torn{{small.whole.file, small.whole.wal.substr(0, cut)}};
    BOOST_REQUIRE_EQUAL(torn.opened.problem.message, "");
    BOOST_REQUIRE(torn.opened.drift.empty());
    BOOST_REQUIRE_EQUAL(prefix_of(torn.log).value_or(99), small.acknowledged_by(cut));
  }
}

BOOST_AUTO_TEST_CASE(a_wal_that_ends_in_zeros_keeps_all_that_was_acknowledged_before_them) {
  const small_journal small;
  for (auto cut = small.wal_ends.front(); cut < small.whole.wal.size(); cut += 211) {
    auto wal = small.whole.wal;
    std::fill(wal.begin() + static_cast<std::ptrdiff_t>(cut), wal.end(), '\0');
    restored torn{{small.whole.file, wal}};
    BOOST_REQUIRE_EQUAL(torn.opened.problem.message, "");
    BOOST_REQUIRE(torn.opened.drift.empty());
    const auto kept = prefix_of(torn.log).value_or(99);
    BOOST_REQUIRE_GE(kept, small.acknowledged_by(cut)); // The rest of a page may have been zeros anyway.
    BOOST_REQUIRE_LE(kept, 6U);
  }
}

BOOST_AUTO_TEST_CASE(a_wal_with_wrong_bytes_gives_a_prefix_and_nothing_else) {
  const small_journal small;
  for (std::uint64_t at = 0; at < small.whole.wal.size(); at += 1009) {
    auto wal = small.whole.wal;
    wal[at] = static_cast<char>(wal[at] ^ 0x20);
    restored torn{{small.whole.file, wal}};
    BOOST_REQUIRE_EQUAL(torn.opened.problem.message, "");
    const auto kept = prefix_of(torn.log);
    BOOST_REQUIRE(kept.has_value());
    BOOST_REQUIRE_GE(*kept, small.acknowledged_by(at));
  }
}

BOOST_AUTO_TEST_CASE(a_torn_journal_goes_on_behind_what_it_has) {
  const small_journal small;
  restored torn{{small.whole.file, small.whole.wal.substr(0, small.wal_ends[4] + 100)}};
  const auto kept = torn.log.append({test_item(3), test_item(5, "main", 200), test_item(6, "main", 200)});
  BOOST_TEST(kept.slots.at(0).repeated);
  BOOST_TEST(kept.slots.at(1).seq == 5U);
  BOOST_TEST(prefix_of(torn.log).value_or(99) == 6U);
  torn.log.close();
  BOOST_TEST(torn.log.open().drift.empty());
  BOOST_TEST(prefix_of(torn.log).value_or(99) == 6U);
}

BOOST_AUTO_TEST_CASE(a_file_cut_short_is_set_aside_as_it_is_or_gives_a_prefix) {
  const closed_journal closed;
  for (std::uint64_t cut = 0; cut < closed.bytes.size(); cut += 509) {
    const auto left = closed.bytes.substr(0, cut);
    for (const bool padded : {false, true}) {
      const auto file = padded ? left + std::string(closed.bytes.size() - cut, '\0') : left;
      restored damaged{{file, ""}};
      BOOST_TEST_INFO("cut at " << cut << (padded ? ", padded" : ""));
      damaged.check_sane(file);
    }
  }
}

BOOST_AUTO_TEST_CASE(wrong_bytes_in_the_file_never_make_a_wrong_entry) {
  const closed_journal closed;
  for (std::uint64_t at = 0; at < closed.bytes.size(); at += 61) {
    auto file = closed.bytes;
    file[at] = static_cast<char>(file[at] ^ 0x11);
    restored damaged{{file, ""}};
    BOOST_TEST_INFO("wrong at " << at);
    damaged.check_sane(file);
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_database_is_set_aside_and_named) {
  const std::string text =
      "These are the minutes of the meeting, and no database at all. " + std::string(5000, '.');
  restored other{{text, "and this is no WAL"}};
  BOOST_TEST(other.opened.problem.message == "");
  BOOST_REQUIRE_EQUAL(other.opened.drift.size(), 1U);
  const auto& said = other.opened.drift.front();
  BOOST_TEST(said.find("was damaged") != std::string::npos, said);
  BOOST_TEST(said.find(other.store.path() + ".damaged-2") != std::string::npos, said);
  BOOST_TEST(other.kept_aside() == text);
  BOOST_TEST(other.kept_aside("-wal") == "and this is no WAL");
  BOOST_TEST(other.log.append({test_item(1)}).slots.at(0).seq == 1U);
  BOOST_TEST(other.log.open().drift.empty());
  BOOST_TEST(other.log.read(1).entries.size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_database_of_another_program_is_left_as_it_is) {
  const fresh_journal store;
  write(store.path(), "");
  {
    sqlite_database theirs{store.path()};
    theirs.run("CREATE TABLE theirs(x); INSERT INTO theirs VALUES (7)");
  }
  const auto before = bytes_of(store.path());
  journal_client log{make_journal("atacama", store.settings())};
  const auto refused = log.open().problem;
  BOOST_CHECK(refused.code == fault_code::store_unavailable);
  BOOST_TEST(refused.message.find("is the database of another program") != std::string::npos,
             refused.message);
  BOOST_TEST(bytes_of(store.path()) == before);
}

BOOST_FIXTURE_TEST_CASE(a_damaged_entry_is_named_and_the_others_are_read, open_journal) {
  log.append(test_items(1, 6));
  log.close();
  log.read(1); // Behind the close.
  {
    sqlite_database file{store.path()};
    file.run("UPDATE entry SET payload = x'7b7d' WHERE seq = 4");
    file.run("UPDATE entry SET at = at + 1 WHERE seq = 6");
  }
  BOOST_TEST(log.open().drift.empty());
  BOOST_TEST(log.read(1).entries.size() == 3U);
  const auto damaged = log.read(4);
  BOOST_CHECK(damaged.problem.code == fault_code::diverged);
  BOOST_TEST(damaged.problem.message.find("Entry 4 of lane main is damaged") == 0U, damaged.problem.message);
  BOOST_TEST(damaged.missing_to == 4U);
  BOOST_TEST(log.read(5).entries.size() == 1U);
  BOOST_TEST(log.read(6).missing_to == 6U);
  BOOST_CHECK(log.find(test_id(4)).problem.code == fault_code::diverged);
  BOOST_TEST(log.renumber(11).message == "");
  BOOST_TEST(log.read(11).entries.size() == 3U);
  BOOST_TEST(log.read(14).missing_to == 14U);
  BOOST_TEST(log.read(15).entries.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(damage_that_is_met_later_closes_the_journal_and_gives_nothing_wrong, open_journal) {
  for (std::uint64_t first = 1; first <= 30'000; first += 5'000)
    log.append(test_items(first, first + 4'999, 200));
  log.close();
  BOOST_TEST(log.open().drift.empty());
  {
    std::fstream file{store.path(), std::ios::binary | std::ios::in | std::ios::out};
    const auto bytes = static_cast<std::streamoff>(fs::file_size(store.path()));
    file.seekp(bytes / 4);
    file << std::string(static_cast<std::size_t>(bytes / 4), '\xA5');
  }
  log_slice slice;
  seqno seq = 1;
  for (; !slice.problem && seq <= 30'000; seq += slice.entries.size()) {
    slice = log.read(seq, 500);
    for (std::size_t i = 0; i < slice.entries.size(); ++i)
      BOOST_REQUIRE_EQUAL(slice.entries[i].payload, test_payload(seq + i, 200));
  }
  BOOST_TEST(seq > 1'000U);
  BOOST_CHECK(slice.problem.code == fault_code::store_unavailable);
  BOOST_TEST(slice.problem.message.find("is damaged") != std::string::npos, slice.problem.message);
  BOOST_TEST(log.append({test_item(50'000)}).problem.message.find("is not open") != std::string::npos);
  const auto again = log.open();
  BOOST_TEST(again.problem.message == "");
  BOOST_TEST(again.drift.size() == 1U);
  BOOST_TEST(log.append({test_item(1)}).slots.size() == 1U);
}

// Not a test of its own: what the next one starts, and kills.
BOOST_AUTO_TEST_CASE(appender, *boost::unit_test::disabled()) {
  const auto* const path = std::getenv("JOURNAL_TO_FILL"); // NOLINT(concurrency-mt-unsafe)
  BOOST_REQUIRE(path != nullptr);
  journal_settings settings;
  settings.path = path;
  journal_client log{make_journal("atacama", settings)};
  auto number = log.open().lanes.at(0).head;
  for (;;) {
    ++number;
    if (log.append({test_item(number, "main", 200)}).problem)
      return;
    const auto line = std::to_string(number) + "\n";
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0)
      return;
  }
}

BOOST_AUTO_TEST_CASE(a_process_that_is_killed_loses_nothing_that_it_acknowledged) {
  const fresh_journal store;
  const auto output = store.dir().file("acknowledged");
  ::setenv("JOURNAL_TO_FILL", store.path().c_str(), 1); // NOLINT(concurrency-mt-unsafe)
  std::uint64_t before = 0;
  for (int round = 1; round <= 20; ++round) {
    write(output, "");
    child_process appender{{"/proc/self/exe", "--run_test=appender"}, {output, ""}};
    const auto wanted = static_cast<std::uint64_t>(round);
    BOOST_REQUIRE(wait_until([&] { return last_number(output) > before + wanted; }));
    appender.kill_and_wait();
    const auto acknowledged = last_number(output);
    journal_client log{store.make()};
    const auto opened = log.open();
    BOOST_REQUIRE_EQUAL(opened.problem.message, "");
    BOOST_TEST(opened.drift.empty());
    const auto kept = whole_prefix_of(log);
    BOOST_REQUIRE_GE(kept, acknowledged);
    BOOST_REQUIRE_LE(kept, acknowledged + 1); // The one that was under way.
    before = kept;
  }
}
