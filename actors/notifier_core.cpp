#include "actors/notifier_core.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

namespace {

// Numbers begin with the milliseconds since then, so that they grow from run to run also where no file tells
// the last one: there are fewer than a thousand events a second in the long run.
constexpr instant numbers_since{std::chrono::sys_days{std::chrono::year{2025} / 1 / 1}};

/// Some 6 s, in which others may have read what they wanted.
constexpr std::uint32_t attempts_max = 7;
constexpr std::chrono::milliseconds first_pause{100};

std::uint64_t number_of(instant now) {
  const auto since = std::chrono::floor<std::chrono::milliseconds>(nearest_writable(now) - numbers_since);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(since.count(), 1));
}

bool asks_for_all(const event_filter& f) {
  return f.kinds.empty() && f.lane.empty() && f.seq == 0 && f.id.is_nil();
}

} // namespace

event notifier_core::gap(std::uint64_t from, std::uint64_t to, instant now, std::string why) {
  return {to, now, event_kind::gap, {}, from, to, {}, std::move(why)};
}

notifier_actions notifier_core::on_opened(const history_opened& opened, moment now) {
  notifier_actions out;
  first_ = std::max(opened.last + 1, number_of(now.wall));
  last_ = first_ - 1;
  for (auto& [who, s] : subscribers_)
    begin(who, s, now.wall, out);
  number_held(now.wall, out);
  if (opened.problem)
    number({0, now.wall, event_kind::store, {}, 0, 0, {}, opened.problem.message}, out);
  if (!reserving_)
    out.reserve = last_ + limits_.reserved_numbers;
  reserving_ = true;
  return out;
}

void notifier_core::number_held(instant now, notifier_actions& out) {
  for (auto& e : std::exchange(held_, {}))
    number(std::move(e), out);
  if (unheld_ == 0)
    return;
  const auto from = last_ + 1;
  last_ += std::exchange(unheld_, 0) - 1;
  number(gap(from, last_ + 1, now, "more happened before the history was open than could wait for it"), out);
}

notifier_actions notifier_core::on_reserved(std::uint64_t through, const fault& problem, instant now) {
  notifier_actions out;
  reserving_ = false;
  reserved_ = through; // When it failed, it is tried again just as late.
  if (problem && !std::exchange(complained_, true))
    number({0, now, event_kind::store, {}, 0, 0, {}, "the history of events: " + problem.message}, out);
  else if (!problem)
    complained_ = false;
  return out;
}

notifier_actions notifier_core::tell(event e) {
  notifier_actions out;
  if (is_open())
    number(std::move(e), out);
  else if (held_.size() < limits_.backlog_max && unheld_ == 0)
    held_.push_back(std::move(e));
  else
    ++unheld_;
  return out;
}

void notifier_core::number(event e, notifier_actions& out) {
  e.number = ++last_;
  for (auto& [who, s] : subscribers_) {
    if (s.next == 0 && s.sent - s.confirmed >= s.backlog_max)
      s.next = e.kind == event_kind::gap ? e.from_seq : e.number;
    if (s.next != 0)
      continue;
    s.sent = e.number;
    out.deliveries.push_back({who, {{e}}});
  }
  out.happened.push_back(std::move(e));
  if (!reserving_ && reserved_ < last_ + limits_.reserved_numbers / 2) {
    reserving_ = true;
    out.reserve = last_ + limits_.reserved_numbers;
  }
}

notifier_actions notifier_core::subscribe(std::uint64_t subscriber, const chasqui::subscribe& how,
                                          instant now) {
  notifier_actions out;
  if (subscribers_.size() >= limits_.subscribers_max && !subscribers_.contains(subscriber))
    return out;
  auto& s = subscribers_[subscriber];
  s = {};
  s.backlog_max = std::clamp<std::uint64_t>(how.backlog_max, 1, limits_.backlog_max);
  s.from = how.from;
  s.turn = ++turns_;
  if (is_open())
    begin(subscriber, s, now, out);
  return out;
}

