#include "tests/simulation/history.hpp"

#include "tests/simulation/clients.hpp"
#include "tests/simulation/host.hpp"
#include "tests/simulation/scene.hpp"

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
constexpr sim_time restart_after{seconds{1}};      // By systemd, of a runtime that stopped by itself.
constexpr sim_time stands_by_max{minutes{10}};     // Once all is calm: it asks for the log every second.
constexpr std::uint64_t messages_max = 2'000'000;  // Within one instant.

class history {
public:
  history(std::uint64_t seed, const plan_options& options, std::ostream* log)
      : plan_{make_plan(seed, options)}, log_{log}, scene_{plan_, seed}, stage_{seed}, chance_{~seed},
        host_{new_host()}, clients_{scene_, *host_, plan_} {
    out_.seed = seed;
    scene_.redis.crashed = [this] {
      clients_.expect_new_numbers();
      scene_.trouble_at = now();
    };
    if (log_ != nullptr)
      scene_.account.told = [this](const event& e, std::uint64_t life) {
        note("  life " + std::to_string(life) + " says " + std::string{to_string(e.kind)} + ' ' + e.lane +
             ' ' + std::to_string(e.from_seq) + ".." + std::to_string(e.to_seq) + ' ' + e.detail);
      };
  }

  outcome run() {
    host_->start();
    for (const auto& d : plan_.deeds)
      scene_.events.at(d.at, [this, d] { carry_out(d); });
    pass_to(plan_.ends_at);
    heal();
    deliver();
    give_back();
    if (!is_over())
      judge();
    out_.broken = scene_.account.broken();
    out_.lasted = now();
    out_.acknowledged = scene_.account.acknowledged();
    out_.named = scene_.account.named();
    return std::move(out_);
  }

private:
  [[nodiscard]] sim_time now() const { return scene_.events.now(); }
  [[nodiscard]] bool is_over() const { return scene_.account.broken().has_value(); }

  std::unique_ptr<host> new_host() {
    auto* redis = plan_.stores == stores_there::journal ? nullptr : &scene_.redis;
    auto* journal = plan_.stores == stores_there::redis ? nullptr : &scene_.journal();
    const surroundings around{scene_.events,  scene_.account, redis,          journal,
                              scene_.machine, scene_.access,  scene_.replica, lives_};
    return std::make_unique<host>(stage_, around, plan_.how, chance_.below(UINT64_MAX));
  }

  void note(const std::string& what) const {
    if (log_ != nullptr)
      *log_ << now().count() << " us: " << what << '\n';
  }

  void pass_to(sim_time when) {
    while (now() < when && !is_over())
      step(when);
  }

  // Time passes up to the next event, or by a step that grows while nobody does anything to the world.
  void step(sim_time until) {
    settle();
    const auto calm = (now() - last_deed_) / 8;
    if (now() - last_deed_ > stands_by_max)
      replaced_.clear();
    const auto longest = clients_.is_waiting() ? step_min : std::clamp<sim_time>(calm, step_min, step_max);
    const auto next = scene_.events.next(std::min(until, now() + longest));
    const auto passes = next - now();
    stage_.advance(passes);
    scene_.events.pass_to(next);
    messages_ = 0;
    settle();
    while (!is_over() && scene_.events.run_one())
      if (scene_.events.chance.one_in(2))
        settle();
    settle();
    clients_.look_for_late_answers(clock_slack + 2 * std::max(passes, last_step_));
    last_step_ = passes;
    look_for_ends();
  }

  void settle() {
    stage_.settle([this] {
      if (++messages_ > messages_max)
        scene_.account.fail("livelock", "Messages go round and no time passes.");
      return messages_ <= messages_max && (!kill_in_ || --*kill_in_ > 0);
    });
    if (kill_in_ && *kill_in_ == 0)
      lose_host();
  }

  // A runtime may stop by itself because another has taken its log, or because the log has lost entries.
  void look_for_ends() {
    std::erase_if(replaced_, [this](const auto& h) { return has_ended(*h); });
    if (!has_ended(*host_))
      return;
    bury_host();
    scene_.events.after(restart_after, [this] { start_host(); });
  }

  bool has_ended(const host& h) {
    if (!h.ended())
      return false;
    const bool replaced = h.ended()->code == fault_code::fenced && taken_over_;
    scene_.account.expect(replaced, "ended",
                          [&] { return "The runtime stopped by itself: " + h.ended()->message; });
    return true;
  }

  // A kill that was to come later has nobody to come for any more: waiting for it would wait for ever.
  void bury_host() {
    kill_in_.reset();
    scene_.trouble_at = now();
    host_->kill();
    clients_.forsaken();
  }

  void lose_host() {
    bury_host();
    if (std::exchange(cuts_power_, false)) {
      replaced_.clear();
      scene_.lose_power();
    }
    if (std::exchange(start_is_due_, false))
      start_host();
  }

  void start_host() {
    if (kill_in_)
      start_is_due_ = true;
    else if (!host_->is_running())
      host_->start();
  }

