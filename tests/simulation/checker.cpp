#include "tests/simulation/checker.hpp"

#include <algorithm>
#include <utility>

namespace chasqui::simulation {

namespace {

std::string name(const checker::fate& f) {
  return "transaction " + std::to_string(index_of(f.id)) + " (" + to_string(f.id) + ", lane " +
         lane_name(f.lane) + ", seq " + std::to_string(f.seq) + ")";
}

} // namespace

void checker::fail(std::string check, std::string what) {
  if (!broken_)
    broken_ = violation{std::move(check), std::move(what)};
}

uuid checker::born(std::size_t lane, nature kind) {
  fate f;
  f.id = make_id(fates_.size() + 1, kind);
  f.lane = lane;
  fates_.push_back(f);
  return f.id;
}

void checker::submitted(const uuid& id) {
  auto& f = of(id);
  f.tried = ++happenings_;
  if (f.submitted == 0)
    f.submitted = happenings_;
}

void checker::answered(const receipt& proof, durability store_promise, const uuid& kept_there) {
  auto& f = of(proof.id);
  expect(proof.durability == store_promise, "receipt", [&] {
    return "The receipt of " + name(f) + " says " + std::string{to_string(proof.durability)} +
           ", but the store promises " + std::string{to_string(store_promise)} + ".";
  });
  expect(kept_there.is_nil() || kept_there == f.id, "receipt", [&] {
    return "The receipt of " + name(f) + " names seq " + std::to_string(proof.seq) +
           ", where the store has " + to_string(kept_there) + ".";
  });
  f.may_be_kept = true;
  ++happenings_;
  if (f.acknowledged != 0)
    return;
  ++acknowledged_;
  f.acknowledged = happenings_;
  f.seq = proof.seq;
  // What has gone from the store is there no more because the replica has it, or because the store lost it.
  expect(is_kept(f.id) || f.replayed || f.destroyed != 0, "receipt",
         [&] { return "The receipt of " + name(f) + " is for an entry that the store does not have."; });
}

void checker::refused(const uuid& id, const fault& why) {
  switch (why.code) {
  case fault_code::store_unavailable:
  case fault_code::store_full:
  case fault_code::overloaded:
  case fault_code::fenced:
  case fault_code::held:
    return; // Nothing was kept, it says.
  case fault_code::outcome_unknown:
  case fault_code::unavailable:
    of(id).may_be_kept = true;
    return;
  default:
    fail("answer",
         "A well-formed transaction is refused: " + std::string{to_string(why.code)} + ": " + why.message);
  }
}

void checker::told_in_time(sim_time waited, sim_time allowed, const char* what) {
  expect(waited <= allowed, "deadline", [&] {
    return std::string{what} + " waits for its answer since " + std::to_string(waited.count() / 1000) +
           " ms; " + std::to_string(allowed.count() / 1000) + " ms were allowed.";
  });
}

void checker::destroyed(const std::vector<uuid>& ids, const std::function<bool(const uuid&)>& has_name) {
  ++happenings_;
  loses_ = true;
  for (const auto& id : ids) {
    auto& f = of(id);
    f.destroyed = happenings_;
    f.nameless = !has_name(id);
  }
}

void checker::brought_back(const std::vector<uuid>& ids) {
  for (const auto& id : ids)
    if (auto& f = of(id); f.destroyed != 0)
      f.brought_back = true;
}

void checker::forget_names(const std::vector<uuid>& ids) {
  for (const auto& id : ids)
    if (auto& f = of(id); f.destroyed > f.named)
      f.nameless = true;
}

void checker::forget_all_names() {
  for (auto& f : fates_)
    f.nameless = f.nameless || f.destroyed > f.named;
}

void checker::trimmed(const std::vector<uuid>& ids) {
  for (const auto& id : ids) {
    const auto& f = of(id);
    expect(f.replayed || (f.brought_back && f.named != 0), "release",
           [&] { return name(f) + " is trimmed, and the replica never had it."; });
  }
}

void checker::letters_lost(const std::vector<uuid>& ids) {
  for (const auto& id : ids)
    of(id).letter_lost = true;
}

void checker::left_behind(const std::vector<uuid>& ids) {
  for (const auto& id : ids)
    of(id).left_behind = true;
}

void checker::named_missing(const uuid& id) {
  auto& f = of(id);
  ++happenings_;
  expect(f.destroyed != 0, "missing",
         [&] { return name(f) + " is named as missing, and no store ever lost it."; });
  expect(f.named == 0 || f.tried > f.named, "missing",
         [&] { return name(f) + " is named as missing a second time."; });
  expect(!is_kept(id) || f.tried > f.destroyed || f.brought_back, "missing",
         [&] { return name(f) + " is named as missing, and a store has it."; });
  f.named = happenings_;
}

std::uint64_t checker::named() const {
  return static_cast<std::uint64_t>(std::count_if(
      fates_.begin(), fates_.end(), [](const auto& f) { return f.acknowledged != 0 && f.named != 0; }));
}

void checker::flushed(std::size_t lane, seqno seq, const uuid& id) {
  lanes_.at(lane).flushed = std::max(lanes_.at(lane).flushed, seq);
  if (!id.is_nil())
    of(id).flushed = true;
}

void checker::replayed(std::size_t lane, seqno seq, const uuid& id) {
  lanes_.at(lane).replayed = std::max(lanes_.at(lane).replayed, seq);
  if (!id.is_nil())
    of(id).replayed = true;
}

seqno checker::beyond_recall(std::size_t lane, std::uint64_t retained) const {
  const auto& facts = lanes_.at(lane);
  return std::max(facts.trimmed, facts.replayed - std::min(facts.replayed, retained));
}

void checker::claim(const char* check, const char* who, const lane_marks& marks) {
  const auto& facts = lanes_.at(lane_number(marks.lane));
  const auto lane = [&] { return std::string{who} + " of lane " + marks.lane + " "; };
  expect(marks.committed <= facts.flushed, check, [&] {
    return lane() + "says committed " + std::to_string(marks.committed) +
           "; the primary never had more on disk than " + std::to_string(facts.flushed) + ".";
  });
  expect(marks.replicated <= facts.replayed, check, [&] {
    return lane() + "says replicated " + std::to_string(marks.replicated) +
           "; the replica never had more than " + std::to_string(facts.replayed) + ".";
  });
  expect(marks.released <= facts.replayed, "release", [&] {
    return lane() + "says released " + std::to_string(marks.released) + "; the replica never had more than " +
           std::to_string(facts.replayed) + ".";
  });
}

void checker::marks_saved(const lane_marks& marks, seqno trim_through) {
  claim("marks", "The mark", marks);
  auto& trimmed = lanes_.at(lane_number(marks.lane)).trimmed;
  trimmed = std::max(trimmed, trim_through);
}

void checker::heard(const event& e, std::uint64_t life) {
  if (told)
    told(e, life);
  auto& last = last_events_[life];
  expect(e.number == last + 1, "events", [&] {
    return "Event " + std::to_string(e.number) + " follows event " + std::to_string(last) + ".";
  });
  last = e.number;
  lane_marks said;
  said.lane = e.lane;
  if (e.kind == event_kind::committed)
    said.committed = e.to_seq;
  else if (e.kind == event_kind::replicated)
    said.replicated = e.to_seq;
  else if (e.kind == event_kind::released)
    said.released = e.to_seq;
  else if (e.kind == event_kind::rejected)
    expect(of(e.id).flushed && nature_of(e.id) == nature::poison, "dead letter", [&] {
      return name(of(e.id)) + " is told to be a dead letter, and the primary knows nothing of it.";
    });
  else if (e.kind == event_kind::missing && !e.id.is_nil())
    expect(of(e.id).named != 0, "missing",
           [&] { return name(of(e.id)) + " is told to be missing, and the primary has no record of it."; });
  else if (e.kind == event_kind::supervision && e.detail.starts_with("restarting"))
    fail("supervision", "A fault of the runtime's own: " + e.detail);
  else if (e.kind == event_kind::link && e.detail.starts_with("diverged"))
    fail("diverged", "An operator is asked for where none is needed: " + e.detail);
  if (said.committed + said.replicated + said.released > 0)
    claim("events", "An event", said);
}

void checker::judge_order(const std::vector<uuid>& applied, std::size_t lane) {
  // Whatever was acknowledged before another was submitted stands before it.
  std::uint64_t last_submit = 0;
  const fate* last = nullptr;
  for (const auto& id : applied) {
    const auto& f = of(id);
    expect(f.lane == lane, "order",
           [&] { return name(f) + " was applied in lane " + lane_name(lane) + "."; });
    if (f.destroyed != 0 || f.left_behind)
      continue; // It may have come again, or come late.
    if (f.acknowledged != 0 && f.acknowledged < last_submit)
      fail("order",
           name(f) + " was acknowledged before " + name(*last) + " was submitted, and applied after it.");
    if (f.submitted > last_submit) {
      last_submit = f.submitted;
      last = &f;
    }
  }
}

void checker::judge_end(const std::vector<std::vector<uuid>>& applied, const std::vector<uuid>& dead,
                        bool renumbered) {
  std::vector<std::uint32_t> times(fates_.size());
  for (std::size_t lane = 0; lane < applied.size(); ++lane) {
    judge_order(applied[lane], lane);
    for (const auto& id : applied[lane])
      ++times[index_of(id) - 1];
  }
  std::vector<bool> seen(fates_.size());
  for (const auto& id : dead) {
    const auto& f = of(id);
    expect(nature_of(id) == nature::poison, "dead letter",
           [&] { return name(f) + " is a dead letter without a reason."; });
    // It is tried again under a new number, be it that the log got new ones or that it was submitted again.
    const bool may_come_again = renumbered || loses_ || f.tried > f.acknowledged;
    if (!may_come_again || !seen[index_of(id) - 1])
      ++times[index_of(id) - 1];
    seen[index_of(id) - 1] = true;
  }
  for (const auto& f : fates_) {
    const auto count = times[index_of(f.id) - 1];
    expect(count <= 1, "exactly once",
           [&] { return name(f) + " was applied " + std::to_string(count) + " times."; });
    expect(count == 1 || f.acknowledged == 0 || f.destroyed != 0, "lost",
           [&] { return name(f) + " was acknowledged, and the primary does not have it."; });
    expect(count == 1 || f.acknowledged == 0 || f.named != 0 || f.nameless, "missing",
           [&] { return name(f) + " was lost by the store, and nobody says so."; });
    expect(count == 0 || f.may_be_kept, "answer",
           [&] { return name(f) + " was refused as not kept each time, and the primary has it."; });
  }
}

} // namespace chasqui::simulation
