#include "adapters/event_history.hpp"

#include "adapters/history_file.hpp"
#include "adapters/recent_events.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace chasqui {
namespace {

constexpr std::chrono::milliseconds gathering{50}; ///< Events of so long go into the file together.
constexpr std::size_t jobs_max = 1000;
constexpr std::uint64_t memory_events_max = 10'000;

/// The history as its thread sees it: a file, or memory in its place.
class keeper {
public:
  keeper(std::string site, history_settings settings)
      : site_{std::move(site)}, settings_{std::move(settings)}, recent_{std::min(settings_.events_max,
                                                                                 memory_events_max)} {}

  history_opened open() {
    try {
      if (!file_ && recent_.last() == 0)
        file_.emplace(site_, settings_);
      if (file_)
        file_->begin_run();
    } catch (const std::exception& e) {
      return {{fault_code::store_unavailable,
               "the history of events is in memory alone, and ends with the daemon: " + std::string{e.what()},
               ""},
              recent_.last()};
    }
    return {{}, std::max(last_, file_ ? file_->last() : recent_.last())};
  }

  fault reserve(std::uint64_t through) {
    return attempt([&](history_file& file) { file.reserve(through); });
  }

  void keep(const std::vector<event>& events, std::uint64_t run_from) {
    if (!events.empty())
      last_ = events.back().number;
    if (file_)
      attempt([&](history_file& file) { file.keep(events, run_from); });
    else
      for (const auto& e : events)
        recent_.keep(e);
  }

  history_page read(const history_query& what) {
    if (!file_)
      return recent_.read(what);
    history_page page;
    if (auto problem = attempt([&](history_file& file) { page = file.read(what); }))
      return unanswered<history_page>(problem);
    return page;
  }

  void close(std::uint64_t last) {
    attempt([&](history_file& file) { file.close(last); });
  }

private:
  template <class Work> fault attempt(Work work) {
    try {
      if (file_)
        work(*file_);
      return {};
    } catch (const std::exception& e) {
      return {fault_code::store_unavailable, settings_.path + " cannot be used: " + e.what(), ""};
    }
  }

  std::string site_;
  history_settings settings_;
  std::optional<history_file> file_;
  recent_events recent_;
  std::uint64_t last_ = 0;
};

/// What the history and its thread share.
class desk {
public:
  using job = std::function<void(keeper&)>;

  desk(std::string site, const history_settings& settings)
      : waiting_max_{settings.waiting_max}, keeper_{std::move(site), settings} {}

  bool offer(job work) {
    const std::lock_guard lock{mutex_};
    if (jobs_.size() >= jobs_max)
      return false;
    jobs_.push_back(std::move(work));
    changed_.notify_one();
    return true;
  }

  // Some that do not fit leave a hole, which the next one shows.
  void keep(const event& e) {
    const std::lock_guard lock{mutex_};
    given_ = e.number;
    if (run_from_ == 0)
      run_from_ = e.number;
    if (events_.size() >= waiting_max_)
      return;
    events_.push_back(e);
    if (events_.size() == 1)
      changed_.notify_one();
  }

  /// Numbers begin anew behind what was given so far.
  void begin_run() {
    const std::lock_guard lock{mutex_};
    run_from_ = 0;
  }

  void stop() {
    const std::lock_guard lock{mutex_};
    stops_ = true;
    changed_.notify_one();
  }

  void run() {
    std::unique_lock lock{mutex_};
    while (!stops_ || !jobs_.empty() || !events_.empty()) {
      const auto urgent = [this] { return stops_ || !jobs_.empty(); };
      changed_.wait(lock, [&] { return urgent() || !events_.empty(); });
      changed_.wait_for(lock, gathering, urgent);
      const auto events = std::exchange(events_, {});
      const auto run_from = run_from_;
      const auto work = take_job(); // It comes behind every event that was kept before it.
      lock.unlock();
      if (!events.empty())
        keeper_.keep(events, run_from);
      if (work)
        work(keeper_);
      lock.lock();
    }
    keeper_.close(given_);
  }

private:
  /// One, so that what happens while it is done is written down before the next one.
  job take_job() {
    if (jobs_.empty())
      return {};
    auto first = std::move(jobs_.front());
    jobs_.pop_front();
    return first;
  }

  const std::size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<job> jobs_;
  std::vector<event> events_;
  std::uint64_t given_ = 0;    ///< The last number, kept or not.
  std::uint64_t run_from_ = 0; ///< The first one since the history was opened; 0 for none.
  bool stops_ = false;
  keeper keeper_; ///< For the thread alone.
};

class history_thread final : public event_history {
public:
  history_thread(std::string site, const history_settings& settings)
      : desk_{std::make_shared<desk>(std::move(site), settings)}, thread_{[at = desk_] { at->run(); }} {}
  history_thread(const history_thread&) = delete;
  history_thread& operator=(const history_thread&) = delete;
  // The last one to let go may be a handler, on this very thread: that ends by itself then.
  ~history_thread() override {
    desk_->stop();
    if (thread_.get_id() == std::this_thread::get_id())
      thread_.detach();
    else
      thread_.join();
  }

  void open(handler<history_opened> then) override {
    desk_->begin_run();
    call(std::move(then), [](keeper& k) { return k.open(); });
  }
  void reserve(std::uint64_t through, handler<fault> then) override {
    call(std::move(then), [through](keeper& k) { return k.reserve(through); });
  }
  void keep(const event& e) override { desk_->keep(e); }
  void read(history_query what, handler<history_page> then) override {
    call(std::move(then), [what = std::move(what)](keeper& k) { return k.read(what); });
  }

private:
  template <class Answer, class Work> void call(handler<Answer> then, Work work) {
    if (!desk_->offer([then, work = std::move(work)](keeper& k) { then(work(k)); }))
      then(unanswered<Answer>({fault_code::overloaded, "Too many ask for the history of events.", ""}));
  }

  std::shared_ptr<desk> desk_;
  std::thread thread_;
};

} // namespace

std::shared_ptr<event_history> make_event_history(std::string site, const history_settings& settings) {
  if (settings.path.empty())
    return make_memory_history(std::min(settings.events_max, memory_events_max));
  return std::make_shared<history_thread>(std::move(site), settings);
}

} // namespace chasqui