  // Somebody starts a second runtime on the same log, and does not stop the first.
  void take_over() {
    if (!host_->is_running() || kill_in_)
      return;
    taken_over_ = true;
    scene_.change_machine();
    if (replaced_.empty()) {
      replaced_.push_back(std::exchange(host_, new_host()));
      host_->start();
    } else { // The other one stands by there.
      bury_host();
      host_ = std::move(replaced_.back());
      replaced_.pop_back();
    }
    clients_.go_to(*host_);
  }

  void carry_out(const deed& d) {
    last_deed_ = now();
    if (is_fault(d.kind))
      ++out_.faults[std::string{to_string(d.kind)}];
    note(std::string{to_string(d.kind)} + ' ' + std::to_string(d.amount) + ' ' + std::to_string(d.detail));
    scene_.carry_out(d);
    if (is_fault(d.kind))
      clients_.expect_new_numbers();
    switch (d.kind) {
    case deed_kind::burst:
      return clients_.burst(d.amount, d.detail);
    case deed_kind::kill:
    case deed_kind::power_cut:
      cuts_power_ = d.kind == deed_kind::power_cut;
      if (host_->is_running())
        kill_in_ = d.amount + 1;
      return;
    case deed_kind::host_start:
      return start_host();
    case deed_kind::take_over:
      return take_over();
    case deed_kind::wall_step:
      host_->wall_offset += sim_time{static_cast<std::int64_t>(d.amount)} * (d.detail == 1 ? -1 : 1);
      return;
    case deed_kind::pause:
      return host_->steer(steering::pause);
    case deed_kind::resume:
      return host_->steer(steering::resume);
    default:
      return;
    }
  }

  void heal() {
    note("heal");
    scene_.heal();
    replaced_.clear();
    if (taken_over_ && host_->is_running()) // It may not know yet that the other one had taken the log back.
      bury_host();
    start_host();
    host_->steer(steering::resume);
    clients_.insist();
    last_deed_ = now();
  }

  // What is owed must arrive soon: within a while, and eight round trips an entry at the very worst. And once
  // all is quiet, what is new must arrive at once.
  void deliver() {
    const auto round_trip = 2 * (plan_.latency + milliseconds{10});
    const auto work = static_cast<std::int64_t>(scene_.account.fates().size());
    wait_for_delivery(minutes{15} + 8 * work * round_trip, "Everything works again, and still ");
    pass_to(now() + minutes{2});
    last_deed_ = now();
    clients_.burst(3, 1);
    wait_for_delivery(seconds{4} + 20 * round_trip, "Nothing is wrong any more, and still ");
  }

  // What the journal of the other machine still has is sent once that one has the log again.
  void give_back() {
    const auto& others = scene_.journals.at(1 - scene_.machine).holds();
    if (is_over() || plan_.stores != stores_there::both || others.entries().empty())
      return;
    note("the other machine");
    bury_host();
    scene_.change_machine();
    host_ = new_host();
    clients_.go_to(*host_);
    host_->start();
    deliver();
  }

  void wait_for_delivery(sim_time allowed, const char* else_say) {
    const auto bound = now() + allowed;
    for (delivered_ = false; !delivered_ && !is_over();) {
      pass_to(now() + seconds{1});
      if (clients_.is_content())
        host_->ask_log([this](const log_report& r) {
          delivered_ = (r.store.kind == store_kind::redis || plan_.stores == stores_there::journal) &&
                       std::all_of(r.lanes.begin(), r.lanes.end(),
                                   [](const lane_status& lane) { return lane.released == lane.head; });
          said_ = r;
        });
      settle();
      scene_.account.expect(delivered_ || now() <= bound, "progress", [&] { return else_say + standing(); });
    }
  }

  [[nodiscard]] std::string standing() const {
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
    for (const auto& r : scene_.primary.wal()) {
      if (r.what == wal_record::content::applied)
        applied[r.lane].push_back(r.id);
      if (r.what != wal_record::content::rejected)
        continue;
      dead.push_back(r.id);
      const auto& f = scene_.account.of(r.id);
      const bool is_there = scene_.redis.holds().is_buried(r.id) || scene_.journal().holds().is_buried(r.id);
      scene_.account.expect(is_there || f.letter_lost || f.destroyed != 0, "dead letter", [&] {
        return "Seq " + std::to_string(r.seq) + " of lane " + lane_name(r.lane) +
               " is a dead letter on the primary, and the site does not have it as one.";
      });
    }
    scene_.account.judge_end(applied, dead, scene_.was_renumbered());
  }

  plan plan_;
  std::ostream* log_;
  outcome out_;
  scene scene_;
  actor_stage stage_;
  dice chance_;
  std::uint64_t lives_ = 0;
  std::unique_ptr<host> host_;
  std::vector<std::unique_ptr<host>> replaced_; ///< Runtimes that nobody stopped when another was started.
  clients clients_;
  sim_time last_deed_{0};
  sim_time last_step_{0};
  std::optional<std::uint64_t> kill_in_; ///< Messages until the host is lost.
  std::uint64_t messages_ = 0;           ///< Since time has passed.
  bool cuts_power_ = false;
  bool start_is_due_ = false;
  bool taken_over_ = false;
  bool delivered_ = false;
  log_report said_;
};

} // namespace

outcome run_history(std::uint64_t seed, const plan_options& options, std::ostream* log) {
  return history{seed, options, log}.run();
}

} // namespace chasqui::simulation
