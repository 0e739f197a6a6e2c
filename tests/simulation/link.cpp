#include "tests/simulation/link.hpp"

namespace chasqui::simulation {

void link::unblock() {
  blocked_ = {};
  for (auto& direction : held_)
    for (auto& waiting : std::exchange(direction, {}))
      if (const auto line = waiting.lock())
        line->schedule();
}

void wire::send(std::function<void()> arrive) {
  under_way_.push_back(std::move(arrive));
  schedule();
}

void wire::schedule() {
  last_due_ = std::max(last_due_, world_.now() + link_.delay());
  world_.at(last_due_, [me = shared_from_this()] { me->deliver(); });
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
