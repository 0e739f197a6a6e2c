// The forwarder's core against a model of the primary, through thousands of random histories: whatever is
// lost, delayed or refused, every entry is applied once and in order, or is a dead letter.
#include "actors/forwarder_core.hpp"
#include "tests/unit/forwarder_model.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <optional>

namespace chasqui {

namespace {

using namespace std::chrono_literals;

struct history {
  explicit history(std::uint32_t seed) : dice{seed} {
    limits.window_entries_max = 1 + dice.up_to(30);
    limits.window_bytes_max = 50 + dice.up_to(2000);
    limits.take_entries_max = 1 + dice.up_to(10);
    limits.take_bytes_max = 20 + dice.up_to(500);
    limits.careful_entries = 1 + dice.up_to(10);
    limits.barrier_entries = 1 + dice.up_to(15);
    entries_max = 1 + dice.up_to(80);
    append_every = 1 + dice.up_to(30); // From a crowded log to one that is empty most of the time.
    for (serial n = 1; n <= entries_max; ++n) {
      const auto die = dice.up_to(19);
      primary.natures[n] = die == 0   ? nature::poison
                           : die == 1 ? nature::flaky
                           : die == 2 ? nature::duplicate
                                      : nature::good;
      if (primary.natures[n] == nature::flaky)
        primary.fails_left[n] = 1 + static_cast<int>(dice.up_to(5));
      sizes.push_back(dice.up_to(60));
    }
  }

  chance dice;
  forwarder_limits limits;
  primary_model primary;
  std::vector<std::uint64_t> sizes;
  serial entries_max = 0;
  std::uint64_t append_every = 1;
  bool losses = false;
  serial submitted = 0;
  log_model log;
  bool taker_waits = false;
  std::chrono::milliseconds now{0};

  std::optional<forwarder_core> core;
  bool opening = false;
  std::optional<align> asked_way;
  std::optional<take> asked;
  std::deque<seqno> hints;
  std::deque<segment> to_primary;
  std::deque<segment_answer> to_us;
  std::set<std::uint64_t> entries_in_flight; // Tickets.
  bool in_step = false;
  seqno committed_seq = 0; // As last told in this session.
  std::set<serial> told_dead;
  std::set<serial> told_missing;
  int sessions = 0;
  int jumps = 0;

  [[nodiscard]] moment at() const { return {time_point{1h + now}, instant{1h + now}}; }

  // The buffer's side, with its rule for hints.
  void append() {
    if (submitted == entries_max || !dice.one_in(append_every))
      return;
    log.append(++submitted);
    if (std::exchange(taker_waits, false) && core)
      hints.push_back(log.head());
  }
  void read() {
    batch b{"main", asked->from_seq, {}, log.head()};
    if (b.from_seq <= b.head && !log.entries.contains(b.from_seq))
      return find_hole();
    std::uint64_t bytes = 0;
    for (auto seq = b.from_seq; log.entries.contains(seq); ++seq) {
      const auto n = log.entries.at(seq);
      const auto size = sizes[n - 1];
      if (!b.entries.empty() && (b.entries.size() >= asked->entries_max || bytes + size > asked->bytes_max))
        break;
      bytes += size;
      b.entries.push_back({seq, id_of(n), {}, std::string(size, 'x')});
    }
    taker_waits = (b.entries.empty() ? b.from_seq - 1 : b.entries.back().seq) >= b.head;
    asked.reset();
    obey(core->on_batch(std::move(b), at().steady));
  }

  void find_hole() {
    asked.reset();
    obey(core->on_hole({fault_code::diverged, "a hole", ""}, at().steady));
  }

  void lose_session() {
    core.reset();
    opening = false;
    in_step = false;
    committed_seq = 0;
    asked_way.reset();
    asked.reset();
    hints.clear();
    to_us.clear();
    entries_in_flight.clear();
    while (!to_primary.empty() && dice.one_in(2)) { // Some of what was under way still arrives.
      primary.run(to_primary.front());
      to_primary.pop_front();
    }
    to_primary.clear();
    if (dice.one_in(3))
      primary.crash();
    if (losses && dice.one_in(6))
      log.lose_some(dice);
  }
  void start() {
    ++sessions;
    core.emplace("main", limits);
    opening = true;
  }
  void open() {
    primary_opened opened{{}, primary.now.cursor, primary.now.last_id, {}};
    for (const auto& [n, letter] : primary.now.dead)
      opened.dead.push_back(letter);
    opening = false;
    obey(core->on_opened(std::move(opened), at().steady));
  }
  void align_log() {
    const auto with = *std::exchange(asked_way, std::nullopt);
    obey(core->on_alignment(log.align_with(with, dice), at().steady));
  }
  void answer() {
    std::vector<segment_answer> together;
    for (auto n = 1 + dice.up_to(to_us.size() - 1); n > 0; --n) {
      entries_in_flight.erase(to_us.front().ticket);
      together.push_back(std::move(to_us.front()));
      to_us.pop_front();
    }
    obey(core->on_answers(together, at()));
  }
  void execute() {
    const auto s = std::move(to_primary.front());
    to_primary.pop_front();
    to_us.push_back(primary.run(s));
  }