void notifier_core::begin(std::uint64_t who, subscription& s, instant now, notifier_actions& out) {
  const auto from = s.from == from_this_run ? first_ : s.from;
  if (from == from_now_on || from > last_)
    go_live(s, 0);
  if (from > last_ + 1)
    out.deliveries.push_back(
        {who,
         {{{last_,
            now,
            event_kind::gap,
            {},
            0,
            0,
            {},
            "no number so high was given here: what comes is what happens from now on"}}}});
  if (from == from_now_on || from > last_)
    return;
  s.next = from;
  s.sent = s.confirmed = from - 1;
  catch_up(who, s, out);
}

void notifier_core::go_live(subscription& s, std::size_t under_way) const {
  s.next = 0;
  s.sent = last_;
  s.confirmed = last_ - std::min<std::uint64_t>(under_way, last_);
}

notifier_actions notifier_core::acknowledge(std::uint64_t subscriber, std::uint64_t number) {
  notifier_actions out;
  const auto found = subscribers_.find(subscriber);
  if (found == subscribers_.end())
    return out;
  auto& s = found->second;
  s.confirmed = std::clamp(number, s.confirmed, s.sent);
  catch_up(subscriber, s, out);
  return out;
}

void notifier_core::catch_up(std::uint64_t who, subscription& s, notifier_actions& out) {
  if (s.next == 0 || s.reading || s.confirmed < s.sent)
    return;
  s.reading = true;
  s.turn = ++turns_;
  s.asked_to = last_;
  out.reads.push_back({who, s.turn, {s.next, std::min(limits_.page_max, s.backlog_max), {}}});
}

notifier_actions notifier_core::on_page(const page_order& order, history_page page, instant now) {
  notifier_actions out;
  const auto found = subscribers_.find(order.subscriber);
  if (found == subscribers_.end() || found->second.turn != order.turn)
    return out;
  auto& s = found->second;
  if (page.problem && ++s.failures < attempts_max) {
    out.reads.push_back(order);
    out.reads.back().after = first_pause * (1U << (s.failures - 1));
    return out;
  }
  s.failures = 0;
  s.reading = false;
  if (page.problem)
    page.events = {gap(order.what.from, s.asked_to, now, page.problem.message)};
  else
    mark_gaps(page, order.what, s.asked_to, now);
  const auto seen_to = page.events.empty() ? 0 : page.events.back().number;
  s.next = (page.more ? seen_to : std::max(seen_to, s.asked_to)) + 1;
  const auto count = page.events.size();
  if (count > 0)
    out.deliveries.push_back({order.subscriber, {std::move(page.events)}});
  if (s.next > last_) {
    go_live(s, count);
  } else if (count > 0) {
    s.sent = seen_to;
    s.confirmed = seen_to - 1; // The next page comes once this one is dealt with.
  }
  catch_up(order.subscriber, s, out);
  return out;
}

// Within the page, gaps are the history's business. What is not there of the numbers up to `last` is named
// here: in front, as it was given up; behind, as it was not kept.
void notifier_core::mark_gaps(history_page& page, const history_query& what, std::uint64_t last,
                              instant now) const {
  const auto oldest = page.oldest == 0 ? first_ : page.oldest;
  auto there_to = std::max(what.from, oldest) - 1;
  if (!page.events.empty() && page.events.front().kind == event_kind::gap)
    page.events.front().from_seq = std::max(page.events.front().from_seq, what.from);
  if (what.from > from_the_oldest && what.from < oldest)
    page.events.insert(page.events.begin(), gap(what.from, oldest - 1, now,
                                                "the history no longer has these (events.history_max)"));
  if (page.more || !asks_for_all(what.only))
    return;
  if (!page.events.empty())
    there_to = std::max(there_to, page.events.back().number);
  there_to = std::max(there_to, first_ - 1);
  if (there_to < last)
    page.events.push_back(gap(there_to + 1, last, now, "the history could not keep these"));
}

history_query notifier_core::query_of(const list_events& what) const {
  const auto from = what.from == from_this_run ? first_ : std::max(what.from, from_the_oldest);
  return {from, std::clamp<std::uint64_t>(what.events_max, 1, limits_.page_max), what.only};
}

past_events notifier_core::answer_to(const list_events& what, history_page page, instant now) const {
  mark_gaps(page, query_of(what), last_, now);
  past_events out;
  out.last = last_;
  out.next = (page.more && !page.events.empty() ? page.events.back().number : last_) + 1;
  out.events = std::move(page.events);
  return out;
}

} // namespace chasqui
