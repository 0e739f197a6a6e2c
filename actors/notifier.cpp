#include "actors/notifier.hpp"

#include <caf/all.hpp>

#include <utility>

namespace chasqui {

namespace {

using self_pointer = notifier_shell::stateful_pointer<notifier_state>;
constexpr std::chrono::seconds opening_max{5}; ///< A disk that hangs does not keep events back for longer.
constexpr std::size_t lists_max = 100;

void act(self_pointer self, notifier_actions actions);

void read(self_pointer self, const page_order& order) {
  self->state.outlets.history->read(order.what,
                                    answer_to<history_page>(self, [self, order](history_page page) {
                                      auto& s = self->state;
                                      act(self, s.core->on_page(order, std::move(page), s.wall()));
                                    }));
}

void act(self_pointer self, notifier_actions actions) {
  auto& s = self->state;
  for (const auto& e : actions.happened) {
    s.outlets.history->keep(e);
    if (s.outlets.publisher)
      s.outlets.publisher->publish(e);
  }
  for (auto& d : actions.deliveries)
    self->send(s.subscribers.at(d.subscriber), std::move(d.what));
  for (const auto& order : actions.reads)
    if (order.after.count() == 0)
      read(self, order);
    else
      self->delayed_send(self, order.after, io_answer{[self, order] { read(self, order); }});
  if (const auto through = actions.reserve)
    s.outlets.history->reserve(*through, answer_to<fault>(self, [self, through](const fault& problem) {
      auto& state = self->state;
      act(self, state.core->on_reserved(*through, problem, state.wall()));
    }));
}

void opened(self_pointer self, const history_opened& how) {
  auto& s = self->state;
  if (!s.core->is_open())
    act(self, s.core->on_opened(how, now_of(self, s.wall)));
}

void add(self_pointer self, const subscriber_actor& who, const subscribe& how) {
  auto& s = self->state;
  const auto known = s.numbers.find(who.address());
  const auto number = known != s.numbers.end() ? known->second : s.next++;
  auto actions = s.core->subscribe(number, how, s.wall());
  if (!s.core->knows(number))
    return;
  if (known == s.numbers.end())
    self->monitor(who);
  s.numbers.emplace(who.address(), number);
  s.subscribers.insert_or_assign(number, who);
  act(self, std::move(actions));
}

void remove(self_pointer self, const caf::actor_addr& who) {
  auto& s = self->state;
  if (const auto known = s.numbers.extract(who)) {
    s.core->unsubscribe(known.mapped());
    s.subscribers.erase(known.mapped());
  }
}

void confirm(self_pointer self, const subscriber_actor& who, const acknowledge& what) {
  auto& s = self->state;
  const auto known = s.numbers.find(who.address());
  if (known != s.numbers.end())
    act(self, s.core->acknowledge(known->second, what.number));
}

caf::result<past_events> list(self_pointer self, const list_events& what) {
  auto& s = self->state;
  if (!s.core->is_open())
    return to_error({fault_code::unavailable, "The history of events is being opened. Ask again.", ""});
  if (s.lists >= lists_max) // Subscribers who catch up must not wait behind any number of them.
    return to_error({fault_code::overloaded, "Too many ask for the history of events. Ask again.", ""});
  ++s.lists;
  auto promise = self->make_response_promise<past_events>();
  s.outlets.history->read(
      s.core->query_of(what), answer_to<history_page>(self, [self, what, promise](history_page page) mutable {
        --self->state.lists;
        if (page.problem)
          promise.deliver(to_error(page.problem));
        else
          promise.deliver(self->state.core->answer_to(what, std::move(page), self->state.wall()));
      }));
  return promise;
}

} // namespace

notifier_shell::behavior_type notifier(self_pointer self, event_outlets outlets, wall_clock wall,
                                       notifier_limits limits) {
  auto& s = self->state;
  s.core.emplace(limits);
  s.outlets = std::move(outlets);
  s.wall = std::move(wall);
  self->set_down_handler([self](const caf::down_msg& m) { remove(self, m.source); });
  s.outlets.history->open(
      answer_to<history_opened>(self, [self](const history_opened& how) { opened(self, how); }));
  self->delayed_send(self, opening_max, tick{});
  return {
      [self](event& e) { act(self, self->state.core->tell(std::move(e))); },
      [self](const subscriber_actor& who, const subscribe& how) { add(self, who, how); },
      [self](const subscriber_actor& who, const acknowledge& what) { confirm(self, who, what); },
      [self](const list_events& what) { return list(self, what); },
      [](const io_answer& a) { a.then(); },
      [self](const tick&) {
        opened(self, {{fault_code::timed_out, "the history of events does not open: its disk hangs", ""}, 0});
      },
  };
}

} // namespace chasqui
