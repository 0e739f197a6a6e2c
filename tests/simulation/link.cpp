#include "tests/simulation/link.hpp"

namespace chasqui::simulation {

namespace {

constexpr sim_time retransmission_min{std::chrono::milliseconds{400}};
constexpr sim_time retransmission_max{std::chrono::seconds{30}};

} // namespace

void link::unblock() {
  blocked_ = {};
  for (auto& direction : held_)
    for (auto& waiting : std::exchange(direction, {}))
      if (const auto line = waiting.lock())
        line->resume();
}

void wire::send(std::function<void()> arrive) {
  if (closed_)
    return;
  under_way_.push_back(std::move(arrive));
  schedule();
}

void wire::schedule() {
  last_due_ = std::max(last_due_, world_.now() + link_.delay());
  world_.at(last_due_, [me = shared_from_this()] { me->deliver(); });
}

void wire::resume() {
  const auto wait = world_.chance.one_in(8) ? retransmission_max : retransmission_min;
  last_due_ = std::max(last_due_, world_.now() + sim_time{static_cast<std::int64_t>(world_.chance.below(
                                                     static_cast<std::uint64_t>(wait.count())))});
  schedule();
}

void wire::deliver() {
  if (under_way_.empty())
    return; // It was cut.
  if (!link_.is_open(direction_)) {
    link_.held_.at(link::index(direction_)).push_back(weak_from_this());
    return;
  }
  const auto arrive = std::move(under_way_.front());
  under_way_.pop_front();
  arrive();
}

} // namespace chasqui::simulation
