#pragma once

#include "tests/simulation/log_access.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace chasqui::simulation {

/// One connection to a log store: calls are carried out and answered in the order they are made; when it
/// breaks, whoever still waits is told that nobody knows. A journal is a part of its runtime: nothing is
/// carried out once that is gone.
class log_connection : public std::enable_shared_from_this<log_connection> {
public:
  log_connection(log_access& a, lifetime_ptr life) : access_{a}, life_{std::move(life)} {}

  epoch_no epoch = 0; ///< As the store gave it.

  [[nodiscard]] bool is_broken() const noexcept { return broken_at_->has_value(); }
  [[nodiscard]] log_claimant claimant() const { return {life_, broken_at_}; }

  /// Calls the store. `unanswered` is what to tell if no answer comes.
  template <class Answer>
  void call(std::function<Answer(log_server&, log_connection&)> what, Answer unanswered,
            handler<Answer> then) {
    auto c = std::make_shared<pending>();
    c->carry_out = [this, what = std::move(what), then, c = c.get()] {
      c->give = [this, then, answer = what(access_.server_, *this)] {
        if (ends_it(problem_of(answer)))
          break_off();
        then(answer);
      };
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

  static bool ends_it(const fault& problem) {
    return problem.code == fault_code::store_unavailable || problem.code == fault_code::outcome_unknown;
  }

  void make(call_ptr c);
  void arrive(const call_ptr& c);
  void carry_out(const call_ptr& c);

  log_access& access_;
  lifetime_ptr life_;
  std::deque<call_ptr> calls_; ///< Not answered yet.
  std::deque<call_ptr> stuck_; ///< Arrived at a store that hangs.
  sim_time last_arrival_{0};
  sim_time last_answer_{0};
  std::shared_ptr<std::optional<sim_time>> broken_at_ = std::make_shared<std::optional<sim_time>>();
};

} // namespace chasqui::simulation
