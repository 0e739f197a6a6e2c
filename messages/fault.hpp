#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chasqui {

/// Everything that can go wrong and that somebody can act upon.
enum class fault_code : std::uint8_t {
  none,
  // The transaction is at fault: change it.
  malformed,         ///< Not JSON, not UTF-8, or a value of the wrong kind.
  unknown_field,     ///< A field that transactions do not have.
  missing_field,     ///< A field that must be there.
  invalid_id,        ///< An id that is no UUID.
  unknown_lane,      ///< A lane that the settings do not name.
  over_limit,        ///< Larger than a limit of the settings.
  refused_by_schema, ///< The primary would refuse it for certain, by the schema that is known here.
  rejected,          ///< The primary has refused it: it is a dead letter.
  // Keeping it did not work: submit it again, with the same id.
  store_unavailable, ///< No store can be reached; nothing was kept.
  store_full,        ///< The store refuses to grow, or the log is at its limit; nothing was kept.
  overloaded,        ///< More submissions wait than the settings allow; nothing was kept.
  held,              ///< Another runtime owns the log, and this one stands by: submit there.
  outcome_unknown,   ///< The store did not answer in time; the same id again settles it.
  // The way to the primary.
  link_lost,    ///< The connection broke, or could not be made.
  stalled,      ///< The primary stopped answering.
  no_progress,  ///< There is work, and the cursor does not move.
  primary_busy, ///< The primary keeps refusing for reasons that pass.
  fenced,       ///< Another runtime owns this log now.
  diverged,     ///< Log and primary disagree; an operator must decide.
  // Asking.
  not_found,   ///< No such transaction.
  forbidden,   ///< This session may not do that.
  timed_out,   ///< It did not happen in the time given.
  unavailable, ///< The runtime is not up, or is stopping.
  // We are wrong.
  internal,
};

/// What went wrong, where, and what to do next.
struct fault {
  fault_code code = fault_code::none;
  std::string message; ///< A sentence for people.
  std::string field;   ///< JSON path of the offending field, such as `steps[2].where`; "" if none.

  explicit operator bool() const noexcept { return code != fault_code::none; }
  bool operator==(const fault&) const = default;
};

template <class Inspector> auto inspect(Inspector& f, fault& x) { return f(x.code, x.message, x.field); }

/// The code's name as it stands in JSON and in the console, such as `over_limit`.
std::string_view to_string(fault_code code);

/// The code of that name, if there is one.
std::optional<fault_code> parse_fault_code(std::string_view name);

/// True for the faults that a partition explains: they are answered with a backoff and never counted against
/// us.
bool is_link_fault(fault_code code);

} // namespace chasqui
