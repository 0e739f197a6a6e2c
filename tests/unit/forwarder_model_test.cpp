// The forwarder's core against a model of the primary, through thousands of random histories: whatever is
// lost, delayed or refused, every entry is applied once and in order, or is a dead letter.
#include "actors/forwarder_core.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <random>
#include <set>

namespace chasqui {

namespace {

using namespace std::chrono_literals;

enum class nature : std::uint8_t { good, poison, flaky, duplicate };

struct chance {
  explicit chance(std::uint32_t seed) : random{seed} {}
  std::mt19937 random;
  std::uint64_t up_to(std::uint64_t n) { return std::uniform_int_distribution<std::uint64_t>{0, n}(random); }
  bool one_in(std::uint64_t n) { return up_to(n - 1) == 0; }
};

// Applies segments as primary.sql does. What no barrier has flushed is lost when it crashes.
struct primary_model {
  struct state {
    seqno cursor = 0;
    std::vector<seqno> applied; // In the order of application.
    std::map<seqno, rejected> dead;
  };
  state now;
  state flushed;
  std::map<seqno, nature> natures;
  std::map<seqno, int> fails_left;

  std::string run(const segment& s) {
    const auto seq = s.what.seq;
    switch (s.kind) {
    case segment_kind::heartbeat:
      return "";
    case segment_kind::barrier:
      flushed = now;
      return "";
    case segment_kind::apply:
    case segment_kind::skip:
    case segment_kind::reject:
      break;
    }
    if (fails_left[seq] > 0) {
      --fails_left[seq];
      return "40001";
    }
    if (now.cursor != seq - 1)
      return "CQ001";
    if (s.kind == segment_kind::apply) {
      if (natures[seq] == nature::duplicate)
        return "CQ003";
      if (natures[seq] == nature::poison)
        return "23505";
      now.applied.push_back(seq);
    } else if (s.kind == segment_kind::reject) {
      now.dead[seq] = {"main", seq, s.what.id, s.sqlstate, s.message, {}};
    } else if (natures[seq] != nature::duplicate) {
      return "CQ005";
    }
    now.cursor = seq;
    return "";
  }
  void crash() { now = flushed; }
};

struct history {
  explicit history(std::uint32_t seed) : dice{seed} {
    limits.window_entries_max = 1 + dice.up_to(30);
    limits.window_bytes_max = 50 + dice.up_to(2000);
    limits.take_entries_max = 1 + dice.up_to(10);
    limits.take_bytes_max = 20 + dice.up_to(500);
    limits.barrier_entries = 1 + dice.up_to(15);
    entries_max = 1 + dice.up_to(80);
    append_every = 1 + dice.up_to(30); // From a crowded log to one that is empty most of the time.
    for (seqno seq = 1; seq <= entries_max; ++seq) {
      const auto die = dice.up_to(19);
      primary.natures[seq] = die == 0   ? nature::poison
                             : die == 1 ? nature::flaky
                             : die == 2 ? nature::duplicate
                                        : nature::good;
      if (primary.natures[seq] == nature::flaky)
        primary.fails_left[seq] = 1 + static_cast<int>(dice.up_to(5));
      sizes.push_back(dice.up_to(60));
    }
  }

  chance dice;
  forwarder_limits limits;
  primary_model primary;
  std::vector<std::uint64_t> sizes;
  seqno entries_max = 0;
  std::uint64_t append_every = 1;
  seqno head = 0;
  bool taker_waits = false;
  std::chrono::milliseconds now{0};

  std::optional<forwarder_core> core;
  std::optional<position> opening; // The session is being opened, with this position of the log.
  std::optional<take> asked;
  std::deque<seqno> hints;
  std::deque<segment> to_primary;
  std::deque<segment_answer> to_us;
  std::set<std::uint64_t> entries_in_flight; // Tickets.
  seqno committed_seq = 0;
  std::set<seqno> told_dead;
  int sessions = 0;

  [[nodiscard]] moment at() const { return {time_point{1h + now}, instant{1h + now}}; }

