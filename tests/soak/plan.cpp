#include "tests/soak/plan.hpp"

#include <utility>

namespace chasqui::soak {

planned_fault plan::next() {
  if (deck_.empty())
    shuffle();
  planned_fault out;
  out.kind = deck_.back();
  deck_.pop_back();
  const auto up_to = [this](std::chrono::milliseconds limit) {
    return std::chrono::milliseconds{below(static_cast<std::uint64_t>(limit.count()) + 1)};
  };
  out.pause = up_to(pause_max_);
  out.hold = up_to(kinds_[out.kind].hold_max);
  out.draw = random_();
  return out;
}

void plan::shuffle() {
  for (std::size_t kind = 0; kind < kinds_.size(); ++kind)
    deck_.insert(deck_.end(), static_cast<std::size_t>(kinds_[kind].weight), kind);
  for (std::size_t i = deck_.size(); i > 1; --i)
    std::swap(deck_[i - 1], deck_[below(i)]);
}

} // namespace chasqui::soak
