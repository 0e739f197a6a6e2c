#include "tests/simulation/actor_stage.hpp"

#include "messages/interfaces.hpp"

#include <caf/all.hpp>

#include <algorithm>

namespace chasqui::simulation {

actor_stage::configuration::configuration() {
  add_chasqui_types(*this);
  set("scheduler.policy", caf::atom("testing"));
}

actor_stage::actor_stage(std::uint64_t seed)
    : scheduler_{dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())}, chance_{seed} {
  // Cores take the epoch of the clock for "never": start well behind it.
  scheduler_.advance_time(std::chrono::hours{1});
}

actor_stage::~actor_stage() {
  // What is still scheduled keeps its receivers, and they keep the system.
  scheduler_.trigger_timeouts();
  settle([] { return true; });
}

void actor_stage::settle(const std::function<bool()>& between) {
  auto& jobs = scheduler_.jobs;
  while (!jobs.empty()) {
    if (jobs.size() > 1)
      std::swap(jobs.front(), jobs[chance_.below(jobs.size())]);
    scheduler_.run_once();
    if (!between())
      return;
  }
}

void actor_stage::advance(sim_time by) { scheduler_.advance_time(by); }

time_point actor_stage::now() { return scheduler_.clock().now(); }

} // namespace chasqui::simulation
