#include "tests/simulation/clients.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace chasqui::simulation {

namespace {

constexpr sim_time submit_deadline{std::chrono::milliseconds{250}}; // As docs/operating.md promises.
// A store that hangs may have to be asked first where the entry stands.
constexpr sim_time wait_slack{std::chrono::milliseconds{2200}};
constexpr std::uint32_t tries_max = 4;
constexpr std::size_t tries_at_once = 400;

} // namespace

void clients::burst(std::uint64_t count, std::uint64_t width) {
  for (std::uint64_t i = 0; i < std::min(count, width); ++i) {
    const auto die = world_.chance.below(100);
    const auto kind = die < plan_.poison_percent                         ? nature::poison
                      : die < plan_.poison_percent + plan_.flaky_percent ? nature::flaky
                                                                         : nature::good;
    submit(checker_.born(world_.chance.below(plan_.how.lanes.size()), kind), 0);
  }
  if (count > width)
    world_.after(sim_time{static_cast<std::int64_t>(world_.chance.between(1000, 40'000))},
                 [this, count, width] { burst(count - width, width); });
}

void clients::submit(const uuid& id, std::uint32_t tries) {
  const auto number = ++numbers_;
  waiting_.emplace(number, attempt{id, world_.now(), tries});
  checker_.submitted(id);
  host_->submit(
      transaction_text(id, checker_.of(id).lane, index_of(id) * 7919 % (plan_.padding_max + 1)),
      [this, number](const receipt& proof) { on_receipt(number, proof); },
      [this, number](const fault& why) { on_refusal(number, why); });
}

void clients::on_receipt(std::uint64_t number, const receipt& proof) {
  const auto found = waiting_.extract(number);
  if (!found.empty() && found.mapped().tries == 0)
    expect_order(number, proof);
  auto& store = proof.store == store_kind::redis ? scene_.redis : scene_.journal();
  if (auto& f = checker_.of(proof.id); f.acknowledged == 0 && proof.store == store_kind::redis)
    f.kept_by_redis = world_.now();
  checker_.answered(proof, store.server().promise,
                    !scene_.was_renumbered() ? store.holds().at(proof.lane, proof.seq) : uuid{});
  if (world_.chance.one_in(40))
    wait_for(proof.id);
  if (!insistent_ && world_.chance.one_in(200)) // Who forgets that it has a receipt gets the same again.
    try_later({proof.id, {}, tries_max});
}

// Whoever submits without waiting for receipts finds its entries in the order in which it submitted them.
void clients::expect_order(std::uint64_t number, const receipt& proof) {
  if (scene_.was_renumbered() || number <= numbered_anew_at_)
    return;
  auto& seqs = seqs_[proof.lane];
  const auto here = seqs.emplace(number, proof.seq).first;
  const bool after = here == seqs.begin() || std::prev(here)->second < proof.seq;
  const bool before = std::next(here) == seqs.end() || std::next(here)->second > proof.seq;
  checker_.expect(after && before, "order", [&] {
    return "Seq " + std::to_string(proof.seq) + " of lane " + proof.lane +
           " is not between those that were submitted before and after it.";
  });
}

void clients::on_refusal(std::uint64_t number, const fault& why) {
  auto found = waiting_.extract(number);
  if (found.empty())
    return;
  checker_.refused(found.mapped().id, why);
  try_later(found.mapped());
}

void clients::try_later(attempt a) {
  const auto patience = index_of(a.id) % 8 == 0 ? 0 : tries_max;
  if (a.tries >= patience && !insistent_ && index_of(a.id) % 4 == 0)
    return; // It gives up.
  again_.push_back(a);
  if (!std::exchange(again_is_due_, true))
    world_.after(sim_time{static_cast<std::int64_t>(world_.chance.between(
                     200'000, a.tries < tries_max || insistent_ ? 3'000'000 : 600'000'000))},
                 [this] { try_again(); });
}

void clients::try_again() {
  again_is_due_ = false;
  auto now = std::exchange(again_, {});
  for (std::size_t i = 0; i < now.size(); ++i)
    if (i < tries_at_once)
      submit(now[i].id, now[i].tries + 1);
    else
      try_later(now[i]);
}

void clients::insist() {
  insistent_ = true;
  if (!again_.empty())
    try_again();
}

void clients::wait_for(const uuid& id) {
  const auto number = ++numbers_;
  const std::chrono::milliseconds timeout{static_cast<std::int64_t>(world_.chance.between(1, 120'000))};
  watching_.emplace(number, attempt{id, world_.now() + timeout, 0});
  await what;
  what.what = condition::transaction;
  what.id = id;
  what.timeout = timeout;
  host_->wait_for(
      what,
      [this, number, id](const reached& r) {
        watching_.erase(number);
        const auto& f = checker_.of(id);
        checker_.expect(f.replayed || (r.stage == stage::rejected && f.flushed), "await", [&] {
          return "Somebody is told that " + to_string(id) + " is " + std::string{to_string(r.stage)} +
                 ", and the replica does not have it.";
        });
      },
      [this, number](const fault&) { watching_.erase(number); });
}

void clients::forsaken() {
  for (const auto& [number, a] : std::exchange(waiting_, {})) {
    checker_.left_open(a.id);
    try_later(a);
  }
  watching_.clear();
  expect_new_numbers();
}

void clients::look_for_late_answers(sim_time slack) const {
  const auto now = world_.now();
  if (!waiting_.empty()) // In the order in which they were submitted.
    checker_.told_in_time(now - waiting_.begin()->second.since, submit_deadline + slack, "A submission");
  for (const auto& [number, a] : watching_)
    checker_.told_in_time(now - a.since, wait_slack + slack, "Somebody who waits for an entry's arrival");
}

} // namespace chasqui::simulation
