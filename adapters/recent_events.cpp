#include "adapters/recent_events.hpp"

#include "adapters/event_history.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

namespace chasqui {

void recent_events::keep(const event& e) {
  if (events_.empty())
    oldest_ = e.kind == event_kind::gap ? e.from_seq : e.number;
  events_.push_back(e);
  if (events_.size() <= events_max_)
    return;
  oldest_ = events_.front().number + 1;
  events_.pop_front();
}

history_page recent_events::read(const history_query& what) const {
  history_page page;
  page.oldest = oldest_;
  auto at = std::lower_bound(events_.begin(), events_.end(), what.from,
                             [](const event& e, std::uint64_t number) { return e.number < number; });
  for (; at != events_.end() && !page.more; ++at) {
    if (!matches(*at, what.only))
      continue;
    page.more = page.events.size() == what.events_max;
    if (!page.more)
      page.events.push_back(*at);
  }
  return page;
}

namespace {

class memory_history final : public event_history {
public:
  explicit memory_history(std::uint64_t events_max) : events_{events_max} {}

  void open(handler<history_opened> then) override {
    std::unique_lock lock{mutex_};
    const auto last = events_.last();
    lock.unlock();
    then({{}, last});
  }
  void reserve(std::uint64_t, handler<fault> then) override { then({}); }
  void keep(const event& e) override {
    const std::lock_guard lock{mutex_};
    events_.keep(e);
  }
  void read(history_query what, handler<history_page> then) override {
    std::unique_lock lock{mutex_};
    auto page = events_.read(what);
    lock.unlock();
    then(std::move(page));
  }

private:
  std::mutex mutex_;
  recent_events events_;
};

} // namespace

std::shared_ptr<event_history> make_memory_history(std::uint64_t events_max) {
  return std::make_shared<memory_history>(events_max);
}

} // namespace chasqui
