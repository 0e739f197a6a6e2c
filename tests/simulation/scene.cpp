#include "tests/simulation/scene.hpp"

#include <array>

namespace chasqui::simulation {

namespace {

constexpr std::array passing_errors{"40001", "53300", "55P03", "57014", "58030"};

sim_time microseconds_of(const deed& d) { return sim_time{static_cast<std::int64_t>(d.amount)}; }

} // namespace

scene::scene(const plan& p, std::uint64_t seed)
    : events{seed ^ 0x9E37'79B9'7F4A'7C15}, account{p.how.lanes.size()}, path{events},
      primary{events, account, p.how.lanes.size()}, access{events, account, path, primary},
      replica{events, account, path, primary, p.how.lanes.size()}, log{events, account, store}, plan_{p} {
  store.promise = p.promise;
  path.latency = p.latency;
}

void scene::carry_out(const deed& d) {
  replica.catch_up(); // It stays where it is now if it is cut off.
  trouble_link(d);
  trouble_primary(d);
  trouble_replica(d);
  trouble_store(d);
}

void scene::heal() {
  for (const auto kind : {deed_kind::heal_link, deed_kind::primary_start, deed_kind::primary_calm,
                          deed_kind::replica_start, deed_kind::store_start})
    carry_out({events.now(), kind, 0, 0});
  path.latency = plan_.latency;
  log.crash_in(0);
  if (replica.is_stranded())
    replica.rebuild();
}

void scene::lose_power() {
  log.become(log_condition::down);
  account.destroyed(store.lose_power());
  log.become(log_condition::running);
}

void scene::trouble_link(const deed& d) {
  switch (d.kind) {
  case deed_kind::latency:
    path.latency = microseconds_of(d) + std::chrono::milliseconds{1};
    return;
  case deed_kind::black_hole:
    path.block(way::out);
    return path.block(way::back);
  case deed_kind::lose_outward:
    return path.block(way::out);
  case deed_kind::lose_homeward:
    return path.block(way::back);
  case deed_kind::heal_link:
    return path.unblock();
  case deed_kind::reset_link:
    return access.reset();
  case deed_kind::forget_connections:
    return access.forget();
  default:
    return;
  }
}

void scene::trouble_primary(const deed& d) {
  switch (d.kind) {
  case deed_kind::primary_crash:
    primary.crash();
    return access.end_sessions();
  case deed_kind::primary_start:
    primary.up = true;
    return;
  case deed_kind::primary_trouble:
    primary.trouble = passing_errors.at(d.amount % passing_errors.size());
    return;
  case deed_kind::primary_calm:
    primary.trouble.clear();
    primary.slowness = {};
    return;
  case deed_kind::primary_slow:
    primary.slowness = microseconds_of(d);
    return;
  case deed_kind::primary_ends_sessions:
    return access.end_sessions();
  case deed_kind::failover:
    return fail_over(microseconds_of(d));
  default:
    return;
  }
}

// The standby has what the site no longer has, or may stop having: a longer lag than the site keeps entries
// for is a loss that nobody can mend.
void scene::fail_over(sim_time standby_lag) {
  std::vector<seqno> kept;
  for (std::size_t lane = 0; lane < plan_.how.lanes.size(); ++lane)
    kept.push_back(account.beyond_recall(lane, plan_.how.buffer.retain_entries));
  primary.up = false;
  primary.fail_over(kept, standby_lag);
  access.end_sessions();
  replica.follow(primary.wal().size());
  events.after(standby_lag * 10, [this] { // Somebody sees that it is stranded.
    if (replica.is_stranded())
      replica.rebuild();
  });
}

void scene::trouble_replica(const deed& d) {
  switch (d.kind) {
  case deed_kind::replica_lag:
    replica.lag = microseconds_of(d);
    return;
  case deed_kind::replica_pause:
    replica.paused = true;
    return;
  case deed_kind::replica_stop:
    replica.up = false;
    return;
  case deed_kind::replica_start:
    replica.up = true;
    replica.paused = false;
    replica.lag = {};
    return;
  case deed_kind::replica_rebuild:
    return replica.rebuild();
  default:
    return;
  }
}

void scene::trouble_store(const deed& d) {
  switch (d.kind) {
  case deed_kind::store_hang:
    return log.become(log_condition::hanging);
  case deed_kind::store_crash:
    return log.crash_in(d.amount + 1);
  case deed_kind::store_start:
    store.full = store.disk_full = false;
    return log.become(log_condition::running);
  case deed_kind::store_full:
    store.full = true;
    store.disk_full = d.detail == 1;
    return;
  case deed_kind::store_wiped:
    return account.destroyed(store.wipe());
  default:
    return;
  }
}

} // namespace chasqui::simulation
