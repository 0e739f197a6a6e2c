#pragma once

#include "actors/reader_core.hpp"
#include "tests/support/log_client.hpp"

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace chasqui::test {

/// So long a replica may take.
constexpr std::chrono::seconds replica_patience{20};

/// Makes a call and waits for its answer.
template <class Answer, class Call> Answer answer_of(Call call) {
  const auto promise = std::make_shared<std::promise<Answer>>();
  call([promise](Answer a) { promise->set_value(std::move(a)); });
  return get(promise->get_future());
}

/// Carries out reads without an actor; `find` looks into the log.
class lone_reader {
public:
  lone_reader(std::shared_ptr<row_source> source, std::vector<std::string> lanes,
              std::function<looked_up(const look_up&)> find)
      : source_{std::move(source)}, lanes_{std::move(lanes)}, find_{std::move(find)} {}

  std::variant<found_rows, fault> read(const read_rows& what) {
    reading core{what, lanes_, {}};
    auto step = core.start();
    for (;;) {
      if (auto* answer = std::get_if<found_rows>(&step))
        return std::move(*answer);
      if (auto* why = std::get_if<fault>(&step))
        return std::move(*why);
      step = next(core, step);
    }
  }

private:
  reading_step next(reading& core, reading_step& step) {
    if (auto* open = std::get_if<open_order>(&step))
      return core.on_opened(answer_of<snapshot_opened>(
          [&](auto then) { snapshot_ = source_->open(open->table, open->first, replica_patience, then); }));
    if (auto* fetch = std::get_if<fetch_order>(&step))
      return core.on_fetched(answer_of<base_page>([&](auto then) { snapshot_->fetch(fetch->wanted, then); }));
    if (auto* rank = std::get_if<rank_order>(&step))
      return core.on_ranked(
          answer_of<ranking>([&](auto then) { snapshot_->rank(rank->records, rank->columns, then); }));
    std::vector<looked_up> found;
    for (const auto& one : std::get<look_order>(step).each)
      found.push_back(find_(one));
    return core.on_found(found);
  }

  std::shared_ptr<row_source> source_;
  std::vector<std::string> lanes_;
  std::function<looked_up(const look_up&)> find_;
  std::unique_ptr<row_snapshot> snapshot_;
};

} // namespace chasqui::test
