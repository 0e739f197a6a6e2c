#include "tests/simulation/log_connection.hpp"

#include <algorithm>

namespace chasqui::simulation {

namespace {

constexpr sim_time answer_timeout{std::chrono::seconds{2}};

sim_time some_microseconds(world& w, std::uint64_t low, std::uint64_t high) {
  return sim_time{static_cast<std::int64_t>(w.chance.between(low, high))};
}

} // namespace

void log_connection::make(call_ptr c) {
  auto& w = access_.world_;
  c->made_at = w.now();
  calls_.push_back(c);
  last_arrival_ = std::max(last_arrival_, w.now() + some_microseconds(w, 20, 200));
  w.at(last_arrival_, [me = shared_from_this(), c] { me->arrive(c); });
}

void log_connection::arrive(const call_ptr& c) {
  if (is_broken() || (access_.server_.kind() == store_kind::journal && !life_->lasts))
    return;
  if (access_.condition_ == log_condition::down)
    return break_off();
  if (access_.crashes_now()) {
    if (access_.world_.chance.one_in(2))
      c->carry_out();
    return access_.become(log_condition::down);
  }
  if (access_.condition_ == log_condition::running)
    return carry_out(c);
  stuck_.push_back(c);
  access_.world_.at(c->made_at + answer_timeout, [me = shared_from_this(), c] {
    if (!me->is_broken() && !c->give)
      me->break_off();
  });
}

void log_connection::carry_out(const call_ptr& c) {
  auto& w = access_.world_;
  c->carry_out();
  const auto slowness = static_cast<std::uint64_t>(access_.server_.slowness.count());
  last_answer_ = std::max(last_answer_, w.now() + some_microseconds(w, 50, 3000 + slowness));
  w.at(last_answer_, [me = shared_from_this(), c] {
    if (me->is_broken())
      return;
    me->calls_.pop_front();
    c->give();
  });
}

void log_connection::break_off() {
  if (!is_broken())
    *broken_at_ = access_.world_.now();
  for (const auto& c : std::exchange(calls_, {}))
    c->give_up();
}

void log_connection::go_on() {
  // Of what hung, the store may have read a part before it sees that the connection is gone.
  auto read = stuck_.size();
  if (is_broken())
    read = access_.world_.chance.below(read + 1);
  for (const auto& c : std::exchange(stuck_, {}))
    if (read > 0) {
      --read;
      carry_out(c);
    }
}

} // namespace chasqui::simulation
