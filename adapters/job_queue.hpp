#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>

namespace chasqui {

/// What a thread has to do, in order. Jobs must not throw.
class job_queue {
public:
  using job = std::function<void()>;

  job_queue(std::uint64_t jobs_max, std::uint64_t bytes_max) : jobs_max_{jobs_max}, bytes_max_{bytes_max} {}

  /// Puts a job at the end; false, and nothing is done, if there is no room for it. An empty queue has room
  /// for any job.
  bool offer(std::uint64_t bytes, job work);

  /// Puts a job at the end, room or no room. Whoever calls it bounds how often.
  void insist(job work);

  /// Carries out jobs, on the thread that calls it, until it was told to stop and nothing is left.
  void run();
  void stop();

private:
  struct waiting {
    job work;
    std::uint64_t bytes = 0;
    bool counts = false;
  };

  const std::uint64_t jobs_max_;
  const std::uint64_t bytes_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<waiting> jobs_;
  std::uint64_t counted_ = 0; ///< Jobs and bytes that wait or are under way.
  std::uint64_t bytes_ = 0;
  bool stops_ = false;
};

} // namespace chasqui
