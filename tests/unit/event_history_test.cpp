#include "adapters/event_history.hpp"
#include "adapters/history_file.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <future>

namespace chasqui {

namespace {

const instant noon{std::chrono::hours{500'000}};

event numbered(std::uint64_t number, event_kind kind = event_kind::committed) {
  return {number, noon, kind, "main", number * 10, number * 10 + 9, {0, number}, "0/16B3740"};
}

/// Asks and waits for the answer.
template <class Answer, class Call> Answer answered(Call call) {
  std::promise<Answer> promise;
  call([&](Answer a) { promise.set_value(std::move(a)); });
  return promise.get_future().get();
}

struct place {
  test::temp_dir dir;
  std::string path = dir.file("deep/events.sqlite");

  [[nodiscard]] std::shared_ptr<event_history> make(std::uint64_t events_max = 1000,
                                                    const std::string& site = "atacama") const {
    return make_event_history(site, {path, events_max, 1000});
  }
};

history_opened open(event_history& h) {
  return answered<history_opened>([&](auto then) { h.open(then); });
}
fault reserve(event_history& h, std::uint64_t through) {
  return answered<fault>([&](auto then) { h.reserve(through, then); });
}
history_page read(event_history& h, const history_query& what) {
  return answered<history_page>([&](auto then) { h.read(what, then); });
}
void keep(event_history& h, std::uint64_t from, std::uint64_t to) {
  for (auto number = from; number <= to; ++number)
    h.keep(numbered(number));
}
/// `3 4 gap(5..9) 10`
std::string text_of(const std::vector<event>& events) {
  std::string out;
  for (const auto& e : events)
    out += (out.empty() ? "" : " ") + (e.kind == event_kind::gap ? "gap(" + std::to_string(e.from_seq) +
                                                                       ".." + std::to_string(e.to_seq) + ")"
                                                                 : std::to_string(e.number));
  return out;
}
std::string all_of(event_history& h, std::uint64_t from = 1) {
  return text_of(read(h, {from, 1000, {}}).events);
}

/// A run that ends without having closed the file, as if it was killed.
void killed_run(const place& where, std::uint64_t from, std::uint64_t to, std::uint64_t reserved) {
  const auto child = fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    const auto h = where.make();
    open(*h);
    reserve(*h, reserved);
    keep(*h, from, to);
    read(*h, {}); // What was kept is written before anything is read.
    _exit(0);
  }
  int status = -1;
  BOOST_REQUIRE(waitpid(child, &status, 0) == child);
  BOOST_REQUIRE(status == 0);
}

} // namespace

BOOST_FIXTURE_TEST_CASE(an_event_comes_back_whole_in_this_run_and_in_the_next, place) {
  for (int run = 0; run < 2; ++run) {
    const auto h = make();
    BOOST_TEST(open(*h).problem.message == "");
    if (run == 0)
      keep(*h, 7, 7);
    const auto page = read(*h, {});
    BOOST_REQUIRE(page.events.size() == 1U);
    const auto& e = page.events.front();
    const auto want = numbered(7);
    BOOST_TEST((e.at == want.at && e.kind == want.kind && e.id == want.id));
    BOOST_TEST(e.lane == want.lane);
    BOOST_TEST(e.from_seq == want.from_seq);
    BOOST_TEST(e.to_seq == want.to_seq);
    BOOST_TEST(e.detail == want.detail);
    BOOST_TEST(page.oldest == 7U);
  }
}

BOOST_FIXTURE_TEST_CASE(after_a_clean_end_the_next_run_goes_on_without_a_gap, place) {
  {
    const auto h = make();
    open(*h);
    reserve(*h, 4096);
    keep(*h, 1, 3);
  }
  const auto h = make();
  BOOST_TEST(open(*h).last == 3U);
  reserve(*h, 9000);
  keep(*h, 100, 101);
  BOOST_TEST(all_of(*h) == "1 2 3 100 101");
}

BOOST_FIXTURE_TEST_CASE(after_a_kill_no_number_that_was_reserved_is_given_again_and_what_is_lost_is_named,
                        place) {
  killed_run(*this, 1, 3, 4096);
  {
    const auto h = make();
    BOOST_TEST(open(*h).last == 4096U);
    reserve(*h, 9000);
    keep(*h, 4097, 4098);
    BOOST_TEST(all_of(*h) == "1 2 3 gap(4..4096) 4097 4098");
  }
  killed_run(*this, 9001, 9001, 9100);
  killed_run(*this, 9101, 9102, 9200); // Each tells of the one before.
  const auto h = make();
  BOOST_TEST(open(*h).last == 9200U);
  BOOST_TEST(all_of(*h, 4097) == "4097 4098 9001 gap(9002..9100) 9101 9102 gap(9103..9200)");
}

BOOST_FIXTURE_TEST_CASE(it_keeps_no_more_than_it_may_and_says_where_it_begins, place) {
  {
    const auto h = make(100);
    open(*h);
    keep(*h, 1, 250);
    const auto page = read(*h, {1, 1000, {}});
    BOOST_TEST(page.events.size() == 100U);
    BOOST_TEST(page.oldest == 151U);
    keep(*h, 251, 251);
    BOOST_TEST(read(*h, {1, 1000, {}}).oldest == 152U);
  }
  const auto smaller = make(10);
  open(*smaller);
  keep(*smaller, 252, 252);
  BOOST_TEST(all_of(*smaller) == "243 244 245 246 247 248 249 250 251 252");
}

BOOST_FIXTURE_TEST_CASE(pages_follow_each_other_and_a_filter_is_kept, place) {
  const auto h = make();
  open(*h);
  for (std::uint64_t n = 1; n <= 20; ++n)
    h->keep(numbered(n, n % 5 == 0 ? event_kind::link : event_kind::committed));
  const auto first = read(*h, {3, 4, {}});
  BOOST_TEST(text_of(first.events) == "3 4 5 6");
  BOOST_TEST(first.more);
  const auto links = read(*h, {6, 3, {{event_kind::link}, "", 0, {}}});
  BOOST_TEST(text_of(links.events) == "10 15 20");
  BOOST_TEST(!links.more);
  BOOST_TEST(text_of(read(*h, {1, 9, {{}, "main", 75, {}}}).events) == "7");
  BOOST_TEST(text_of(read(*h, {1, 9, {{}, "", 0, {0, 4}}}).events) == "4");
}

BOOST_FIXTURE_TEST_CASE(what_did_not_fit_on_its_way_to_the_disk_is_a_gap, place) {
  const auto h = make();
  open(*h);
  keep(*h, 1, 2);
  keep(*h, 6, 7); // As if 3 to 5 had found no room.
  BOOST_TEST(all_of(*h) == "1 2 gap(3..5) 6 7");
}

BOOST_FIXTURE_TEST_CASE(what_was_given_before_the_first_one_that_is_kept_is_a_gap, place) {
  history_file file{"atacama", {path, 1000, 1000}};
  file.keep({numbered(5)}, 2); // The disk was full before.
  BOOST_TEST(text_of(file.read({1, 1000, {}}).events) == "gap(2..4) 5");
  BOOST_TEST(file.read({1, 1000, {}}).oldest == 2U);
}

BOOST_FIXTURE_TEST_CASE(what_was_given_after_the_last_one_that_is_kept_is_a_gap_also_after_a_clean_end,
                        place) {
  {
    history_file file{"atacama", {path, 1000, 1000}};
    file.keep({numbered(1)}, 1);
    file.close(4); // Of 2 to 4 none could be written.
  }
  const auto h = make();
  BOOST_TEST(open(*h).last == 4U);
  BOOST_TEST(all_of(*h) == "1 gap(2..4)");
}

BOOST_FIXTURE_TEST_CASE(numbers_that_begin_anew_in_the_same_process_leave_no_gap, place) {
  const auto h = make();
  open(*h);
  keep(*h, 1, 2);
  open(*h); // Whoever gives numbers was restarted.
  keep(*h, 1000, 1001);
  BOOST_TEST(all_of(*h) == "1 2 1000 1001");
}

BOOST_FIXTURE_TEST_CASE(a_file_that_cannot_be_used_leaves_memory_and_says_why, place) {
  const auto first = make();
  open(*first);
  const auto second = make(); // The file has its owner.
  const auto opened = open(*second);
  BOOST_TEST(opened.problem.message.find("in use by another process") != std::string::npos,
             opened.problem.message);
  keep(*second, 1, 3);
  BOOST_TEST(all_of(*second) == "1 2 3");
  BOOST_TEST(all_of(*first) == "");
}

BOOST_FIXTURE_TEST_CASE(the_history_of_another_site_is_left_alone, place) {
  open(*make());
  const auto other = make(10, "elsewhere");
  BOOST_TEST(open(*other).problem.message.find("another site") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_file_that_is_no_database_is_set_aside_and_a_new_one_is_begun, place) {
  std::filesystem::create_directories(dir.path() / "deep");
  std::ofstream{path} << std::string(100'000, 'x');
  const auto h = make();
  BOOST_TEST(open(*h).problem.message == "");
  keep(*h, 1, 1);
  BOOST_TEST(all_of(*h) == "1");
  BOOST_TEST(std::filesystem::exists(path + ".damaged"));
}

BOOST_AUTO_TEST_CASE(without_a_file_the_history_is_in_memory_and_bounded) {
  const auto h = make_event_history("atacama", {"", 5, 1000});
  BOOST_TEST(open(*h).last == 0U);
  keep(*h, 1, 8);
  BOOST_TEST(all_of(*h) == "4 5 6 7 8");
  BOOST_TEST(read(*h, {}).oldest == 4U);
  BOOST_TEST(open(*h).last == 8U);
}

} // namespace chasqui
