#include "runtime/console/submitter.hpp"

#include "runtime/remote_client.hpp"

#include <algorithm>

namespace chasqui {

namespace {

using submitter_pointer = caf::stateful_actor<submitter_state>*;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds submit_slack{
    2000}; // The daemon says itself that time is up; this is for one that does not.
constexpr std::uint32_t unanswered_max =
    100; // In a row: then nobody is there, and more lines would be lost time.

void settle(submitter_pointer self, std::uint64_t ticket, verdict how, std::string line) {
  if (self->state.open.erase(ticket) != 0)
    self->state.order.box->push({ticket, how, std::move(line)});
}

line_error outcome_unknown(const refusal& r) {
  return {std::string{to_string(fault_code::outcome_unknown)},
          r.why.message + " It may be kept; submit it again with the same id, which settles it.", ""};
}

void settle_refusal(submitter_pointer self, std::uint64_t ticket, const refusal& r) {
  const auto found = self->state.open.find(ticket);
  if (found == self->state.open.end())
    return;
  const auto& [line, id, deadline, kept] = found->second;
  auto how = verdict::refused;
  if (r.why.code == fault_code::timed_out)
    how = verdict::timed_out;
  else if (r.unreachable)
    how = verdict::gone;
  auto why = r.unreachable && !kept ? outcome_unknown(r) : to_line_error(r.why);
  if (why.code == to_string(fault_code::outcome_unknown))
    why.id = id;
  settle(self, ticket, how, error_line(line, why, kept ? &*kept : nullptr));
}

void go_down(submitter_pointer self, const refusal& why) {
  self->state.gone = true;
  while (!self->state.open.empty())
    settle_refusal(self, self->state.open.begin()->first, why);
}

void take_error(submitter_pointer self, std::uint64_t ticket, const caf::error& e) {
  const auto refused = to_refusal(e);
  auto& unanswered = self->state.unanswered;
  unanswered = refused.unreachable ? unanswered + 1 : 0;
  settle_refusal(self, ticket, refused);
  if (unanswered == unanswered_max)
    go_down(self, {{fault_code::unavailable, "The daemon stopped answering.", ""}, true});
}

void settle_end(submitter_pointer self, std::uint64_t ticket, const reached& answer) {
  self->state.unanswered = 0;
  const auto found = self->state.open.find(ticket);
  if (found == self->state.open.end())
    return;
  const auto& [line, id, deadline, kept] = found->second;
  if (const auto end = error_of_end(answer.stage, kept->id))
    settle(self, ticket, verdict::refused, error_line(line, *end, &*kept));
  else
    settle(self, ticket, verdict::kept, receipt_line(*kept));
}

void await_stage(submitter_pointer self, std::uint64_t ticket, const uuid& id) {
  auto& order = self->state.order;
  const auto left =
      std::chrono::duration_cast<milliseconds>(self->state.open.at(ticket).deadline - steady_clock::now());
  const await question{condition::transaction, id, *order.wanted, std::max(left, milliseconds{1})};
  self->request(order.door, question.timeout + submit_slack, question)
      .then([self, ticket](const reached& answer) { settle_end(self, ticket, answer); },
            [self, ticket](const caf::error& e) { take_error(self, ticket, e); });
}

void take_receipt(submitter_pointer self, std::uint64_t ticket, const receipt& r) {
  self->state.unanswered = 0;
  const auto found = self->state.open.find(ticket);
  if (found == self->state.open.end())
    return;
  found->second.kept = r;
  if (self->state.order.wanted)
    await_stage(self, ticket, r.id);
  else
    settle(self, ticket, verdict::kept, receipt_line(r));
}

void submit_one(submitter_pointer self, std::uint64_t ticket, std::uint64_t line, std::string& id,
                submission& what) {
  auto& state = self->state;
  const auto timeout = state.order.timeout;
  state.open[ticket] = {line, std::move(id), steady_clock::now() + timeout, std::nullopt};
  if (state.gone) {
    const fault never_sent{fault_code::unavailable, "The daemon has gone; this line was not sent.", ""};
    settle(self, ticket, verdict::gone, error_line(line, to_line_error(never_sent)));
    return;
  }
  self->request(state.order.door, timeout, std::move(what))
      .then([self, ticket](const receipt& r) { take_receipt(self, ticket, r); },
            [self, ticket](const caf::error& e) { take_error(self, ticket, e); });
}

} // namespace

caf::behavior submitter(submitter_pointer self, submit_order order) {
  self->state.order = std::move(order);
  self->set_down_handler([self](const caf::down_msg& down) { go_down(self, to_refusal(down.reason)); });
  self->monitor(self->state.order.door);
  return {[self](std::uint64_t ticket, std::uint64_t line, std::string& id, submission& what) {
    submit_one(self, ticket, line, id, what);
  }};
}

} // namespace chasqui