  void obey(forwarder_actions actions) {
    for (auto& s : actions.send) {
      if (!s.what.id.is_nil())
        entries_in_flight.insert(s.ticket);
      to_primary.push_back(std::move(s));
    }
    BOOST_REQUIRE_LE(entries_in_flight.size(), limits.window_entries_max);
    BOOST_REQUIRE_LE(core->bytes_in_flight(), limits.window_bytes_max + 60);
    for (const auto& letter : actions.refused) {
      BOOST_REQUIRE(primary.flushed.dead.contains(letter.id.low));
      told_dead.insert(letter.id.low);
    }
    if (actions.done) {
      BOOST_REQUIRE_LE(actions.done->seq, primary.flushed.cursor);
      committed_seq = actions.done->seq;
      for (const auto& [n, letter] : primary.flushed.dead)
        if (letter.seq <= actions.done->seq)
          BOOST_REQUIRE(told_dead.contains(n)); // Told before it counts as committed.
    }
    if (actions.lost)
      for (const auto id : actions.lost->ids) {
        BOOST_REQUIRE(log.lost.contains(id.low) && primary.missing.contains(id.low));
        told_missing.insert(id.low);
      }
    if (actions.ask)
      asked_way = actions.ask;
    jumps += actions.lost ? 1 : 0;
    in_step = in_step || actions.in_step;
    if (actions.pull) {
      BOOST_REQUIRE(!asked.has_value());
      asked = actions.pull;
    }
    if (actions.quit) {
      const bool expected =
          actions.quit->code == fault_code::primary_busy || actions.quit->message == "a hole";
      BOOST_REQUIRE_MESSAGE(expected, actions.quit->message);
      lose_session();
    }
  }

  void step(bool calm) {
    now += std::chrono::milliseconds{dice.up_to(20)};
    switch (dice.up_to(8)) {
    case 0:
      return append();
    case 1:
      return core ? void() : start();
    case 2:
      return opening ? open() : void();
    case 3:
      return asked ? read() : void();
    case 4:
      return to_us.empty() ? void() : answer();
    case 5:
      if (core && !hints.empty()) {
        const auto hint = hints.front();
        hints.pop_front();
        obey(core->on_available({"main", hint}));
      }
      return;
    case 6:
      return asked_way ? align_log() : void();
    case 7:
      return core && !calm && dice.one_in(15) ? lose_session() : void();
    default:
      for (auto n = dice.up_to(3); n > 0 && !to_primary.empty(); --n)
        execute();
    }
  }

  [[nodiscard]] bool finished() const {
    return submitted == entries_max && in_step && committed_seq == log.head();
  }

  void check_end() const {
    BOOST_REQUIRE(finished()); // It progressed to the end.
    const auto& applied = primary.flushed.applied;
    BOOST_REQUIRE(std::is_sorted(applied.begin(), applied.end()));                      // In order, ...
    BOOST_REQUIRE(std::adjacent_find(applied.begin(), applied.end()) == applied.end()); // ... once, ...
    const std::set<serial> done{applied.begin(), applied.end()};
    for (const auto& [n, kind] : primary.natures) { // ... and all that was not lost.
      const bool decent = kind == nature::good || kind == nature::flaky;
      const bool dead = primary.flushed.dead.contains(n);
      BOOST_REQUIRE_EQUAL(dead, told_dead.contains(n));
      BOOST_REQUIRE(!dead || kind == nature::poison);
      BOOST_REQUIRE(!done.contains(n) || decent);
      if (!log.lost.contains(n))
        BOOST_REQUIRE(kind == nature::duplicate || (decent ? done.contains(n) : dead));
      if (told_missing.contains(n))
        BOOST_REQUIRE(!done.contains(n) && !dead);
    }
  }
};

struct totals {
  int sessions = 0;
  int jumps = 0;
  std::size_t missing = 0;
};

totals play(std::uint32_t seeds, bool losses) {
  totals out;
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      history h{seed};
      h.losses = losses;
      for (int i = 0; i < 1500; ++i)
        h.step(false);
      h.losses = false;
      for (int i = 0; i < 200'000 && !h.finished(); ++i)
        h.step(true); // The link holds from here on: all must arrive.
      h.check_end();
      out.sessions += h.sessions;
      out.jumps += h.jumps;
      out.missing += h.told_missing.size();
    }
  }
  return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_entry_is_applied_once_and_in_order_or_is_a_dead_letter) {
  const auto seen = play(2000, false);
  BOOST_TEST(seen.sessions > 4000);
  BOOST_TEST(seen.jumps == 0);
}

BOOST_AUTO_TEST_CASE(a_log_that_loses_entries_loses_no_others_and_the_lost_ones_are_named) {
  const auto seen = play(2000, true);
  BOOST_TEST(seen.jumps > 1000);
  BOOST_TEST(seen.missing > 200U);
}

} // namespace chasqui
