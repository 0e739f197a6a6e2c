// How fast a backlog drains: rows 3, 3b, 4, 5 and 11, and what bad entries cost.

#include "tests/bench/bare_pipeline.hpp"
#include "tests/bench/bare_stores.hpp"
#include "tests/bench/context.hpp"
#include "tests/bench/latencies.hpp"
#include "tests/bench/logical.hpp"
#include "tests/bench/progress.hpp"
#include "tests/bench/workload.hpp"
#include "tests/support/sql.hpp"

#include <nlohmann/json.hpp>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <stdexcept>

namespace chasqui::bench {

namespace {

using namespace std::chrono_literals;

constexpr int rtt_ms = 300;
constexpr std::uint64_t entries_full = 500'000;

void write_curve(const std::string& file, const drain_curve& curve) {
  std::ofstream out{file};
  for (const auto& [s, done] : curve)
    out << s << ' ' << done << '\n';
}

/// Follows what is committed by the events, which cost the site less than questions.
class follower {
public:
  explicit follower(runtime& site)
      : site_{site}, began_{steady::now()}, subscription_{
                                                site.subscribe([this](const event& e) { hear(e); })} {}
  follower(const follower&) = delete;
  follower& operator=(const follower&) = delete;
  ~follower() { site_.unsubscribe(subscription_); }

  /// The curve until `head` is committed.
  drained wait_for(seqno head, seqno from) {
    progress bar{"draining", static_cast<double>(head - from)};
    std::unique_lock lock{mutex_};
    const auto deadline = steady::now() + 10min;
    while (committed_ < head && steady::now() < deadline) {
      changed_.wait_for(lock, 200ms);
      bar.at(static_cast<double>(committed_ > from ? committed_ - from : 0));
    }
    if (committed_ < head)
      throw std::runtime_error("the backlog does not drain");
    drained out;
    for (const auto& [s, seq] : curve_)
      out.curve.emplace_back(s, static_cast<double>(seq - from));
    out.seconds = curve_.back().first;
    return out;
  }

private:
  void hear(const event& e) {
    if (e.kind != event_kind::committed)
      return;
    const std::lock_guard lock{mutex_};
    committed_ = e.to_seq;
    curve_.emplace_back(s_since(began_), committed_);
    changed_.notify_one();
  }

  runtime& site_;
  steady::time_point began_;
  std::mutex mutex_;
  std::condition_variable changed_;
  seqno committed_ = 0;
  std::vector<std::pair<double, seqno>> curve_;
  std::uint64_t subscription_;
};

/// Lets the backlog go; until the last entry is durable on the primary, as far as the site knows.
drained drain(runtime& site) {
  const auto start = lane_of(site);
  follower done{site};
  resume_link(site);
  return done.wait_for(start.head, start.committed);
}

double wait_until_replicated(runtime& site) {
  const auto began = steady::now();
  const auto answer = site.wait({condition::replicated, {}, {}, 60s});
  if (std::holds_alternative<fault>(answer))
    throw std::runtime_error("the backlog does not reach the replica");
  return s_since(began);
}

std::pair<double, double> link_bytes(const test::sandbox& box) {
  const auto bytes = nlohmann::json::parse(box.link_state()).at("bytes");
  return {bytes.at("up"), bytes.at("down")};
}

/// One transaction a round trip, as a client does that waits for each commit; how many a second.
double one_by_one(const std::string& dsn) {
  constexpr std::uint64_t transactions = 20;
  test::database db{dsn};
  const auto began = steady::now();
  for (std::uint64_t i = 0; i < transactions; ++i)
    db.rows("INSERT INTO raw_data_file (id, executed_obs_unit_id, name) VALUES (gen_random_uuid(), "
            "'0197a4e2-5a5a-7000-8000-00000000b001', 'one by one')");
  return static_cast<double>(transactions) / s_since(began);
}

/// The site of all these rows, and what is found out about it.
class drains {
public:
  explicit drains(context& c) : c_{c}, entries_{c.scaled(entries_full, 5000)} {
    plant_parents(box_.direct_dsn());
    site_ = start_runtime(settings_of(box_));
  }

  void far() {
    backlog();
    const auto before = link_bytes(box_);
    const auto ours = drain(*site_);
    const double catching_up = wait_until_replicated(*site_);
    const auto after = link_bytes(box_);
    write_curve(c_.curve("drain_ours"), ours.curve);
    far_ = per_s(ours);
    replicated_ = static_cast<double>(entries_) / (ours.seconds + catching_up);
    up_ = (after.first - before.first) / static_cast<double>(entries_);
    down_ = (after.second - before.second) / static_cast<double>(entries_);
  }

