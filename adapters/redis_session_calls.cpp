// What the log is asked for, in the words of its scripts.

#include "adapters/id_bytes.hpp"
#include "adapters/redis_scripts.hpp"
#include "adapters/redis_session.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {
namespace {

constexpr std::uint64_t reply_bytes_max = 16U << 20U;
constexpr std::uint64_t reply_entries_max = 10'000;
constexpr std::uint64_t step_entries_max = 100; ///< Of one script of several, so that appends get in between.
constexpr std::uint64_t step_bytes_max = 4U << 20U;

std::string at_most(std::uint64_t wanted, std::uint64_t limit) {
  return std::to_string(std::clamp<std::uint64_t>(wanted, 1, limit));
}

} // namespace

void redis_session::append(const std::vector<append_item>& items, const handler<append_result>& then) {
  if (!open_)
    return then(unanswered<append_result>(closed()));
  append_result draft;
  std::vector<std::string> ids;
  std::vector<std::string> times;
  std::vector<std::string> terms;
  words arguments{epoch_};
  ids.reserve(items.size()); // The views must not move.
  times.reserve(items.size());
  terms.reserve(items.size());
  kept_->on_called();
  for (const auto& item : items) {
    note_size(item.lane, item.payload);
    const auto found_by = index_terms(item.lane, item.payload);
    kept_->add(item.lane, found_by);
    draft.slots.push_back({item.lane, 0, item.at, false});
    arguments.insert(arguments.end(),
                     {item.lane, ids.emplace_back(to_bytes(item.id)), times.emplace_back(to_micros(item.at)),
                      item.payload, terms.emplace_back(to_bytes(found_by))});
  }
  const auto kept = std::make_shared<std::optional<append_result>>();
  const auto answered = [weak = weak_from_this(), draft, then, kept,
                         memory = kept_](const redis_reply& reply) {
    const auto self = weak.lock();
    if (!self)
      return;
    auto answer = draft;
    if (reply.is_error())
      answer = unanswered<append_result>(redis_append_fault(self->address_, reply.text()));
    else if (reply.is_lost())
      answer = unanswered<append_result>(redis_append_lost(reply.text()));
    else if (!read_slots(reply, answer.slots))
      answer = unanswered<append_result>(redis_append_lost(redis_misunderstood(self->address_).message));
    for (const auto& slot : answer.problem ? draft.slots : answer.slots)
      if (answer.problem)
        memory->forget(slot.lane); // Some of it may be in the log.
      else if (!slot.repeated)
        memory->on_head(slot.lane, slot.seq);
    memory->on_answered();
    self->settle(answer.problem);
    if (answer.problem)
      then(std::move(answer));
    else
      *kept = std::move(answer);
  };
  if (!send(call_of(redis_append_script(), arguments), answered))
    return then(unanswered<append_result>(closed()));
  look_again(kept, then);
  for (std::size_t i = 0; i < items.size(); ++i)
    tidier_->note(items[i].lane, terms[i].size() / sizeof(index_term));
}

// Somebody may have changed the settings since the log was opened. What is found behind the append held when
// that was flushed: the receipt says so, and the log is opened again.
void redis_session::look_again(const std::shared_ptr<std::optional<append_result>>& kept,
                               const handler<append_result>& then) {
  look_at_settings([weak = weak_from_this(), kept, then](const redis_reply& reply) {
    const auto self = weak.lock();
    if (!self || !*kept)
      return;
    log_opened found;
    found.drift = self->drift_;
    if (!reply.is_lost()) {
      found.drift.clear();
      read_redis_settings(self->address_, reply, found);
    }
    (*kept)->durability = found.durability;
    if (found.drift != self->drift_)
      self->shut("its settings were changed.");
    then(std::move(**kept));
  });
}

void redis_session::note_size(const std::string& lane, const std::string& payload) {
  if (const auto found = largest_.find(lane); found != largest_.end())
    found->second = std::max<std::uint64_t>(found->second, payload.size());
}

