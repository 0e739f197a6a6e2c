#pragma once

// The one file that knows CAF's test coordinator: actors under virtual time, in one thread.

#include "actors/moment.hpp"
#include "messages/interfaces.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace chasqui {

/// An answer, once it has come.
template <class Answer> struct asked {
  std::optional<Answer> value;
  fault problem;
  int answers = 0;

  [[nodiscard]] bool answered() const { return answers > 0; }
};

/// A world in which nothing happens unless the test says so. It stops all actors that it spawned.
class actor_fixture {
  struct config_t : caf::actor_system_config {
    config_t() {
      add_chasqui_types(*this);
      set("scheduler.policy", caf::atom("testing"));
    }
  };
  config_t config_;

public:
  caf::actor_system system{config_};

  // Cores take the epoch of the clock for "never": start well behind it.
  actor_fixture() { scheduler_.advance_time(std::chrono::hours{1}); }
  actor_fixture(const actor_fixture&) = delete;
  actor_fixture& operator=(const actor_fixture&) = delete;

  ~actor_fixture() {
    while (!spawned_.empty()) {
      stop(spawned_.back(), caf::exit_reason::kill);
      spawned_.pop_back();
    }
    scheduler_.trigger_timeouts(); // What is still scheduled keeps its receivers.
    settle();
  }

  /// Spawns an actor that is stopped at the end at the latest.
  template <class Function, class... Args> auto spawn(Function f, Args&&... args) {
    auto out = system.spawn(f, std::forward<Args>(args)...);
    spawned_.push_back(caf::actor_cast<caf::actor>(out));
    return out;
  }

  /// An actor that only takes part in what `handlers` say, under any interface.
  template <class Handle, class... Handlers> Handle stub(Handlers... handlers) {
    return caf::actor_cast<Handle>(spawn([=](caf::event_based_actor* self) -> caf::behavior {
      self->set_default_handler(caf::drop);
      return {handlers..., [](caf::unit_t) {}};
    }));
  }

  /// Lets everything happen that can happen now.
  void settle() {
    while (scheduler_.try_run_once())
      continue;
  }

  /// Lets time pass, step by step, so that a timer that arms itself again fires as often as it should.
  void pass(std::chrono::milliseconds time) {
    constexpr std::chrono::milliseconds step{10};
    settle();
    for (; time.count() > 0; time -= step) {
      elapsed_ += step;
      scheduler_.advance_time(step);
      settle();
    }
  }

  /// The wall's time, in step with the actors' clock.
  [[nodiscard]] wall_clock wall() const {
    return [this] { return instant{std::chrono::hours{1} + elapsed_}; };
  }

  template <class Handle, class... Message> void tell(const Handle& whom, Message... what) {
    caf::anon_send(whom, std::move(what)...);
    settle();
  }

  template <class Handle> void stop(const Handle& whom, const caf::error& why) {
    const auto plain = caf::actor_cast<caf::actor>(whom);
    caf::anon_send(plain, caf::exit_msg{plain.address(), why});
    settle();
  }

  /// Asks without any timeout, so that a promise that was dropped shows.
  template <class Answer, class Handle, class Question>
  std::shared_ptr<asked<Answer>> ask(const Handle& whom, Question what) {
    auto out = std::make_shared<asked<Answer>>();
    spawn([=](caf::event_based_actor* self) {
      self->request(whom, caf::infinite, what)
          .then(
              [out](Answer& a) {
                out->value = std::move(a);
                ++out->answers;
              },
              [out](const caf::error& e) {
                out->problem = to_fault(e);
                ++out->answers;
              });
    });
    settle();
    return out;
  }

  /// Learns why `whom` goes, once it has gone.
  template <class Handle> std::shared_ptr<std::optional<fault>> watch(const Handle& whom) {
    auto out = std::make_shared<std::optional<fault>>();
    spawn([=](caf::event_based_actor* self) -> caf::behavior {
      self->set_down_handler([out](const caf::down_msg& m) { *out = to_fault(m.reason); });
      self->monitor(whom);
      return {[](caf::unit_t) {}};
    });
    settle();
    return out;
  }

private:
  caf::scheduler::test_coordinator& scheduler_ =
      dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  std::vector<caf::actor> spawned_;
  std::chrono::milliseconds elapsed_{0};
};

} // namespace chasqui
