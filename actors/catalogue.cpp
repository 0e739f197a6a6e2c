#include "actors/catalogue.hpp"

#include <caf/all.hpp>

#include <utility>

namespace chasqui {

namespace {

using self_pointer = catalogue_shell::stateful_pointer<catalogue_state>;

/// Promises in one answer; a bound for those who do not wait for theirs.
constexpr std::size_t asked_max = 10'000;

void act(self_pointer self, catalogue_actions actions) {
  auto& s = self->state;
  for (auto& e : actions.events)
    self->send(s.notifier, std::move(e));
  if (actions.is_new && s.reader)
    self->send(s.reader, s.core->schema());
  if (actions.wants_saving && s.from.keeper)
    s.from.keeper->save(s.core->to_keep(), answer_to<fault>(self, [self](const fault& problem) {
                          act(self, self->state.core->on_saved(problem, self->state.wall()));
                        }));
}

void look(self_pointer self);

void take_in(self_pointer self, schema_sighting seen) {
  auto& s = self->state;
  s.looking = false;
  act(self, s.core->on_sighting(std::move(seen), s.wall()));
  for (auto& promise : std::exchange(s.asked, {}))
    promise.deliver(s.core->schema());
  if (s.asked_for_another.empty())
    self->delayed_send(self, s.poll, tick{});
  else
    look(self);
}

void look(self_pointer self) {
  auto& s = self->state;
  s.looking = true;
  s.asked = std::exchange(s.asked_for_another, {});
  s.from.source->look(
      s.core->schema().fingerprint,
      answer_to<schema_sighting>(self, [self](schema_sighting seen) { take_in(self, std::move(seen)); }));
}

/// A look that is under way may have seen what was so before the question.
caf::result<schema_document> confirm(self_pointer self) {
  auto& s = self->state;
  if (!s.core->is_current() || s.asked_for_another.size() == asked_max)
    return s.core->schema(); // Who waits for a replica that is away would wait in vain.
  auto promise = self->make_response_promise<schema_document>();
  s.asked_for_another.push_back(promise);
  if (!s.looking)
    look(self);
  return promise;
}

void introduce(self_pointer self, const schema_reader_actor& reader) {
  auto& s = self->state;
  s.reader = reader;
  if (!s.core->schema().text.empty())
    self->send(reader, s.core->schema());
}

} // namespace

catalogue_shell::behavior_type catalogue_keeper(self_pointer self, catalogue_sources from,
                                                notifier_actor notifier, wall_clock wall,
                                                std::chrono::milliseconds poll, catalogue_core core) {
  auto& s = self->state;
  s.core.emplace(std::move(core));
  s.from = std::move(from);
  s.notifier = std::move(notifier);
  s.wall = std::move(wall);
  s.poll = poll;
  if (s.from.keeper)
    s.from.keeper->load(answer_to<kept_schema>(self, [self](const kept_schema& kept) {
      act(self, self->state.core->on_kept(kept, self->state.wall()));
    }));
  look(self);
  return {
      [self](const schema_reader_actor& reader) { introduce(self, reader); },
      [self](const confirm_schema&) { return confirm(self); },
      [self](const get_report&) { return self->state.core->report(); },
      [](const io_answer& a) { a.then(); },
      [self](const tick&) {
        if (!self->state.looking)
          look(self);
      },
  };
}

} // namespace chasqui