// The range as it is costs Redis a tenth of what a script does, through which every entry has to go. It has
// no limit in bytes: it is for lanes in which so many entries cannot be too much.
std::uint64_t redis_session::plain_entries(const take& what) const {
  constexpr std::uint64_t worthwhile = 64;
  const auto found = largest_.find(what.lane);
  if (found == largest_.end())
    return 0;
  const auto largest = std::max<std::uint64_t>(found->second, 1);
  const auto entries = std::min({what.entries_max, reply_entries_max, what.bytes_max / entry_bytes_ + 1});
  const auto safe = reply_bytes_max / largest;
  return safe >= std::min(entries, worthwhile) ? std::min(entries, safe) : 0;
}

void redis_session::read(take what, handler<log_slice> then) {
  what.from_seq = std::max<seqno>(what.from_seq, 1);
  const auto entries = plain_entries(what);
  if (entries == 0)
    return read_by_script(what, std::move(then));
  const auto log = prefix_ + "log:" + what.lane;
  const auto from = std::to_string(what.from_seq) + "-0";
  const auto count = std::to_string(entries);
  ask_for<log_slice>(
      {"XRANGE", log, from, "+", "COUNT", count},
      [this, what](const redis_reply& reply) { return understood(read_range(reply, what)); },
      [this, what, then](log_slice slice) {
        if (slice.entries.empty() && !slice.problem) // The script knows whether that is the end or a hole.
          return read_by_script(what, then);
        if (!slice.problem)
          note_average(slice);
        then(std::move(slice));
      });
}

void redis_session::note_average(const log_slice& slice) {
  std::uint64_t bytes = 0;
  for (const auto& e : slice.entries)
    bytes += e.payload.size();
  entry_bytes_ = std::max<std::uint64_t>(1, bytes / slice.entries.size());
}

void redis_session::read_by_script(const take& what, handler<log_slice> then) {
  const auto from = std::to_string(what.from_seq);
  const auto entries = at_most(what.entries_max, reply_entries_max);
  const auto bytes = at_most(what.bytes_max, reply_bytes_max);
  ask<log_slice>(
      redis_read_script(), {what.lane, from, entries, bytes},
      [this, what](const redis_reply& reply) { return understood(read_slice(reply, what)); },
      std::move(then));
}

void redis_session::mark(const lane_marks& marks, seqno trim_through, const handler<fault>& then) {
  trim({epoch_, marks.lane, std::to_string(trim_through), std::to_string(step_entries_max),
        std::to_string(step_bytes_max), std::to_string(marks.head), std::to_string(marks.committed),
        std::to_string(marks.replicated), std::to_string(marks.released)},
       then);
}

void redis_session::trim(const std::vector<std::string>& order, const handler<fault>& then) {
  // Later marks may be saved between this step and the next one: the next one saves none.
  step_by_step(redis_mark_script(), order, {order.begin(), order.begin() + 5}, then);
}

// A script that answers 1 while there is more to do: appends get in between.
void redis_session::step_by_step(const std::string& script, const std::vector<std::string>& first,
                                 const std::vector<std::string>& rest, const handler<fault>& then) {
  const words arguments{first.begin(), first.end()};
  const auto more = std::make_shared<bool>(false);
  ask<fault>(
      script, arguments,
      [this, more](const redis_reply& reply) {
        const auto answer = reply.number();
        *more = answer == 1;
        return answer ? fault{} : redis_misunderstood(address_);
      },
      [this, &script, rest, more, then](fault problem) {
        if (problem || !*more)
          then(std::move(problem));
        else
          step_by_step(script, rest, rest, then);
      });
}

void redis_session::order(const std::string& script, const words& arguments, handler<fault> then) {
  ask<fault>(
      script, arguments,
      [this](const redis_reply& reply) { return reply.number() ? fault{} : redis_misunderstood(address_); },
      std::move(then));
}

/// With the answer the lane ends elsewhere, or its entries have other numbers. Its index is left alone until
/// then.
handler<fault> redis_session::and_forget(const std::string& lane, handler<fault> then) {
  tidier_->hold(lane);
  return [memory = kept_, tidier = tidier_, lane, then = std::move(then)](fault problem) {
    memory->forget(lane);
    tidier->release(lane);
    then(std::move(problem));
  };
}

