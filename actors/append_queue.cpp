#include "actors/append_queue.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

append_queue::append_queue(std::vector<std::string> lanes, std::uint64_t entries_max, std::uint64_t bytes_max)
    : entries_max_{entries_max}, bytes_max_{bytes_max} {
  for (auto& lane : lanes)
    lines_.push_back({std::move(lane), {}, 0});
}

append_queue::line& append_queue::line_of(const std::string& lane) {
  return *std::find_if(lines_.begin(), lines_.end(), [&](const line& l) { return l.lane == lane; });
}

const append_queue::line& append_queue::first() const {
  return *std::find_if(lines_.begin(), lines_.end(), [](const line& l) { return !l.waiting.empty(); });
}

bool append_queue::has_room_for(const append& what) const {
  std::uint64_t entries = 1;
  std::uint64_t bytes = what.payload.size();
  for (const auto& l : lines_) {
    entries += l.waiting.size();
    bytes += l.bytes;
    if (l.lane == what.lane)
      break;
  }
  return entries <= entries_max_ && bytes <= bytes_max_;
}

std::vector<waiting_append> append_queue::add(waiting_append w) {
  std::vector<waiting_append> out;
  auto& own = line_of(w.what.lane);
  ++entries_;
  bytes_ += w.what.payload.size();
  own.bytes += w.what.payload.size();
  own.waiting.push_back(std::move(w));
  for (auto last = lines_.rbegin(); &*last != &own; ++last)
    while (!last->waiting.empty() && (entries_ > entries_max_ || bytes_ > bytes_max_))
      out.push_back(take_from(*last, true));
  return out;
}

waiting_append append_queue::take_from(line& l, bool youngest) {
  auto out = std::move(youngest ? l.waiting.back() : l.waiting.front());
  if (youngest)
    l.waiting.pop_back();
  else
    l.waiting.pop_front();
  --entries_;
  bytes_ -= out.what.payload.size();
  l.bytes -= out.what.payload.size();
  return out;
}

const waiting_append& append_queue::front() const { return first().waiting.front(); }

waiting_append append_queue::pop() { return take_from(line_of(first().lane), false); }

std::vector<waiting_append> append_queue::expire(time_point now) {
  std::vector<waiting_append> out;
  for (auto& l : lines_)
    while (!l.waiting.empty() && l.waiting.front().deadline <= now)
      out.push_back(take_from(l, false));
  return out;
}

std::vector<waiting_append> append_queue::clear() { return expire(time_point::max()); }

} // namespace chasqui
