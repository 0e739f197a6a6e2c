#include "messages/fault.hpp"

#include "messages/name_table.hpp"

namespace chasqui {

namespace {

constexpr name_table<fault_code, 25> codes{
    {"none",       "malformed",         "unknown_field", "missing_field",     "invalid_id",  "unknown_lane",
     "over_limit", "refused_by_schema", "rejected",      "store_unavailable", "store_full",  "overloaded",
     "held",       "outcome_unknown",   "link_lost",     "stalled",           "no_progress", "primary_busy",
     "fenced",     "diverged",          "not_found",     "forbidden",         "timed_out",   "unavailable",
     "internal"}};
static_assert(codes.ends_with(fault_code::internal));

} // namespace

std::string_view to_string(fault_code code) { return codes.name(code); }

std::optional<fault_code> parse_fault_code(std::string_view name) { return codes.value(name); }

// `fenced` and `diverged` are not among them: no waiting mends those, an operator must.
bool is_link_fault(fault_code code) {
  switch (code) {
  case fault_code::link_lost:
  case fault_code::stalled:
  case fault_code::no_progress:
  case fault_code::primary_busy:
  case fault_code::store_unavailable:
    return true;
  default:
    return false;
  }
}

} // namespace chasqui
