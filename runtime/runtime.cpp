#include "runtime/runtime.hpp"

#include "actors/supervisor.hpp"
#include "adapters/io_thread.hpp"
#include "messages/interfaces.hpp"
#include "runtime/listener.hpp"
#include "runtime/outside_bridge.hpp"
#include "runtime/remote_door.hpp"
#include "runtime/topology.hpp"

#include <caf/all.hpp>

#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace chasqui {

namespace {

constexpr std::chrono::seconds answer_timeout{5};

fault stopped_fault() {
  return {fault_code::unavailable, "The runtime is not running. Submit again, with the same id, once it is.",
          ""};
}

/// A promise that is kept in any case: with a fault, if the runtime goes before the answer comes.
template <class Value> struct answer_slot {
  answer_slot() = default;
  answer_slot(const answer_slot&) = delete;
  answer_slot& operator=(const answer_slot&) = delete;
  ~answer_slot() {
    if (!is_set)
      promise.set_value(stopped_fault());
  }
  void set(outcome<Value> value) {
    is_set = true;
    promise.set_value(std::move(value));
  }

  std::promise<outcome<Value>> promise;
  bool is_set = false;
};

/// Remembers how the runtime ended and tells who wants to know.
class ending {
public:
  void set(const fault& why) {
    std::vector<std::function<void(const fault&)>> listeners;
    {
      const std::lock_guard lock{mutex_};
      why_ = why;
      listeners.swap(listeners_);
    }
    changed_.notify_all();
    for (auto& listener : listeners)
      listener(why);
  }

  void when_set(std::function<void(const fault&)> then) {
    std::unique_lock lock{mutex_};
    if (!why_)
      return listeners_.push_back(std::move(then));
    const auto why = *why_;
    lock.unlock();
    then(why);
  }

  [[nodiscard]] std::optional<fault> get() const {
    const std::lock_guard lock{mutex_};
    return why_;
  }

  void wait() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return why_.has_value(); });
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<fault> why_;
  std::vector<std::function<void(const fault&)>> listeners_;
};

} // namespace

struct runtime::impl {
  explicit impl(const settings& s)
      : set{s}, world{open_outside_world(io, s)}, config{s}, system{config}, door{system, s} {
    const auto table = make_topology(system, s, world, actors, system_time,
                                     [this](const gatekeeper_actor& who) { return door.publish(who); });
    bridge = system.spawn(outside_bridge);
    supervisor_surroundings around;
    around.buffer = [actors = actors] { return actors->now().buffer; };
    around.notifier = [actors = actors] { return actors->now().notifier; };
    around.primary = world.primary;
    around.ping_interval = s.backoff.ping_ms;
    around.stopped = [end = end](const fault& why) { end->set(why); };
    around.wall = system_time;
    boss = system.spawn(supervisor, table, make_supervision_policy(s), around);
    // Its answer means that every child has been started.
    ask<supervision_report>(boss, get_report{}, answer_timeout);
  }

  /// Asks an actor and waits for its answer.
  template <class Answer, class Actor, class Question>
  outcome<Answer> ask(const Actor& whom, const Question& what, std::chrono::milliseconds timeout) {
    if (!whom || end->get())
      return stopped_fault();
    auto slot = std::make_shared<answer_slot<Answer>>();
    auto future = slot->promise.get_future();
    ask_later<Answer>(whom, what, timeout, [slot](outcome<Answer> a) { slot->set(std::move(a)); });
    slot.reset();
    return future.get();
  }

  template <class Answer, class Actor, class Question, class Then>
  void ask_later(const Actor& whom, Question what, std::chrono::milliseconds timeout, Then then) {
    caf::anon_send(bridge, outside_call{[=](bridge_pointer self) mutable {
                     call<Answer>(self, whom, std::move(what), timeout, then);
                   }});
  }

  settings set;
  io_thread io;
  outside_world world;
  system_config config;
  caf::actor_system system;
  remote_door door;
  std::shared_ptr<directory> actors = std::make_shared<directory>();
  std::shared_ptr<ending> end = std::make_shared<ending>();
  caf::actor bridge;
  supervisor_actor boss;
  std::mutex listeners_mutex;
  std::map<std::uint64_t, caf::actor> listeners;
  std::uint64_t next_listener = 1;
  std::once_flag stopped;
};

runtime::runtime(const settings& s) : impl_{std::make_unique<impl>(s)} {}

runtime::~runtime() { stop(impl_->set.daemon.grace_ms); }

