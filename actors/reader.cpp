#include "actors/reader.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <utility>
#include <variant>

namespace chasqui {

namespace {

using self_pointer = reader_shell::stateful_pointer<reader_state>;
using read_pointer = std::shared_ptr<read_under_way>;
using std::chrono::milliseconds;
constexpr milliseconds tick_interval{100};

const fault late{fault_code::timed_out, "The read was not done in the time given.", ""};

void act(self_pointer self, const read_pointer& read, reading_step step);

milliseconds left_of(self_pointer self, const read_under_way& read) {
  return std::chrono::duration_cast<milliseconds>(read.deadline - self->clock().now());
}

void begin_next(self_pointer self) {
  auto& s = self->state;
  while (!s.waiting.empty() && s.running.size() < s.policy.reads_max) {
    const auto next = std::move(s.waiting.front());
    s.waiting.pop_front();
    s.running.insert(next);
    act(self, next, next->core.start());
  }
}

void finish(self_pointer self, const read_pointer& read, std::variant<found_rows, fault> answer) {
  if (self->state.running.erase(read) == 0)
    return;
  read->snapshot.reset();
  if (const auto* problem = std::get_if<fault>(&answer))
    read->promise.deliver(to_error(*problem));
  else
    read->promise.deliver(std::move(std::get<found_rows>(answer)));
  begin_next(self);
}

/// What an adapter answers to this read; nobody waits for it once the read is over.
template <class Answer, class Then>
handler<Answer> heard(self_pointer self, const read_pointer& read, Then then) {
  return answer_to<Answer>(self, [self, read, then](Answer answer) {
    if (self->state.running.contains(read))
      act(self, read, then(read->core, std::move(answer)));
  });
}

void carry_out(self_pointer self, const read_pointer& read, open_order& order) {
  // Time is left for an answer without it.
  const auto patience = std::min(self->state.policy.replica_patience, left_of(self, *read) * 2 / 3);
  read->snapshot = self->state.source->open(
      std::move(order.table), std::move(order.first), std::max(patience, milliseconds{1}),
      heard<snapshot_opened>(self, read, [](reading& core, snapshot_opened opened) {
        return core.on_opened(std::move(opened));
      }));
}

void carry_out(self_pointer self, const read_pointer& read, fetch_order& order) {
  read->snapshot->fetch(std::move(order.wanted),
                        heard<base_page>(self, read, [](reading& core, base_page page) {
                          return core.on_fetched(std::move(page));
                        }));
}

void carry_out(self_pointer self, const read_pointer& read, rank_order& order) {
  read->snapshot->rank(std::move(order.records), std::move(order.columns),
                       heard<ranking>(self, read, [](reading& core, const ranking& answer) {
                         return core.on_ranked(answer);
                       }));
}

void carry_out(self_pointer self, const read_pointer& read, look_order& order) {
  read->found.clear();
  read->awaited = order.each.size();
  for (auto& one : order.each)
    self->request(self->state.buffer, std::max(left_of(self, *read), milliseconds{1}), std::move(one))
        .then(
            [self, read](looked_up& lane) {
              read->found.push_back(std::move(lane));
              if (--read->awaited == 0 && self->state.running.contains(read))
                act(self, read, read->core.on_found(std::exchange(read->found, {})));
            },
            [self, read](const caf::error& e) { finish(self, read, to_fault(e)); });
}

void carry_out(self_pointer self, const read_pointer& read, found_rows& answer) {
  finish(self, read, std::move(answer));
}

void carry_out(self_pointer self, const read_pointer& read, fault& why) {
  finish(self, read, std::move(why));
}

void act(self_pointer self, const read_pointer& read, reading_step step) {
  const bool is_over = std::holds_alternative<found_rows>(step) || std::holds_alternative<fault>(step);
  if (!is_over && left_of(self, *read) <= milliseconds{0})
    return finish(self, read, late);
  std::visit([&](auto& order) { carry_out(self, read, order); }, step);
}

caf::result<found_rows> accept(self_pointer self, read_rows what) {
  auto& s = self->state;
  if (s.waiting.size() >= s.policy.waiting_max)
    return to_error({fault_code::overloaded, "Too many reads wait (reader.waiting_max). Read again.", ""});
  auto promise = self->make_response_promise<found_rows>();
  const auto timeout = std::clamp(what.timeout, milliseconds{1}, s.policy.timeout_max);
  if (s.waiting.empty())
    self->delayed_send(self, tick_interval, tick{});
  s.waiting.push_back(std::make_shared<read_under_way>(std::move(what), s.lanes, s.policy.limits,
                                                       self->clock().now() + timeout, promise));
  begin_next(self);
  return promise;
}

void hear(self_pointer self, const std::shared_ptr<glance_under_way>& one) {
  if (--one->awaited == 0 && self->state.glances.erase(one) > 0)
    one->promise.deliver(one->core.answer());
}

caf::result<glanced> accept(self_pointer self, glance what) {
  auto& s = self->state;
  const auto timeout = std::clamp(what.timeout, milliseconds{1}, s.policy.timeout_max);
  const auto one = std::make_shared<glance_under_way>(
      glance_under_way{row_glance{std::move(what)}, self->make_response_promise<glanced>()});
  auto look_ups = one->core.look_ups();
  one->awaited = look_ups.size() + 1;
  s.glances.insert(one);
  for (std::size_t i = 0; i < look_ups.size(); ++i)
    self->request(s.buffer, timeout, std::move(look_ups[i]))
        .then(
            [self, one, i](const looked_up& found) {
              one->core.on_found(i, found);
              hear(self, one);
            },
            [self, one](const caf::error&) { hear(self, one); });
  s.source->probe(one->core.wanted(), std::min(timeout, s.policy.replica_patience),
                  answer_to<probe_result>(self, [self, one](const probe_result& result) {
                    one->core.on_probed(result);
                    hear(self, one);
                  }));
  return one->promise;
}

void expire(self_pointer self) {
  auto& s = self->state;
  const auto is_late = [now = self->clock().now()](const read_pointer& read) {
    return read->deadline <= now;
  };
  for (const auto& read : s.waiting)
    if (is_late(read))
      read->promise.deliver(to_error(late));
  std::erase_if(s.waiting, is_late);
  if (!s.waiting.empty())
    self->delayed_send(self, tick_interval, tick{});
}

void leave(self_pointer self, const caf::error& reason) {
  auto& s = self->state;
  const auto gone = to_error({fault_code::unavailable, "The runtime is stopping.", ""});
  for (const auto& read : std::exchange(s.running, {})) {
    read->snapshot.reset();
    read->promise.deliver(gone);
  }
  for (const auto& one : std::exchange(s.glances, {}))
    one->promise.deliver(gone);
  for (const auto& read : std::exchange(s.waiting, {}))
    read->promise.deliver(gone);
  self->quit(reason);
}

} // namespace

reader_shell::behavior_type reader(self_pointer self, std::shared_ptr<row_source> source, buffer_actor buffer,
                                   std::vector<std::string> lanes, reader_policy policy) {
  auto& s = self->state;
  s.policy = policy;
  s.source = std::move(source);
  s.buffer = std::move(buffer);
  s.lanes = std::move(lanes);
  self->set_exit_handler([self](const caf::exit_msg& m) { leave(self, m.reason); });
  return {
      [self](read_rows& what) { return accept(self, std::move(what)); },
      [self](glance& what) { return accept(self, std::move(what)); },
      [](const io_answer& a) { a.then(); },
      [self](const tick&) { expire(self); },
  };
}

} // namespace chasqui
