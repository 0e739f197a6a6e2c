#pragma once

#include "actors/forwarder_verdict.hpp"
#include "adapters/postgres.hpp"
#include "tests/support/sandbox.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

namespace chasqui::test {

using namespace std::chrono_literals;

/// One sandbox for all tests; every test works under a site of its own, so that its log starts at 1.
struct shared_sandbox {
  shared_sandbox() : cologne{{"--store", "journal", "--rtt", "0"}} {
    sql(cologne.direct_dsn(), "CREATE TABLE item (id int PRIMARY KEY, name text, note text)");
    sql(cologne.direct_dsn(), "GRANT ALL ON item TO PUBLIC");
    current = &cologne;
  }
  shared_sandbox(const shared_sandbox&) = delete;
  shared_sandbox& operator=(const shared_sandbox&) = delete;
  ~shared_sandbox() { current = nullptr; }

  sandbox cologne;
  static inline sandbox* current = nullptr;
};

inline sandbox& cologne() { return *shared_sandbox::current; }
inline std::string ask(const std::string& query) { return sql(cologne().direct_dsn(), query); }

inline std::string new_site() {
  static std::atomic<int> made{0};
  return "site" + std::to_string(++made);
}

inline postgres_settings across_the_link(std::chrono::milliseconds timeout = 60s) {
  return {cologne().primary_dsn(), timeout};
}

/// Writes down what a session says.
struct heard {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<primary_opened> opened;
  std::vector<segment_answer> answers;
  std::optional<fault> lost;
  bool destroyed = false;
  int calls_too_late = 0;

  template <class Change> void note(Change change) {
    const std::lock_guard lock{mutex};
    calls_too_late += destroyed || lost ? 1 : 0;
    change();
    changed.notify_all();
  }

  template <class Condition> bool wait(Condition condition, std::chrono::seconds within = long_enough) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, within, condition);
  }
};

/// Of heartbeats whose answers nobody wants.
inline constexpr std::uint64_t nobodys_ticket = 0;

inline primary_listener listener_to(std::shared_ptr<heard> notes) {
  primary_listener l;
  l.opened = [notes](primary_opened o) { notes->note([&] { notes->opened = std::move(o); }); };
  l.answered = [notes](std::vector<segment_answer> a) {
    notes->note([&] {
      std::copy_if(a.begin(), a.end(), std::back_inserter(notes->answers),
                   [](const segment_answer& one) { return one.ticket != nobodys_ticket; });
    });
  };
  l.lost = [notes](fault f) { notes->note([&] { notes->lost = std::move(f); }); };
  return l;
}

/// A session of one lane, and what it has said.
class lane_session {
public:
  explicit lane_session(const std::string& site, epoch_no epoch = 1,
                        postgres_settings settings = across_the_link(), seqno dead_after = 0)
      : primary_{make_primary(io_, site, std::move(settings))},
        session_{primary_->open({"main", epoch, dead_after, passing_sqlstates()}, listener_to(notes_))} {}
  ~lane_session() { destroy(); }
  lane_session(const lane_session&) = delete;
  lane_session& operator=(const lane_session&) = delete;

  primary_opened opened() {
    BOOST_TEST_REQUIRE(notes_->wait([&] { return notes_->opened.has_value(); }));
    const std::lock_guard lock{notes_->mutex};
    return *notes_->opened;
  }

  /// Each in a transaction of its own.
  void send(std::vector<segment> segments) {
    std::vector<segment> apart;
    for (auto& s : segments) {
      s.ticket = ++sent_;
      apart.push_back(std::move(s));
      apart.emplace_back().ticket = nobodys_ticket; // What is not an entry shares nothing.
    }
    session_->send(std::move(apart));
  }

  /// Entries in one transaction.
  void send_together(std::vector<segment> segments) {
    for (auto& s : segments) {
      s.ticket = ++sent_;
    }
    session_->send(std::move(segments));
  }

  /// All answers, as soon as everything sent is answered.
  std::vector<segment_answer> answers() {
    BOOST_TEST_REQUIRE(notes_->wait([&] { return notes_->answers.size() >= sent_; }));
    const std::lock_guard lock{notes_->mutex};
    return notes_->answers;
  }

  /// What became of these segments, in order: `ok*2 23505 CQ001`.
  std::string outcomes(std::vector<segment> segments) {
    const auto before = sent_;
    send(std::move(segments));
    return outcomes_after(before);
  }
  std::string outcomes_together(std::vector<segment> segments) {
    const auto before = sent_;
    send_together(std::move(segments));
    return outcomes_after(before);
  }
  std::string outcomes_after(std::uint64_t before) {
    const auto all = answers();
    std::string text;
    for (std::size_t i = before, run = 1; i < all.size(); ++i, ++run) {
      BOOST_TEST(all[i].ticket == i + 1);
      if (i + 1 == all.size() || all[i + 1].sqlstate != all[i].sqlstate) {
        text += (text.empty() ? "" : " ") + (all[i].sqlstate.empty() ? "ok" : all[i].sqlstate);
        text += run > 1 ? "*" + std::to_string(run) : "";
        run = 0;
      }
    }
    return text;
  }

  std::optional<fault> lost(std::chrono::seconds within = long_enough) {
    notes_->wait([&] { return notes_->lost.has_value(); }, within);
    const std::lock_guard lock{notes_->mutex};
    return notes_->lost;
  }

  heard& notes() { return *notes_; }

  void destroy() {
    session_.reset();
    const std::lock_guard lock{notes_->mutex};
    notes_->destroyed = true;
  }

private:
  std::shared_ptr<heard> notes_ = std::make_shared<heard>();
  io_thread io_;
  std::unique_ptr<primary_port> primary_;
  std::unique_ptr<primary_session> session_;
  std::uint64_t sent_ = 0;
};

inline uuid new_id() {
  static std::uint64_t made = 0;
  return make_uuid7(instant{1'800'000'000s}, 7, ++made);
}

inline segment entry_of(seqno seq, const std::string& steps, uuid id = new_id()) {
  segment s;
  s.kind = segment_kind::apply;
  s.what = {seq, id, {}, R"({"id":")" + to_string(id) + R"(","lane":"main","steps":[)" + steps + "]}"};
  return s;
}

/// The same entry, for the primary to decide upon.
inline segment attempt(segment s) {
  s.kind = segment_kind::attempt;
  return s;
}

/// An entry that is wrong in any case.
inline std::string nonsense() { return R"({"op":"insert","table":"nowhere","rows":[{"id":1}]})"; }

inline segment realign(seqno from, seqno to, std::vector<uuid> suspects) {
  segment s;
  s.kind = segment_kind::realign;
  s.over = {from, to, std::move(suspects)};
  return s;
}

inline segment barrier() {
  segment s;
  s.kind = segment_kind::barrier;
  return s;
}

/// Ids that no other test uses.
inline int new_item() {
  static int made = 0;
  return ++made;
}

inline std::string insert_item(int id, const std::string& name = "x") {
  return R"({"op":"insert","table":"item","rows":[{"id":)" + std::to_string(id) + R"(,"name":")" + name +
         R"("}]})";
}

inline std::string name_of(int id) { return ask("SELECT name FROM item WHERE id = " + std::to_string(id)); }

} // namespace chasqui::test