std::future<outcome<receipt>> runtime::submit(std::string transaction) {
  auto slot = std::make_shared<answer_slot<receipt>>();
  auto future = slot->promise.get_future();
  submit(std::move(transaction), [slot](outcome<receipt> r) { slot->set(std::move(r)); });
  return future;
}

void runtime::submit(std::string transaction, std::function<void(outcome<receipt>)> then) {
  const auto ingest = impl_->actors->now().ingest;
  if (!ingest || impl_->end->get())
    return then(stopped_fault());
  // The buffer keeps the deadline; this one is for a buffer that crashes with the promise.
  const auto timeout = impl_->set.buffer.submit_deadline_ms + std::chrono::seconds{1};
  impl_->ask_later<receipt>(ingest, submission{std::move(transaction), false}, timeout, std::move(then));
}

std::future<outcome<reached>> runtime::when(const uuid& id, stage wanted, std::chrono::milliseconds timeout) {
  auto slot = std::make_shared<answer_slot<reached>>();
  auto future = slot->promise.get_future();
  when(id, wanted, timeout, [slot](outcome<reached> r) { slot->set(std::move(r)); });
  return future;
}

void runtime::when(const uuid& id, stage wanted, std::chrono::milliseconds timeout,
                   std::function<void(outcome<reached>)> then) {
  const auto buffer = impl_->actors->now().buffer;
  if (!buffer || impl_->end->get())
    return then(stopped_fault());
  const await question{condition::transaction, id, wanted, timeout};
  impl_->ask_later<reached>(buffer, question, timeout + answer_timeout, std::move(then));
}

std::uint64_t runtime::subscribe(std::function<void(const event&)> listener, std::uint64_t from) {
  const std::lock_guard lock{impl_->listeners_mutex};
  const auto number = impl_->next_listener++;
  auto handle = impl_->system.spawn(
      event_listener, [actors = impl_->actors] { return actors->now().notifier; },
      chasqui::subscribe{impl_->set.events.backlog_max, from}, std::move(listener));
  impl_->listeners.emplace(number, caf::actor_cast<caf::actor>(handle));
  return number;
}

void runtime::unsubscribe(std::uint64_t subscription) {
  const std::lock_guard lock{impl_->listeners_mutex};
  if (const auto found = impl_->listeners.extract(subscription))
    caf::anon_send_exit(found.mapped(), caf::exit_reason::user_shutdown);
}

outcome<status_report> runtime::status() {
  return impl_->ask<status_report>(impl_->actors->now().gatekeeper, get_report{}, answer_timeout);
}

outcome<life> runtime::find(const uuid& id) {
  return impl_->ask<life>(impl_->actors->now().buffer, chasqui::find{id}, answer_timeout);
}

outcome<past_events> runtime::events(const list_events& what) {
  return impl_->ask<past_events>(impl_->actors->now().notifier, what, answer_timeout);
}

std::future<outcome<found_rows>> runtime::read(const read_rows& what) {
  auto slot = std::make_shared<answer_slot<found_rows>>();
  auto future = slot->promise.get_future();
  const auto reader = impl_->actors->now().reader;
  if (!reader || impl_->end->get())
    slot->set(stopped_fault());
  else // The reader keeps the deadline; this one is for a reader that crashes.
    impl_->ask_later<found_rows>(reader, what, what.timeout + std::chrono::seconds{1},
                                 [slot](outcome<found_rows> r) { slot->set(std::move(r)); });
  return future;
}

outcome<reached> runtime::wait(const await& what) {
  return impl_->ask<reached>(impl_->actors->now().buffer, what, what.timeout + answer_timeout);
}

outcome<link_status> runtime::steer(const chasqui::steer& what) {
  return impl_->ask<link_status>(impl_->boss, what, answer_timeout);
}

std::optional<fault> runtime::ended() const { return impl_->end->get(); }

void runtime::when_ended(std::function<void(const fault&)> then) { impl_->end->when_set(std::move(then)); }

void runtime::stop(std::chrono::milliseconds grace) {
  std::call_once(impl_->stopped, [&] {
    auto& i = *impl_;
    if (!i.end->get())
      caf::anon_send(i.boss, shut_down{grace});
    i.end->wait();
    i.door.close();
    i.actors->clear();
    const std::lock_guard lock{i.listeners_mutex};
    for (const auto& [number, listener] : i.listeners)
      caf::anon_send_exit(listener, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(i.bridge, caf::exit_reason::user_shutdown);
    i.boss = nullptr;
  });
}

} // namespace chasqui
