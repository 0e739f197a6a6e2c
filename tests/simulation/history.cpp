#include "tests/simulation/history.hpp"

#include "tests/simulation/clients.hpp"
#include "tests/simulation/host.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

namespace chasqui::simulation {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr sim_time step_min{milliseconds{20}};
constexpr sim_time step_max{hours{1}};
constexpr sim_time clock_slack{milliseconds{100}}; // Of a runtime whose timers fire late, by up to a step.
constexpr std::uint64_t messages_max = 2'000'000;  // Within one instant.
constexpr std::uint64_t passing_errors = 5;
constexpr const char* passing_error[passing_errors] = {"40001", "53300", "55P03", "57014", "58030"};

class history {
public:
  history(std::uint64_t seed, const plan_options& options, std::ostream* log)
      : plan_{make_plan(seed, options)}, lossy_{options.lossy}, log_{log}, world_{seed ^
                                                                                  0x9E37'79B9'7F4A'7C15},
        checker_{plan_.how.lanes.size()}, link_{world_}, primary_{world_, checker_, plan_.how.lanes.size()},
        primary_access_{world_, checker_, link_, primary_}, replica_{world_, checker_, link_, primary_,
                                                                     plan_.how.lanes.size()},
        store_access_{world_, checker_, store_}, stage_{seed},
        host_{stage_, {world_, checker_, store_access_, primary_access_, replica_}, plan_.how, seed},
        clients_{world_, checker_, host_, store_access_, plan_.how.lanes.size()} {
    out_.seed = seed;
    if (log_ != nullptr)
      checker_.told = [this](const event& e) {
        note("  life " + std::to_string(host_.lives()) + " says " + std::string{to_string(e.kind)} + ' ' +
             e.lane + ' ' + std::to_string(e.from_seq) + ".." + std::to_string(e.to_seq) + ' ' + e.detail);
      };
    store_.promise = plan_.promise;
    link_.latency = plan_.latency;
    clients_.poison_percent = plan_.poison_percent;
    clients_.flaky_percent = plan_.flaky_percent;
    clients_.padding_max = plan_.padding_max;
  }

  outcome run() {
    host_.start();
    for (const auto& d : plan_.deeds)
      world_.at(d.at, [this, d] { carry_out(d); });
    while (world_.now() < plan_.ends_at && !checker_.broken())
      step(plan_.ends_at);
    heal();
    deliver();
    if (!checker_.broken())
      judge();
    out_.broken = checker_.broken();
    out_.lasted = world_.now();
    out_.acknowledged = checker_.acknowledged();
    return std::move(out_);
  }

private:
  // Time passes up to the next event, or by a step that grows while nobody does anything to the world.
  void step(sim_time until) {
    settle();
    const auto calm = (world_.now() - last_deed_) / 8;
    const auto longest = clients_.is_waiting() ? step_min : std::clamp<sim_time>(calm, step_min, step_max);
    const auto next = world_.next(std::min(until, world_.now() + longest));
    const auto passes = next - world_.now();
    stage_.advance(passes);
    world_.pass_to(next);
    settle();
    messages_ = 0;
    while (!checker_.broken() && world_.run_one())
      if (world_.chance.one_in(2))
        settle();
    settle();
    clients_.look_for_late_answers(clock_slack + 2 * std::max(passes, last_step_));
    last_step_ = passes;
    if (host_.ended())
      on_end_of_runtime();
  }

  // A store that lost entries may end the runtime; then systemd starts it again.
  void on_end_of_runtime() {
    if (!lossy_)
      checker_.fail("ended", "The runtime stopped by itself: " + host_.ended()->message);
    host_.kill();
    clients_.forsaken();
    world_.after(seconds{1}, [this] { start_host(); });
  }

  void settle() {
    stage_.settle([this] {
      if (++messages_ > messages_max)
        checker_.fail("livelock", "Messages go round and no time passes.");
      return messages_ <= messages_max && (!kill_in_ || --*kill_in_ > 0);
    });
    if (kill_in_ && *kill_in_ == 0)
      lose_host();
  }

  void lose_host() {
    kill_in_.reset();
    host_.kill();
    clients_.forsaken();
    if (std::exchange(cuts_power_, false)) {
      store_access_.become(log_condition::down);
      checker_.destroyed(store_.lose_power());
      store_access_.become(log_condition::running);
    }
    if (std::exchange(start_is_due_, false))
      start_host();
  }

  void start_host() {
    if (kill_in_)
      start_is_due_ = true;
    else if (!host_.is_running())
      host_.start();
  }

  void carry_out(const deed& d) {
    last_deed_ = world_.now();
    replica_.catch_up();
    if (is_fault(d.kind))
      ++out_.faults[std::string{to_string(d.kind)}];
    note(std::string{to_string(d.kind)} + ' ' + std::to_string(d.amount) + ' ' + std::to_string(d.detail));
    do_it(d);
  }

  void note(const std::string& what) const {
    if (log_ != nullptr)
      *log_ << world_.now().count() << " us: " << what << '\n';
  }

  void do_it(const deed& d) {
    const sim_time duration{static_cast<std::int64_t>(d.amount)};
    switch (d.kind) {
    case deed_kind::burst:
      return clients_.burst(d.amount, d.detail);
    case deed_kind::latency:
      link_.latency = duration + milliseconds{1};
      return;
    case deed_kind::black_hole:
      link_.block(way::out);
      return link_.block(way::back);
    case deed_kind::lose_outward:
      return link_.block(way::out);
    case deed_kind::lose_homeward:
      return link_.block(way::back);
    case deed_kind::heal_link:
      return link_.unblock();
    case deed_kind::reset_link:
      return primary_access_.reset();
    case deed_kind::forget_connections:
      return primary_access_.forget();
    case deed_kind::primary_crash:
      return crash_primary();
    case deed_kind::primary_start:
      primary_.up = true;
      return;
    case deed_kind::primary_trouble:
      primary_.trouble = passing_error[d.amount % passing_errors];
      return;
    case deed_kind::primary_calm:
      primary_.trouble.clear();
      primary_.slowness = {};
      return;
    case deed_kind::primary_slow:
      primary_.slowness = duration;
      return;
    case deed_kind::primary_ends_sessions:
      return primary_access_.end_sessions();
    case deed_kind::failover:
      return fail_over(duration);
    default:
      return do_at_home(d, duration);
    }
  }

  void do_at_home(const deed& d, sim_time duration) {
    switch (d.kind) {
    case deed_kind::replica_lag:
      replica_.lag = duration;
      return;
    case deed_kind::replica_pause:
      replica_.paused = true;
      return;
    case deed_kind::replica_stop:
      replica_.up = false;
      return;
    case deed_kind::replica_start:
      replica_.up = true;
      replica_.paused = false;
      replica_.lag = {};
      return;
    case deed_kind::replica_rebuild:
      return replica_.rebuild();
    case deed_kind::store_hang:
      return store_access_.become(log_condition::hanging);
    case deed_kind::store_crash:
      return store_access_.become(log_condition::down);
    case deed_kind::store_start:
      store_.full = store_.disk_full = false;
      return store_access_.become(log_condition::running);
    case deed_kind::store_full:
      store_.full = true;
      store_.disk_full = d.detail == 1;
      return;
    case deed_kind::kill:
    case deed_kind::power_cut:
      cuts_power_ = d.kind == deed_kind::power_cut && (store_.promise == durability::fsynced || lossy_);
      if (host_.is_running())
        kill_in_ = d.amount + 1;
      return;
    case deed_kind::store_wiped:
      return checker_.destroyed(store_.wipe());
    case deed_kind::host_start:
      return start_host();
    case deed_kind::wall_step:
      host_.wall_offset += d.detail == 1 ? -duration : duration;
      return;
    case deed_kind::pause:
      return host_.steer(steering::pause);
    case deed_kind::resume:
      return host_.steer(steering::resume);
    default:
      return;
    }
  }

  void crash_primary() {
    primary_.crash();
    primary_access_.end_sessions();
  }

  // The standby has what the site no longer has, or may stop having: a longer lag than the site keeps entries
  // for is a loss that nobody can mend.
  void fail_over(sim_time standby_lag) {
    std::vector<seqno> kept;
    for (std::size_t lane = 0; lane < plan_.how.lanes.size(); ++lane)
      kept.push_back(checker_.beyond_recall(lane, plan_.how.buffer.retain_entries));
    primary_.standby_lag = standby_lag;
    primary_.up = false;
    primary_.fail_over(kept);
    primary_access_.end_sessions();
    replica_.follow(primary_.wal().size());
    if (replica_.is_stranded())
      world_.after(standby_lag * 10, [this] { rebuild_if_stranded(); });
  }

  void rebuild_if_stranded() {
    if (replica_.is_stranded())
      replica_.rebuild();
  }

  void heal() {
    for (const auto kind :
         {deed_kind::heal_link, deed_kind::primary_start, deed_kind::primary_calm, deed_kind::replica_start,
          deed_kind::store_start, deed_kind::host_start, deed_kind::resume})
      do_it({world_.now(), kind, 0, 0});
    link_.latency = plan_.latency;
    rebuild_if_stranded();
    clients_.insist();
    last_deed_ = world_.now();
  }

  // What is owed must arrive soon: within a while, and eight round trips an entry at the very worst. And once
  // all is quiet, what is new must arrive at once.
  void deliver() {
    const auto round_trip = 2 * (plan_.latency + milliseconds{10});
    const auto work = static_cast<std::int64_t>(checker_.fates().size());
    wait_for_delivery(minutes{15} + 4 * work * round_trip, "Everything works again, and still ");
    for (const auto until = world_.now() + minutes{2}; world_.now() < until && !checker_.broken();)
      step(until);
    last_deed_ = world_.now();
    clients_.burst(3, 1);
    wait_for_delivery(seconds{4} + 20 * round_trip, "Nothing is wrong any more, and still ");
  }

  void wait_for_delivery(sim_time allowed, const char* else_say) {
    const auto bound = world_.now() + allowed;
    for (delivered_ = false; !delivered_ && !checker_.broken();) {
      for (const auto until = world_.now() + seconds{1}; world_.now() < until && !checker_.broken();)
        step(until);
      start_host(); // If it was about to be lost when all was healed.
      if (clients_.is_content())
        host_.ask_log([this](const log_report& r) {
          delivered_ = std::all_of(r.lanes.begin(), r.lanes.end(),
                                   [](const lane_status& lane) { return lane.released == lane.head; });
          said_ = r;
        });
      settle();
      checker_.expect(delivered_ || world_.now() <= bound, "progress", [&] { return else_say + standing(); });
    }
  }

  std::string standing() const {
    std::string out = clients_.is_content() ? "entries wait:" : "submissions are not acknowledged:";
    for (const auto& lane : said_.lanes)
      out += " " + lane.lane + " head " + std::to_string(lane.head) + " committed " +
             std::to_string(lane.committed) + " replicated " + std::to_string(lane.replicated) +
             " released " + std::to_string(lane.released) + ";";
    return out + " store " + said_.store.state;
  }

  void judge() {
    std::vector<std::vector<uuid>> applied(plan_.how.lanes.size());
    std::vector<uuid> dead;
    for (const auto& r : primary_.wal()) {
      if (r.what == wal_record::content::applied)
        applied[r.lane].push_back(r.id);
      if (r.what != wal_record::content::rejected)
        continue;
      dead.push_back(r.id);
      checker_.expect(store_.is_buried(lane_name(r.lane), r.seq, r.id), "dead letter", [&] {
        return "Seq " + std::to_string(r.seq) + " of lane " + lane_name(r.lane) +
               " is a dead letter on the primary, and the site does not have it as one.";
      });
    }
    checker_.judge_end(applied, dead);
  }

  plan plan_;
  bool lossy_;
  std::ostream* log_;
  outcome out_;
  world world_;
  checker checker_;
  link link_;
  primary_server primary_;
  primary_access primary_access_;
  replica_server replica_;
  log_server store_;
  log_access store_access_;
  actor_stage stage_;
  host host_;
  clients clients_;
  sim_time last_deed_{0};
  sim_time last_step_{0};
  std::optional<std::uint64_t> kill_in_; ///< Messages until the host is lost.
  std::uint64_t messages_ = 0;           ///< Since time has passed.
  bool cuts_power_ = false;
  bool start_is_due_ = false;
  bool delivered_ = false;
  log_report said_;
};

} // namespace

outcome run_history(std::uint64_t seed, const plan_options& options, std::ostream* log) {
  return history{seed, options, log}.run();
}

} // namespace chasqui::simulation
