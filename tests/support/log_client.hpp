#pragma once

#include "adapters/ports/log_store.hpp"
#include "tests/support/wait_until.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace chasqui::test {

/// Waits for a promised answer, with a deadline.
template <class Answer> Answer get(std::future<Answer>& answer) {
  if (answer.wait_for(long_enough) != std::future_status::ready)
    throw std::runtime_error("no answer");
  return answer.get();
}

template <class Answer> Answer get(std::future<Answer>&& answer) { return get(answer); }

/// A log store, asked by a test: every call gives a future. A second answer to one call ends the program.
class log_client {
public:
  explicit log_client(std::shared_ptr<log_store> log) : log_{std::move(log)} {}

  std::future<log_opened> begin_open(std::vector<std::string> lanes) {
    return begin<log_opened>([&](auto then) { log_->open(std::move(lanes), then); });
  }
  std::future<append_result> begin_append(std::vector<append_item> items) {
    return begin<append_result>([&](auto then) { log_->append(std::move(items), then); });
  }
  std::future<log_slice> begin_read(take what) {
    return begin<log_slice>([&](auto then) { log_->read(std::move(what), then); });
  }
  std::future<fault> begin_mark(lane_marks marks, seqno trim_through) {
    return begin<fault>([&](auto then) { log_->mark(std::move(marks), trim_through, then); });
  }

  log_opened open(std::vector<std::string> lanes = {"main"}) { return get(begin_open(std::move(lanes))); }
  append_result append(std::vector<append_item> items) { return get(begin_append(std::move(items))); }
  log_slice read(seqno from, std::uint64_t entries_max = 1000, std::uint64_t bytes_max = 1U << 24U,
                 std::string lane = "main") {
    return get(begin_read({std::move(lane), from, entries_max, bytes_max}));
  }
  std::future<lookup_page> begin_look_up(std::vector<index_term> terms, seqno from = 1,
                                         std::uint64_t entries_max = 1000) {
    return begin<lookup_page>([&](auto then) {
      log_->look_up({"main", from, ~seqno{0}, std::move(terms), entries_max, 1U << 24U, false}, then);
    });
  }
  lookup_page look_up_by_memory(std::vector<index_term> terms, seqno from) {
    return get(begin<lookup_page>([&](auto then) {
      log_->look_up({"main", from, ~seqno{0}, std::move(terms), 1000, 1U << 24U, true}, then);
    }));
  }
  lookup_page look_up(std::vector<index_term> terms, seqno from = 1, std::uint64_t entries_max = 1000) {
    return get(begin_look_up(std::move(terms), from, entries_max));
  }
  fault mark(lane_marks marks, seqno trim_through) { return get(begin_mark(std::move(marks), trim_through)); }
  std::future<fault> begin_adopt(lane_marks marks) {
    return begin<fault>([&](auto then) { log_->adopt(std::move(marks), then); });
  }
  fault adopt(lane_marks marks) { return get(begin_adopt(std::move(marks))); }
  fault import(std::vector<entry> entries, std::string lane = "main") {
    return get(begin<fault>([&](auto then) { log_->import(std::move(lane), std::move(entries), then); }));
  }
  fault renumber(seqno first, std::string lane = "main") {
    return get(begin<fault>([&](auto then) { log_->renumber(std::move(lane), first, then); }));
  }
  fault bury(rejected why) {
    return get(begin<fault>([&](auto then) { log_->bury(std::move(why), then); }));
  }
  log_place find(uuid id) {
    return get(begin<log_place>([&](auto then) { log_->find(id, then); }));
  }
  dead_page list_dead(chasqui::list_dead what = {}) {
    return get(begin<dead_page>([&](auto then) { log_->list_dead(what, then); }));
  }
  void close() { log_->close(); }

protected:
  template <class Answer, class Call> std::future<Answer> begin(Call call) {
    auto promise = std::make_shared<std::promise<Answer>>();
    auto answer = promise->get_future();
    call([promise](Answer a) { promise->set_value(std::move(a)); });
    return answer;
  }

private:
  std::shared_ptr<log_store> log_;
};

/// An id that is another one for every number, made like the ids of a site.
inline uuid test_id(std::uint64_t number) {
  return make_uuid7(instant{std::chrono::milliseconds{1'790'000'000'000 + number / 3}},
                    number * 0x9E3779B97F4A7C15ULL, number * 0xBF58476D1CE4E5B9ULL + 1);
}

/// A time that is another one for every number, with microseconds that no binary fraction of seconds has.
inline instant test_time(std::uint64_t number) {
  return instant{std::chrono::microseconds{1'790'000'000'000'001 + static_cast<std::int64_t>(number) * 7}};
}

inline std::string test_payload(std::uint64_t number, std::size_t bytes = 40) {
  auto text = "{\"n\":" + std::to_string(number) + ",\"x\":\"";
  text.resize(std::max(text.size(), bytes - 2), 'x');
  return text + "\"}";
}

inline append_item test_item(std::uint64_t number, std::string lane = "main", std::size_t bytes = 40) {
  return {test_id(number), std::move(lane), test_payload(number, bytes), test_time(number)};
}

/// Items `first..last`.
inline std::vector<append_item> test_items(std::uint64_t first, std::uint64_t last, std::size_t bytes = 40) {
  std::vector<append_item> items;
  for (auto number = first; number <= last; ++number)
    items.push_back(test_item(number, "main", bytes));
  return items;
}

} // namespace chasqui::test
