#include "tests/simulation/host.hpp"

#include "adapters/event_history.hpp"

#include <caf/all.hpp>

#include <utility>

namespace chasqui::simulation {

namespace {

struct errand {
  std::function<void(caf::event_based_actor*)> run;
};

class local_replica : public replica_probe {
public:
  local_replica(world& w, replica_server& s) : world_{w}, server_{s} {}
  void look(handler<sighting> then) override {
    world_.after(sim_time{static_cast<std::int64_t>(world_.chance.between(200, 3000))},
                 [&server = server_, then = std::move(then)] {
                   server.catch_up();
                   then(server.look());
                 });
  }

private:
  world& world_;
  replica_server& server_;
};

class listener : public event_publisher {
public:
  listener(checker& c, lifetime_ptr life) : checker_{c}, life_{std::move(life)} {}
  void publish(const event& e) override {
    if (life_->lasts)
      checker_.heard(e, life_->number);
  }

private:
  checker& checker_;
  lifetime_ptr life_;
};

// Remembers every actor of the table, so that all can be taken away at once.
std::vector<child_row> remembered(std::vector<child_row> table,
                                  const std::shared_ptr<std::vector<caf::actor>>& all) {
  for (auto& row : table)
    row.start = [start = std::move(row.start), all](const supervisor_actor& boss) {
      all->push_back(start(boss));
      return all->back();
    };
  return table;
}

} // namespace

} // namespace chasqui::simulation

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(chasqui::simulation::errand)

namespace chasqui::simulation {

host::host(actor_stage& s, surroundings around, const settings& how, std::uint64_t seed)
    : stage_{s}, around_{around}, settings_{how}, chance_{seed} {}

wall_clock host::wall() const {
  return [this] { return instant{std::chrono::hours{24 * 365} + around_.events.now() + wall_offset}; };
}

void host::start() {
  life_ = std::make_shared<lifetime>(lifetime{++around_.lives, around_.machine, 0, true, {}});
  ended_.reset();
  actors_ = std::make_shared<directory>();
  started_ = std::make_shared<std::vector<caf::actor>>();
  outside_world outside;
  const auto group = settings_.buffer.group_entries_max;
  outside.stores.redis = around_.redis == nullptr ? nullptr : around_.redis->port_for(life_, group);
  outside.stores.journal = around_.journal == nullptr ? nullptr : around_.journal->journal_for(life_, group);
  outside.primary = around_.primary.port_for(
      life_, {settings_.forwarder.window_entries_max, settings_.forwarder.window_bytes_max});
  outside.replica = std::make_shared<local_replica>(around_.events, around_.replica);
  outside.publisher = std::make_shared<listener>(around_.account, life_);
  outside.history = make_memory_history(settings_.events.history_max);
  const auto table = make_topology(stage_.system, settings_, outside, actors_, wall(),
                                   [](const gatekeeper_actor&) { return fault{}; });
  supervisor_surroundings around;
  around.buffer = [actors = actors_] { return actors->now().buffer; };
  around.notifier = [actors = actors_] { return actors->now().notifier; };
  around.primary = outside.primary;
  around.ping_interval = settings_.backoff.ping_ms;
  around.stopped = [this, life = life_](const fault& why) {
    if (life->lasts)
      ended_ = why;
  };
  around.wall = wall();
  around.jitter_seed = chance_.below(UINT64_MAX);
  bridge_ = stage_.system.spawn([](caf::event_based_actor* self) -> caf::behavior {
    return {[self](const errand& e) { e.run(self); }};
  });
  boss_ = stage_.system.spawn(supervisor, remembered(table, started_), make_supervision_policy(settings_),
                              around);
}

void host::kill() {
  if (!life_)
    return;
  life_->lasts = false;
  life_->ended = around_.events.now();
  life_.reset();
  started_->push_back(caf::actor_cast<caf::actor>(std::exchange(boss_, {})));
  started_->push_back(std::exchange(bridge_, {}));
  while (!started_->empty()) { // A supervisor may start a child on its way out.
    for (const auto& one : std::exchange(*started_, {}))
      caf::anon_send<caf::message_priority::high>(one, caf::exit_msg{one.address(), caf::exit_reason::kill});
    stage_.settle([] { return true; });
  }
  actors_->clear();
}

template <class Answer, class Handle, class Question>
void host::ask(const Handle& whom, Question what, std::function<void(Answer)> then, failures otherwise) {
  if (!life_ || !whom)
    return otherwise({fault_code::unavailable, "The runtime is not running.", ""});
  caf::anon_send(bridge_, errand{[whom, what = std::move(what), then = std::move(then), life = life_,
                                  otherwise = std::move(otherwise)](caf::event_based_actor* self) {
                   // Without a timeout, so that an answer that never comes shows.
                   self->request(whom, caf::infinite, what)
                       .then(
                           [then, life](Answer& answer) {
                             if (life->lasts)
                               then(std::move(answer));
                           },
                           [otherwise, life](const caf::error& e) {
                             if (life->lasts)
                               otherwise(to_fault(e));
                           });
                 }});
}

void host::submit(std::string text, receipts then, failures otherwise) {
  ask<receipt>(actors_->now().ingest, submission{std::move(text)}, std::move(then), std::move(otherwise));
}

void host::wait_for(const await& what, std::function<void(reached)> then, failures otherwise) {
  ask<reached>(actors_->now().buffer, what, std::move(then), std::move(otherwise));
}

void host::steer(steering what) {
  ask<link_status>(
      boss_, chasqui::steer{what, "simulated"}, [](const link_status&) {}, [](const fault&) {});
}

void host::ask_log(std::function<void(log_report)> then) {
  ask<log_report>(actors_->now().buffer, get_report{}, std::move(then), [](const fault&) {});
}

} // namespace chasqui::simulation