void redis_session::adopt(const lane_marks& marks, const handler<fault>& then) {
  if (!open_)
    return then(closed());
  const std::vector<std::string> arguments{epoch_,
                                           marks.lane,
                                           std::to_string(marks.head),
                                           std::to_string(marks.committed),
                                           std::to_string(marks.replicated),
                                           std::to_string(marks.released),
                                           std::to_string(step_entries_max)};
  step_by_step(redis_adopt_script(), arguments, arguments, and_forget(marks.lane, then));
}

void redis_session::import(const std::string& lane, const std::vector<entry>& entries, handler<fault> then) {
  if (entries.empty())
    return then({});
  if (!open_)
    return then(closed());
  std::size_t terms = 0;
  std::vector<std::string> texts{std::to_string(entries.front().seq)};
  texts.reserve(1 + 3 * entries.size()); // The views must not move.
  words arguments{epoch_, lane, texts.front()};
  kept_->on_called();
  for (const auto& e : entries) {
    note_size(lane, e.payload);
    const auto found_by = index_terms(lane, e.payload);
    kept_->add(lane, found_by);
    terms += found_by.size();
    texts.push_back(to_bytes(e.id));
    arguments.emplace_back(texts.back());
    texts.push_back(to_micros(e.at));
    arguments.emplace_back(texts.back());
    arguments.emplace_back(e.payload);
    texts.push_back(to_bytes(found_by));
    arguments.emplace_back(texts.back());
  }
  order(redis_import_script(), arguments,
        [memory = kept_, lane, head = entries.back().seq, then = std::move(then)](fault problem) {
          if (problem)
            memory->forget(lane);
          else
            memory->on_head(lane, head);
          memory->on_answered();
          then(std::move(problem));
        });
  tidier_->note(lane, terms);
}

void redis_session::renumber(const std::string& lane, seqno first, handler<fault> then) {
  if (!open_)
    return then(closed());
  const auto from = std::to_string(first);
  order(redis_renumber_script(), {epoch_, lane, from}, and_forget(lane, std::move(then)));
}

void redis_session::bury(const rejected& why, handler<fault> then) {
  const auto seq = std::to_string(why.seq);
  const auto id = to_bytes(why.id);
  const auto at = to_micros(why.at);
  const auto behind = to_bytes(why.behind);
  order(redis_bury_script(), {epoch_, why.lane, seq, id, why.sqlstate, why.message, at, behind},
        std::move(then));
}

void redis_session::settle_letters(const resolved& what, handler<fault> then) {
  const auto seq = std::to_string(what.seq);
  const auto id = to_bytes(what.id);
  const auto at = to_micros(what.at);
  const auto limit = std::to_string(decisions_max);
  words arguments{epoch_, what.lane, seq, id, at, limit};
  std::vector<std::string> ids;
  ids.reserve(what.letters.size()); // The views must not move.
  for (const auto& one : what.letters)
    arguments.insert(arguments.end(),
                     {ids.emplace_back(to_bytes(one.id)), to_string(one.now), one.sqlstate, one.message});
  order(redis_settle_script(), arguments, std::move(then));
}

void redis_session::list_decisions(const chasqui::list_decisions& what, handler<decisions_page> then) {
  const auto entries = at_most(what.entries_max, reply_entries_max);
  const auto bytes = std::to_string(reply_bytes_max);
  ask<decisions_page>(
      redis_list_decisions_script(), {entries, bytes},
      [this](const redis_reply& reply) { return understood(read_decisions_page(reply)); }, std::move(then));
}

void redis_session::find(const uuid& id, handler<log_place> then) {
  const auto bytes = to_bytes(id);
  ask<log_place>(
      redis_find_script(), {bytes},
      [this, id](const redis_reply& reply) { return understood(read_place(reply, id)); }, std::move(then));
}

void redis_session::list_dead(const chasqui::list_dead& what, handler<dead_page> then) {
  const auto only = what.only.is_nil() ? std::string{} : to_bytes(what.only);
  const auto entries = at_most(what.entries_max, reply_entries_max);
  const auto bytes = std::to_string(reply_bytes_max);
  ask<dead_page>(
      redis_list_dead_script(), {only, entries, bytes},
      [this](const redis_reply& reply) { return understood(read_dead_page(reply)); }, std::move(then));
}

} // namespace chasqui
