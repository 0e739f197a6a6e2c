#include "runtime/outside_bridge.hpp"

#include <caf/all.hpp>

#include <utility>
#include <vector>

namespace chasqui {

std::uint64_t open_calls::add(time_point deadline, give_up then) {
  calls_.emplace(++next_, open_call{deadline, std::move(then)});
  return next_;
}

void open_calls::expire(time_point now) {
  std::vector<give_up> late;
  for (auto one = calls_.begin(); one != calls_.end();)
    if (one->second.deadline <= now) {
      late.push_back(std::move(one->second.then));
      one = calls_.erase(one);
    } else {
      ++one;
    }
  for (const auto& then : late)
    then();
}

void watch_calls(bridge_pointer self) {
  constexpr std::chrono::seconds interval{1};
  if (!std::exchange(self->state.ticking, true))
    self->delayed_send(self, interval, tick{});
}

caf::behavior outside_bridge(bridge_pointer self) {
  return {[self](const outside_call& call) { call.run(self); },
          [self](const tick&) {
            auto& s = self->state;
            s.ticking = false;
            s.open.expire(self->clock().now());
            if (!s.open.empty())
              watch_calls(self);
          }};
}

} // namespace chasqui
