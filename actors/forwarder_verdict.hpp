#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

/// What to do about an error of the primary.
enum class verdict : std::uint8_t {
  resend,       ///< It passes: send the entry again.
  refuse_entry, ///< The entry is wrong: make it a dead letter.
  skip_entry,   ///< The primary has applied this id before.
  take_care,    ///< It has to be attempted: it may depend on a dead letter.
  out_of_step,  ///< The cursor is not where we left it: read it again.
  fenced,       ///< Another runtime owns the lane.
  link_lost,    ///< The session is going away.
};

/// Classes of SQLSTATE, after PostgreSQL's appendix A; class CQ is Chasqui's own.
verdict judge(std::string_view sqlstate);

/// The errors that say nothing of the entry, by how their SQLSTATE begins: what the primary must not reject
/// an entry for when it decides itself.
std::vector<std::string> passing_sqlstates();

} // namespace chasqui
