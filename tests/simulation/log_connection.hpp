#pragma once

#include "tests/simulation/log_access.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <utility>

namespace chasqui::simulation {

/// One connection to a log store: calls are carried out and answered in the order they are made; when it
/// breaks, whoever still waits is told that nobody knows.
class log_connection : public std::enable_shared_from_this<log_connection> {
public:
  explicit log_connection(log_access& a) : access_{a} {}

  epoch_no epoch = 0; ///< As the store gave it.

  [[nodiscard]] bool is_broken() const noexcept { return broken_; }
  [[nodiscard]] std::size_t waiting() const noexcept { return calls_.size(); }

  /// Calls the store. `unanswered` is what to tell if no answer comes.
  template <class Answer>
  void call(std::function<Answer(log_server&, log_connection&)> what, Answer unanswered,
            handler<Answer> then) {
    auto c = std::make_shared<pending>();
    c->carry_out = [this, what = std::move(what), then, c = c.get()] {
      c->give = [then, answer = what(access_.server_, *this)] { then(answer); };
    };
    c->give_up = [then = std::move(then), unanswered = std::move(unanswered)] { then(unanswered); };
    make(std::move(c));
  }

  /// The store's process has gone, or its answer took too long.
  void break_off();
  /// The store goes on after it hung.
  void go_on();

private:
  struct pending {
    std::function<void()> carry_out;
    std::function<void()> give; ///< Once it was carried out.
    std::function<void()> give_up;
    sim_time made_at{0};
  };
  using call_ptr = std::shared_ptr<pending>;

  void make(call_ptr c);
  void arrive(const call_ptr& c);
  void carry_out(const call_ptr& c);

  log_access& access_;
  std::deque<call_ptr> calls_; ///< Not answered yet.
  std::deque<call_ptr> stuck_; ///< Arrived at a store that hangs.
  sim_time last_arrival_{0};
  sim_time last_answer_{0};
  bool broken_ = false;
};

} // namespace chasqui::simulation
