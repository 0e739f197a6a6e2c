#include "tests/demo/control_process.hpp"

#include <algorithm>
#include <utility>

namespace chasqui::night {

namespace {

constexpr int attempts_max = 20;

/// The receipt, or why it proves nothing about `d`.
std::variant<receipt, fault> checked(std::variant<receipt, fault> answer, const draft& d) {
  const auto* r = std::get_if<receipt>(&answer);
  if (r != nullptr && (r->id != d.id || r->seq == 0))
    return fault{fault_code::internal, "The receipt is for another transaction: " + to_string(r->id), ""};
  return answer;
}

} // namespace

void pacer::wait(const std::stop_token& stop) {
  next_ = std::max(next_ + interval_, std::chrono::steady_clock::now());
  std::unique_lock lock{mutex_};
  tick_.wait_until(lock, stop, next_, [] { return false; });
}

control_process::control_process(std::size_t number, std::string name, ledger& records, submitter submit,
                                 std::chrono::nanoseconds interval)
    : number_{number}, name_{std::move(name)}, records_{records}, submit_{std::move(submit)}, pace_{
                                                                                                  interval} {}

void control_process::plan_units(const observing_plan& plan, const std::stop_token& stop) {
  say(night::plan(plan.night, name_, ids_), stop);
}

void control_process::observe(observing_plan& plan, const std::stop_token& stop) {
  while (!plan.no_more && !stop.stop_requested()) {
    const auto execution = plan.next++;
    const auto& what = plan.night[execution % plan.night.size()];
    // An observation that could not be recorded to its end is left; its refusals stand in the account.
    say(execute(what, execution / plan.night.size() + 1, name_, ids_), stop);
  }
}

bool control_process::say(const std::vector<draft>& drafts, const std::stop_token& stop) {
  return std::all_of(drafts.begin(), drafts.end(), [&](const draft& d) { return say(d, stop); });
}

/// A refused transaction is submitted again under the same id, as the fault's message asks for.
bool control_process::say(const draft& d, const std::stop_token& stop) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    pace_.wait(stop);
    if (stop.stop_requested())
      return false;
    if (attempt == 0)
      records_.submitted();
    const auto asked = std::chrono::steady_clock::now();
    const auto answer = checked(submit_(d.json), d);
    const auto answered = std::chrono::steady_clock::now();
    if (const auto* proof = std::get_if<receipt>(&answer)) {
      records_.acknowledged(number_, d, *proof, asked, answered);
      return true;
    }
    records_.refused(std::get<fault>(answer));
  }
  return false;
}

} // namespace chasqui::night
