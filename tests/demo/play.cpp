#include "tests/demo/play.hpp"

#include "tests/demo/audit.hpp"
#include "tests/demo/server_view.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace chasqui::night {

namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds look_interval{100};
constexpr seconds ready_patience{60};
constexpr seconds notice_patience{60};
constexpr seconds drain_patience{180};
constexpr std::size_t outage_submits_min = 1001;

double seconds_between(time_point from, time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

bool all_replicated(const status_report& s) {
  const auto m = marks_of(s);
  return m.head > 0 && m.replicated >= m.head;
}

} // namespace

play::play(std::span<const observation> night, programme how, site_access site, const sandbox_verbs& sandbox,
           const std::atomic<bool>& broken_off)
    : night_{night}, how_{how}, site_{std::move(site)}, sandbox_{sandbox},
      broken_off_{broken_off}, team_{night_, records_, site_.open_session, how_.pace} {}

account play::run() {
  begin();
  observe_with_link_open();
  observe_with_link_cut();
  drain();
  settle();
  return close_the_books();
}

void play::begin() {
  display_.announce("waiting for the link to Cologne");
  if (!until([](const auto& s) { return s.link.phase == link_phase::streaming; }, ready_patience))
    note("the link does not come up");
  display_.announce("the night is planned: " + std::to_string(night_.size()) + " observations of M101");
  team_.plan();
}

void play::observe_with_link_open() {
  display_.announce("three cameras observe; every transaction goes to Cologne and comes back to the replica");
  const auto began = steady_clock::now();
  team_.start_observing();
  until([&](const auto&) { return steady_clock::now() >= began + how_.before; }, how_.before + seconds{1});
  times_.before = records_.latency_of(began, steady_clock::now());
}

void play::observe_with_link_cut() {
  const auto cut_begins = steady_clock::now();
  cut_link link{sandbox_};
  const auto cut_at = steady_clock::now();
  display_.announce("the link is cut; the observatory goes on");
  bool noticed = false;
  const auto long_enough = [&](const status_report& s) {
    noticed = noticed || s.link.phase != link_phase::streaming;
    const auto now = steady_clock::now();
    return noticed && now >= cut_at + how_.outage &&
           records_.latency_of(cut_at, now).count >= outage_submits_min;
  };
  if (!until(long_enough, how_.outage + notice_patience))
    note(noticed ? "too few submits were acknowledged in the outage"
                 : "nobody noticed that the link was cut");
  times_.during = records_.latency_of(cut_at, steady_clock::now());
  link.heal();
  healed_at_ = steady_clock::now();
  times_.outage_s = seconds_between(cut_begins, healed_at_);
}

void play::drain() {
  until([](const auto&) { return true; }, seconds{5}); // What waits now, not a moment ago.
  const auto waiting = marks_of(status_);
  display_.announce("the link is healed; " + std::to_string(waiting.head - waiting.replicated) +
                    " transactions set out for Cologne, and the observatory goes on");
  const auto arrived = [&](const status_report& s) { return marks_of(s).replicated >= waiting.head; };
  if (!until(arrived, drain_patience))
    return note("what waited did not arrive");
  times_.drain_s = seconds_between(healed_at_, steady_clock::now());
  times_.drained = marks_of(status_).replicated - waiting.replicated;
  display_.announce("all that waited has arrived; the observations under way are finished");
}

void play::settle() {
  team_.finish();
  if (!until(all_replicated, drain_patience))
    return note("the last transactions did not arrive");
  display_.announce("everything is on the replica; now both servers are asked what they have");
}

account play::close_the_books() {
  const auto records = records_.records();
  account a;
  a.submitted = records.submitted;
  a.refused = records.refused;
  a.first_refusal = records.first_refusal;
  a.times = times_;
  a.unfinished = unfinished_;
  a.found = audit(records, look_at(sandbox_.primary_dsn(), status_.site, records),
                  look_at(sandbox_.replica_dsn(), status_.site, records));
  return a;
}

bool play::until(const predicate& holds, seconds patience) {
  const auto deadline = steady_clock::now() + patience;
  for (auto next = steady_clock::now(); next < deadline; next += look_interval) {
    std::this_thread::sleep_until(next);
    if (broken_off_)
      throw interrupted{};
    auto answer = site_.status();
    auto* s = std::get_if<status_report>(&answer);
    if (s == nullptr)
      continue;
    status_ = std::move(*s);
    const auto now = steady_clock::now();
    display_.show(status_, records_.latency_of(now - seconds{1}, now), now);
    if (holds(status_))
      return true;
  }
  return false;
}

void play::note(const std::string& what) {
  display_.announce(what);
  if (unfinished_.empty())
    unfinished_ = what;
}

} // namespace chasqui::night
