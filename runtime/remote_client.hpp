#pragma once

#include "adapters/remote_probe.hpp"
#include "config/settings.hpp"
#include "messages/interfaces.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace chasqui {

/// Where these settings say that their daemon is, with the console's certificate, or else the daemon's; or
/// which of them is missing.
std::variant<remote_target, fault> target_of(const settings& s);

/// Why a daemon did not do what it was asked.
struct refusal {
  fault why;
  bool unreachable = false; ///< It was not the daemon that said so: it has gone, or it never answered.
};

/// What became of a request: an error of the daemon's own, or of the way to it.
refusal to_refusal(const caf::error& e);

/// A session with a daemon over mutual TLS. To be used by one thread. Its destructor waits until the daemon
/// has taken all that was sent, and so forever for one that hangs: a program that must end then leaves it to
/// the kernel.
class remote_client {
public:
  /// Opens nothing yet.
  explicit remote_client(remote_target target);
  remote_client(const remote_client&) = delete;
  remote_client& operator=(const remote_client&) = delete;
  ~remote_client();

  /// Opens the session within `timeout`; what went wrong, if anything did. It may be tried again.
  std::optional<fault> connect(std::chrono::milliseconds timeout);

  /// The door; invalid before `connect` succeeds.
  [[nodiscard]] const gatekeeper_actor& gatekeeper() const { return gatekeeper_; }

  /// Where actors of this session live.
  caf::actor_system& system();

  /// Asks the gatekeeper, and waits for its answer. It comes early when the daemon goes away.
  template <class Answer, class Question>
  std::variant<Answer, refusal> ask(Question question, std::chrono::milliseconds timeout) {
    using outcome = std::variant<Answer, refusal>;
    auto promise = std::make_shared<std::promise<outcome>>();
    auto future = promise->get_future();
    // With an argument, since CAF 0.17.6 binds a reference to null when it spawns a function without any.
    const auto asker = [promise, question = std::move(question), timeout](caf::event_based_actor* self,
                                                                          const gatekeeper_actor& door) {
      const auto finish = [self, promise](outcome o) {
        promise->set_value(std::move(o));
        self->quit();
      };
      self->set_down_handler([finish](const caf::down_msg& down) { finish(to_refusal(down.reason)); });
      self->monitor(door);
      self->request(door, timeout, question)
          .then([finish](Answer& answer) { finish(std::move(answer)); },
                [finish](caf::error& e) { finish(to_refusal(e)); });
    };
    system().spawn(asker, gatekeeper_);
    return future.get();
  }

private:
  struct running;

  remote_target target_;
  std::unique_ptr<running> running_;
  gatekeeper_actor gatekeeper_;
};

} // namespace chasqui