  // The buffer's side, with its rule for hints.
  void append() {
    if (head == entries_max || !dice.one_in(append_every))
      return;
    ++head;
    if (std::exchange(taker_waits, false) && core)
      hints.push_back(head);
  }
  void read() {
    batch b{"main", asked->from_seq, {}, head};
    std::uint64_t bytes = 0;
    for (auto seq = b.from_seq; seq <= head; ++seq) {
      const auto size = sizes[seq - 1];
      if (!b.entries.empty() && (b.entries.size() >= asked->entries_max || bytes + size > asked->bytes_max))
        break;
      bytes += size;
      b.entries.push_back({seq, {1, seq}, {}, std::string(size, 'x')});
    }
    taker_waits = (b.entries.empty() ? b.from_seq - 1 : b.entries.back().seq) >= head;
    asked.reset();
    obey(core->on_batch(std::move(b), at().steady));
  }

  void lose_session() {
    core.reset();
    opening.reset();
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
  }
  void start() {
    ++sessions;
    core.emplace("main", limits);
    opening = position{"main", 1, 1, head, 0};
  }
  void open() {
    primary_opened opened{{}, primary.now.cursor, {}, {}};
    for (const auto& [seq, letter] : primary.now.dead)
      opened.dead.push_back(letter);
    const auto log = *opening;
    opening.reset();
    obey(core->on_opened(log, std::move(opened), at().steady));
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
    const auto sqlstate = primary.run(s);
    to_us.push_back({s.ticket, sqlstate, "", {primary.flushed.cursor + 1}, 1});
  }

  void obey(forwarder_actions actions) {
    for (auto& s : actions.send) {
      if (s.kind != segment_kind::barrier && s.kind != segment_kind::heartbeat)
        entries_in_flight.insert(s.ticket);
      to_primary.push_back(std::move(s));
    }
    BOOST_REQUIRE_LE(entries_in_flight.size(), limits.window_entries_max);
    BOOST_REQUIRE_LE(core->bytes_in_flight(), limits.window_bytes_max + 60);
    for (const auto& letter : actions.refused) {
      BOOST_REQUIRE(primary.flushed.dead.contains(letter.seq));
      told_dead.insert(letter.seq);
    }
    if (actions.done) {
      BOOST_REQUIRE_LE(actions.done->seq, primary.flushed.cursor);
      committed_seq = std::max(committed_seq, actions.done->seq);
      for (const auto& [seq, letter] : primary.flushed.dead)
        if (seq <= actions.done->seq)
          BOOST_REQUIRE(told_dead.contains(seq)); // Told before it counts as committed.
    }
    if (actions.pull) {
      BOOST_REQUIRE(!asked.has_value());
      asked = actions.pull;
    }
    if (actions.quit) {
      BOOST_REQUIRE_MESSAGE(actions.quit->code == fault_code::primary_busy, actions.quit->message);
      lose_session();
    }
  }

  void step(bool calm) {
    now += std::chrono::milliseconds{dice.up_to(20)};
    switch (dice.up_to(7)) {
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
      return core && !calm && dice.one_in(15) ? lose_session() : void();
    default:
      for (auto n = dice.up_to(3); n > 0 && !to_primary.empty(); --n)
        execute();
    }
  }

  void check_end() const {
    BOOST_REQUIRE_EQUAL(committed_seq, entries_max); // It progressed to the end.
    std::vector<seqno> wanted;
    for (const auto& [seq, kind] : primary.natures) {
      if (kind == nature::good || kind == nature::flaky)
        wanted.push_back(seq);
      BOOST_REQUIRE_EQUAL(kind == nature::poison, primary.flushed.dead.contains(seq));
      BOOST_REQUIRE_EQUAL(kind == nature::poison, told_dead.contains(seq));
    }
    BOOST_REQUIRE(primary.flushed.applied == wanted); // Once, and in order.
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(every_entry_is_applied_once_and_in_order_or_is_a_dead_letter) {
  int sessions = 0;
  for (std::uint32_t seed = 1; seed <= 4000; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      history h{seed};
      for (int i = 0; i < 1500; ++i)
        h.step(false);
      for (int i = 0; i < 200'000 && h.committed_seq < h.entries_max; ++i)
        h.step(true); // The link holds from here on: all must arrive.
      h.check_end();
      sessions += h.sessions;
    }
  }
  BOOST_TEST(sessions > 8000);
}

} // namespace chasqui
