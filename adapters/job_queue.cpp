#include "adapters/job_queue.hpp"

#include <utility>

namespace chasqui {

bool job_queue::offer(std::uint64_t bytes, job work) {
  const std::lock_guard lock{mutex_};
  const bool fits = bytes_ <= bytes_max_ && bytes <= bytes_max_ - bytes_;
  if (counted_ > 0 && (counted_ >= jobs_max_ || !fits))
    return false;
  jobs_.push_back({std::move(work), bytes, true});
  ++counted_;
  bytes_ += bytes;
  changed_.notify_one();
  return true;
}

void job_queue::insist(job work) {
  const std::lock_guard lock{mutex_};
  jobs_.push_back({std::move(work), 0, false});
  changed_.notify_one();
}

void job_queue::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return stops_ || !jobs_.empty(); });
    if (jobs_.empty())
      return;
    auto next = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    next.work();
    next.work = nullptr; // What it holds may call back in here.
    lock.lock();
    counted_ -= next.counts ? 1 : 0;
    bytes_ -= next.bytes;
  }
}

void job_queue::stop() {
  const std::lock_guard lock{mutex_};
  stops_ = true;
  changed_.notify_one();
}

} // namespace chasqui
