#include "actors/link_lifecycle.hpp"

#include <algorithm>
#include <cmath>

namespace chasqui {

namespace {

template <class... Handlers> struct overloaded : Handlers... { using Handlers::operator()...; };
template <class... Handlers> overloaded(Handlers...) -> overloaded<Handlers...>;

moment later(moment now, std::chrono::milliseconds wait) {
  return {now.steady + wait, now.wall + std::chrono::duration_cast<std::chrono::microseconds>(wait)};
}

link_lifecycle after_failure(const link_input::failed& f, std::uint32_t attempt, moment now,
                             const backoff_policy& policy) {
  if (f.why.code == fault_code::fenced)
    return phase::fenced{now, f.why};
  if (f.why.code == fault_code::diverged)
    return phase::diverged{now, f.why};
  const auto doubled = policy.min.count() << std::min(attempt - std::min(attempt, 1U), 20U);
  const auto ceiling = static_cast<double>(std::min<std::int64_t>(policy.max.count(), doubled));
  const std::chrono::milliseconds wait{std::llround(ceiling * f.jitter)};
  return phase::backing_off{now, attempt, later(now, wait), f.why};
}

} // namespace

link_lifecycle next_phase(const link_lifecycle& now_in, const link_event& what, moment now,
                          const backoff_policy& policy) {
  using namespace link_input;
  const auto connect = [&](std::uint32_t attempt, const fault& why = {}) -> link_lifecycle {
    return phase::connecting{now, attempt, why};
  };
  const auto stay = [](const auto& same) -> link_lifecycle { return same; };
  return std::visit(
      overloaded{
          [&](const phase::connecting& p, const opened&) -> link_lifecycle {
            return phase::streaming{now, p.attempt};
          },
          [&](const phase::connecting& p, const failed& f) {
            return after_failure(f, p.attempt, now, policy);
          },
          [&](const phase::streaming& p, const failed& f) {
            const bool stable = now.steady - p.since.steady >= policy.stable;
            return after_failure(f, stable ? 1 : p.attempt, now, policy);
          },
          [&](const phase::streaming&, const restarted&) { return connect(1); },
          [&](const phase::backing_off& p, const time_passed&) {
            return now.steady >= p.until.steady ? connect(p.attempt + 1, p.why) : stay(p);
          },
          [&](const phase::backing_off& p, const heard&) { return connect(p.attempt + 1, p.why); },
          [&](const phase::paused&, const resume&) { return connect(1); },
          [&](const phase::fenced&, const resume&) { return connect(1); },
          [&](const phase::diverged&, const resume&) { return connect(1); },
          [&](const auto&, const pause& p) -> link_lifecycle {
            return phase::paused{now, p.reason};
          },
          [&](const auto& same, const auto&) { return stay(same); },
      },
      now_in, what);
}

link_status describe(const link_lifecycle& now_in) {
  using namespace phase;
  return std::visit(
      overloaded{
          [](const connecting& p) {
            const auto shown = p.why ? link_phase::backing_off : link_phase::connecting;
            return link_status{shown, p.since.wall, p.attempt, p.why ? p.since.wall : instant{},
                               p.why.message};
          },
          [](const streaming& p) {
            return link_status{link_phase::streaming, p.since.wall, 0, {}, {}};
          },
          [](const backing_off& p) {
            return link_status{link_phase::backing_off, p.since.wall, p.attempt, p.until.wall, p.why.message};
          },
          [](const paused& p) {
            return link_status{link_phase::paused, p.since.wall, 0, {}, p.reason};
          },
          [](const fenced& p) {
            return link_status{link_phase::fenced, p.since.wall, 0, {}, p.why.message};
          },
          [](const diverged& p) {
            return link_status{link_phase::diverged, p.since.wall, 0, {}, p.why.message};
          },
      },
      now_in);
}

bool is_running(const link_lifecycle& now_in) {
  return std::holds_alternative<phase::connecting>(now_in) ||
         std::holds_alternative<phase::streaming>(now_in);
}

} // namespace chasqui
