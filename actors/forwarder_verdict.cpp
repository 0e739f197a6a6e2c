#include "actors/forwarder_verdict.hpp"

#include <algorithm>
#include <array>

namespace chasqui {

namespace {

struct rule {
  std::string_view prefix;
  verdict what;
};

constexpr std::array rules{
    rule{"CQ001", verdict::out_of_step}, rule{"CQ002", verdict::fenced}, rule{"CQ003", verdict::skip_entry},
    rule{"CQ006", verdict::take_care},   rule{"08", verdict::link_lost}, rule{"57P", verdict::link_lost},
    rule{"40", verdict::resend},    // Serialization failure, deadlock.
    rule{"53", verdict::resend},    // Resources.
    rule{"55P03", verdict::resend}, // A lock that was not to be had in time.
    rule{"57014", verdict::resend}, // Cancelled, by a timeout or an operator.
    rule{"58", verdict::resend},    // The system beneath.
    rule{"25006", verdict::resend}, // Read-only, during a failover.
    rule{"XX", verdict::resend},    // Internal errors, damaged data.
    rule{"26", verdict::link_lost}, // The session has lost its prepared statements, as behind a pooler.
};

} // namespace

verdict judge(std::string_view sqlstate) {
  const auto* const found = std::find_if(rules.begin(), rules.end(), [&](const rule& r) {
    return sqlstate.substr(0, r.prefix.size()) == r.prefix;
  });
  return found == rules.end() ? verdict::refuse_entry : found->what;
}

std::vector<std::string> passing_sqlstates() {
  std::vector<std::string> out;
  for (const auto& r : rules)
    if (r.what != verdict::skip_entry)
      out.emplace_back(r.prefix);
  return out;
}

} // namespace chasqui