  void against_bare_pipeline() {
    clear_primary(box_.direct_dsn());
    const auto bare = drain_by_bare_pipeline(box_.primary_dsn(), ready_statements{entries_});
    write_curve(c_.curve("drain_bare"), bare.curve);
    const std::string is = "the same statements and barriers by a bare libpq pipeline";
    add("3 drain until committed, round trip 300 ms", far_, per_s(bare), 0.8, is);
    c_.results.add({"3 drain until replicated, round trip 300 ms", replicated_, per_s(bare), "txn/s",
                    goal_is::none, 0, 0, is + ", until committed"});
  }

  void against_logical_replication() {
    clear_primary(box_.direct_dsn());
    const auto theirs = drain_by_logical_replication(box_, entries_, rtt_ms);
    write_curve(c_.curve("drain_logical"), theirs.curve);
    add("3b drain, round trip 300 ms, against logical replication", far_, per_s(theirs), 1,
        "PostgreSQL's logical replication of as many transactions over such a link, until the last row is "
        "there");
  }

  void near() {
    clear_primary(box_.direct_dsn());
    backlog();
    box_.link({"latency_ms=0"});
    const auto near = drain(*site_);
    write_curve(c_.curve("drain_near"), near.curve);
    box_.link({"latency_ms=150"});
    add("4 drain, round trip 300 ms, against 0 ms", far_, per_s(near), 0.9, "the same drain at 0 ms");
  }

  void against_one_by_one() {
    add("5 drain, round trip 300 ms, against one by one", far_, one_by_one(box_.primary_dsn()), 3000,
        "a transaction a round trip on one connection, as the Python system does");
  }

  void on_the_wire() {
    const auto size = static_cast<double>(payload_.size());
    c_.results.add({"11 bytes on the wire per transaction, to Cologne", up_, size, "bytes", goal_is::at_most,
                    1.3, 0, "the payload in the log"});
    c_.results.add({"11 bytes on the wire per transaction, back, the replica's WAL among them", down_, size,
                    "bytes", goal_is::none, 0, 0, "the payload in the log"});
  }

  /// What a bad entry costs in a backlog that has many.
  void with_bad_ones() {
    const auto entries = c_.scaled(100'000, 2000);
    double clean = 0;
    double bad = 0;
    for (const bool with_bad_ones : {false, true}) {
      clear_primary(box_.direct_dsn());
      pause_link(*site_);
      fill(*site_, entries, fill_in_flight, with_bad_ones);
      (with_bad_ones ? bad : clean) = drain(*site_).seconds;
    }
    const double each_ms = 1000 * (bad - clean) / (static_cast<double>(entries) / bad_every);
    c_.results.add({"bad: what one bad entry in 100 costs each, round trip 300 ms", each_ms, rtt_ms, "ms",
                    goal_is::at_most, 0.1, 0, "a round trip"});
  }

private:
  [[nodiscard]] double per_s(const drained& d) const { return static_cast<double>(entries_) / d.seconds; }

  void backlog() {
    pause_link(*site_);
    fill(*site_, entries_, fill_in_flight);
    if (payload_.empty())
      payload_ = bare_redis{box_.redis_socket()}.first_payload("chasqui:{sandbox}:log:main");
  }

  void add(const std::string& name, double ours, double reference, double goal, const std::string& is) {
    c_.results.add({name, ours, reference, "txn/s", goal_is::at_least, goal, 0, is});
  }

  context& c_;
  std::uint64_t entries_;
  test::sandbox box_{{"--rtt", std::to_string(rtt_ms)}};
  std::unique_ptr<runtime> site_;
  std::string payload_;
  double far_ = 0;
  double replicated_ = 0;
  double up_ = 0;
  double down_ = 0;
};

} // namespace

void bench_drain(context& c) {
  if (!c.wants_any({"3", "3b", "4", "5", "11", "bad"}))
    return;
  drains d{c};
  if (c.wants_any({"3", "3b", "4", "5", "11"}))
    d.far();
  if (c.wants("3"))
    d.against_bare_pipeline();
  if (c.wants("3b"))
    d.against_logical_replication();
  if (c.wants("4"))
    d.near();
  if (c.wants("5"))
    d.against_one_by_one();
  if (c.wants("11"))
    d.on_the_wire();
  if (c.wants("bad"))
    d.with_bad_ones();
}

} // namespace chasqui::bench
