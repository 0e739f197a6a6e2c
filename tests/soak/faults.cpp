#include "tests/soak/faults.hpp"

#include "tests/support/child_process.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <chrono>
#include <csignal>
#include <stdexcept>

namespace chasqui::soak {

namespace {

using namespace std::chrono_literals;
using test::in;

constexpr auto redis_patience = 30s;

/// What Redis is told; a Redis that does not take it is an error of the soak.
void redis(target& t, const std::vector<std::string>& words) {
  std::vector<std::string> argv{"redis-cli", "-e", "-s", t.site.box().redis_socket()};
  argv.insert(argv.end(), words.begin(), words.end());
  test::child_process client{argv};
  if (client.wait(in(redis_patience)) != 0)
    throw std::runtime_error{"Redis does not take " + words.front()};
}

std::string one_of(std::uint64_t draw, std::initializer_list<const char*> choices) {
  return *(choices.begin() + static_cast<std::ptrdiff_t>(draw % choices.size()));
}

std::string figure(const char* key, std::uint64_t value) {
  return std::string{key} + "=" + std::to_string(value);
}

void open_link(target& t) {
  t.site.box().link({"mode=open", "latency_ms=20", "jitter_ms=0", "rate_kbps=0", "loss=0",
                     "cut_after_bytes=off", "cut_direction=both"});
}

fault_case killed(std::string_view name, part p, const char* which, std::chrono::milliseconds hold,
                  int weight) {
  return {{name, {p}, hold, weight},
          [which](target& t, std::uint64_t) { t.site.box().kill(which); },
          [which](target& t) { t.site.box().start(which); }};
}

fault_case frozen(std::string_view name, part p, const char* which, std::chrono::milliseconds hold,
                  int weight) {
  return {{name, {p}, hold, weight},
          [which](target& t, std::uint64_t) { t.site.box().stop(which); },
          [which](target& t) { t.site.box().cont(which); }};
}

using conditions = std::function<std::vector<std::string>(std::uint64_t draw)>;

fault_case link_made(std::string_view name, std::chrono::milliseconds hold, int weight,
                     const conditions& which) {
  return {{name, {part::link}, hold, weight},
          [which](target& t, std::uint64_t draw) { t.site.box().link(which(draw)); },
          open_link};
}

fault_case redis_told(std::string_view name, std::chrono::milliseconds hold, int weight,
                      const std::vector<std::string>& bad, const std::vector<std::string>& good) {
  return {{name, {part::redis}, hold, weight},
          [bad](target& t, std::uint64_t) { redis(t, bad); },
          [good](target& t) { redis(t, good); }};
}

void restart_redis(target& t, std::uint64_t) {
  redis(t, {"SHUTDOWN"});
  t.site.box().start("redis");
}

void pause_replay(target& t, std::uint64_t) {
  test::sql(t.site.box().replica_dsn(), "SELECT pg_wal_replay_pause()");
}
void resume_replay(target& t) { test::sql(t.site.box().replica_dsn(), "SELECT pg_wal_replay_resume()"); }

std::uint64_t applied_on(test::database& server) {
  return std::stoull(server.value("SELECT coalesce(sum(last_seq), 0) FROM chasqui.cursor"));
}

/// The new primary lacks what the old one committed since the replica was killed; if nothing can be committed
/// at the moment, that is nothing.
void fail_over(target& t, std::uint64_t draw) {
  constexpr std::uint64_t behind_max = 500;
  constexpr auto patience = 8s;
  auto& box = t.site.box();
  box.kill("replica");
  test::database old{box.direct_dsn()};
  auto had = applied_on(old);
  const auto wanted = had + 1 + draw % behind_max;
  test::wait_until([&] { return (had = applied_on(old)) >= wanted; }, in(patience));
  box.kill("primary");
  box.start("replica");
  box.promote();
  test::database promoted{box.replica_dsn()};
  const auto has = applied_on(promoted);
  t.commits_undone += had > has ? had - has : 0;
}

std::vector<fault_case> make_cases() {
  std::vector<fault_case> all;
  all.push_back({{"daemon killed", {part::daemon}, 3s, 4},
                 [](target& t, std::uint64_t) { t.site.kill(); },
                 [](target& t) { t.site.start(); }});
  all.push_back({{"daemon frozen", {part::daemon}, 8s, 3},
                 [](target& t, std::uint64_t) { t.site.daemon().signal(SIGSTOP); },
                 [](target& t) { t.site.daemon().signal(SIGCONT); }});
  all.push_back(killed("Redis killed", part::redis, "redis", 6s, 3));
  all.push_back(frozen("Redis frozen", part::redis, "redis", 6s, 3));
  all.push_back({{"Redis restarted", {part::redis}, 0s, 1}, restart_redis, [](target&) {}});
  all.push_back(redis_told("Redis full", 6s, 2, {"CONFIG", "SET", "maxmemory", "1"},
                           {"CONFIG", "SET", "maxmemory", "0"}));
  all.push_back(
      redis_told("Redis read-only", 4s, 1, {"REPLICAOF", "127.0.0.1", "1"}, {"REPLICAOF", "NO", "ONE"}));
  all.push_back({{"journal's disk full", {part::journal}, 8s, 3},
                 [](target& t, std::uint64_t) { t.journal_disk.fill(); },
                 [](target& t) { t.journal_disk.empty(); }});
  all.push_back(killed("primary killed", part::primary, "primary", 5s, 2));
  all.push_back(frozen("primary frozen", part::primary, "primary", 10s, 2));
  all.push_back(killed("replica killed", part::replica, "replica", 5s, 2));
  all.push_back(frozen("replica frozen", part::replica, "replica", 8s, 2));
  all.push_back({{"replay paused", {part::replica}, 8s, 2}, pause_replay, resume_replay});
  all.push_back(killed("link killed", part::link, "link", 4s, 2));
  all.push_back(frozen("link frozen", part::link, "link", 8s, 1));
  all.push_back(
      link_made("link black hole", 12s, 3, [](auto) { return std::vector<std::string>{"mode=blackhole"}; }));
  all.push_back(
      link_made("link one way", 10s, 2, [](auto) { return std::vector<std::string>{"mode=oneway"}; }));
  all.push_back(link_made("link reset", 4s, 2, [](auto) { return std::vector<std::string>{"mode=reset"}; }));
  all.push_back(link_made("link cut after n bytes", 4s, 5, [](std::uint64_t draw) {
    return std::vector<std::string>{figure("cut_after_bytes", draw % 30'000),
                                    "cut_direction=" + one_of(draw / 30'000, {"up", "down", "both"})};
  }));
  all.push_back(link_made("link slower", 10s, 2, [](std::uint64_t draw) {
    return std::vector<std::string>{figure("latency_ms", draw % 500), figure("jitter_ms", draw / 500 % 100)};
  }));
  all.push_back(link_made("link thinner", 10s, 2, [](std::uint64_t draw) {
    return std::vector<std::string>{figure("rate_kbps", 128 + draw % 2000)};
  }));
  all.push_back({{"failover", {part::primary, part::replica, part::link}, 6s, 1}, fail_over, [](target& t) {
                   t.site.box().rejoin();
                 }});
  return all;
}

} // namespace

const std::vector<fault_case>& fault_cases() {
  static const auto all = make_cases();
  return all;
}

} // namespace chasqui::soak
