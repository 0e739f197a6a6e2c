#include "tests/simulation/scene.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace chasqui::simulation {

namespace {

constexpr std::array passing_errors{"40001", "53300", "55P03", "57014", "58030"};

const log_server* first_of(const plan& p, log_access& redis) {
  return p.stores == stores_there::journal ? nullptr : &redis.server();
}

sim_time microseconds_of(const deed& d) { return sim_time{static_cast<std::int64_t>(d.amount)}; }

} // namespace

scene::scene(const plan& p, std::uint64_t seed)
    : events{seed ^ 0x9E37'79B9'7F4A'7C15}, account{p.how.lanes.size()}, path{events},
      primary{events, account, p.how.lanes.size()}, access{events, account, path, primary},
      replica{events, account, path, primary, p.how.lanes.size()}, redis{events, account, store_kind::redis},
      journals{log_access{events, account, store_kind::journal, first_of(p, redis)},
               {events, account, store_kind::journal, first_of(p, redis)}},
      plan_{p} {
  redis.server().promise = p.promise;
  // A runtime that was replaced, and does not know it yet, has other names on its roll.
  primary.jumped = [this](const claimant& who) {
    if (who.life->machine != machine)
      account.forget_all_names();
  };
  account.is_kept = [this](const uuid& id) { return has(id); };
  path.latency = p.latency;
}

bool scene::has(const uuid& id) const {
  return redis.holds().has(id) ||
         std::any_of(journals.begin(), journals.end(), [&](const auto& j) { return j.holds().has(id); });
}

bool scene::was_renumbered() const {
  return redis.server().was_renumbered() || std::any_of(journals.begin(), journals.end(), [](const auto& j) {
           return j.server().was_renumbered();
         });
}

void scene::carry_out(const deed& d) {
  replica.catch_up(); // It stays where it is now if it is cut off.
  trouble_link(d);
  trouble_primary(d);
  trouble_replica(d);
  trouble_redis(d);
  trouble_journal(d);
  if (d.kind >= deed_kind::redis_hang && d.kind <= deed_kind::take_over &&
      d.kind != deed_kind::redis_snapshot)
    trouble_at = events.now();
}

void scene::heal() {
  for (const auto kind : {deed_kind::heal_link, deed_kind::primary_start, deed_kind::primary_calm,
                          deed_kind::replica_start, deed_kind::redis_start, deed_kind::journal_start})
    carry_out({events.now(), kind, 0, 0});
  path.latency = plan_.latency;
  redis.crash_in(0);
  if (replica.is_stranded())
    replica.rebuild();
}

void scene::lose_power() {
  redis.become(log_condition::down);
  for (auto& one : journals)
    lose(one.server().lose_power());
  if (plan_.redis_loses)
    lose(redis.server().lose_power());
  redis.become(log_condition::running);
}

void scene::change_machine() {
  leave_journal();
  machine = 1 - machine;
  redis.server().break_lease();
}

// What a journal has stays there until its machine has the log again; what it alone could name has no name.
void scene::leave_journal() {
  account.left_behind(journal().holds().entries());
  account.forget_all_names();
}

void scene::lose(losses lost) {
  const auto& roll = journal().holds();
  const bool can_name = plan_.stores == stores_there::both && !journal().server().unwilling;
  account.destroyed(lost.entries, [&](const uuid& id) {
    const auto number = roll.number_on_roll(id);
    // The primary has passed it with another one, from another machine: nobody asks for this one any more.
    const bool is_passed = number != 0 && number <= primary.cursor(account.of(id).lane);
    return can_name && !is_passed && (number != 0 || is_noted(id));
  });
  account.forget_names(lost.lines);
  account.letters_lost(lost.letters);
}

// The runtime notes soon what Redis has kept, if nothing is wrong with the journal; and it may need a while
// to use one that has come back.
bool scene::is_noted(const uuid& id) const {
  constexpr sim_time soon{std::chrono::seconds{5}};
  constexpr sim_time comes_back_within{std::chrono::seconds{20}};
  const auto kept = account.of(id).kept_by_redis;
  return kept && *kept >= trouble_at + comes_back_within && *kept + soon <= events.now();
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
  const auto& buffer = plan_.how.buffer;
  const auto retained = buffer.retain_for_ms == milliseconds{0} ? 0 : buffer.retain_entries;
  std::vector<seqno> kept;
  for (std::size_t lane = 0; lane < plan_.how.lanes.size(); ++lane)
    kept.push_back(account.beyond_recall(lane, retained));
  for (const auto& r : primary.wal())
    if (r.seq != 0 && !has(r.id))
      kept[r.lane] = std::max(kept[r.lane], r.seq);
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

void scene::trouble_redis(const deed& d) {
  auto& store = redis.server();
  switch (d.kind) {
  case deed_kind::redis_hang:
    return redis.become(log_condition::hanging);
  case deed_kind::redis_crash:
    return redis.crash_in(d.amount + 1);
  case deed_kind::redis_start:
    store.full = store.disk_full = store.unwilling = false;
    store.slowness = {};
    return redis.become(log_condition::running);
  case deed_kind::redis_full:
    store.full = true;
    store.disk_full = d.detail == 1;
    return;
  case deed_kind::redis_slow:
    store.slowness = microseconds_of(d);
    return;
  case deed_kind::redis_read_only:
    store.unwilling = true;
    return;
  case deed_kind::redis_emptied:
    if (d.detail == 1)
      redis.become(log_condition::down);
    redis.forget_owner();
    return lose(store.wipe());
  case deed_kind::redis_snapshot:
    return store.take_snapshot();
  case deed_kind::redis_older:
    redis.become(log_condition::down);
    redis.forget_owner();
    lose(store.go_back());
    account.brought_back(store.holds().entries());
    return redis.become(log_condition::running);
  default:
    return;
  }
}

void scene::trouble_journal(const deed& d) {
  auto& store = journal().server();
  switch (d.kind) {
  case deed_kind::journal_full:
    store.full = true;
    return;
  case deed_kind::journal_slow:
    store.slowness = microseconds_of(d);
    return;
  case deed_kind::journal_away:
    leave_journal();
    store.unwilling = true;
    return;
  case deed_kind::journal_start:
    for (auto& one : journals) {
      one.server().full = one.server().unwilling = false;
      one.server().slowness = {};
    }
    return;
  default:
    return;
  }
}

} // namespace chasqui::simulation
