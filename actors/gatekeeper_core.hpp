#pragma once

#include "messages/fault.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

/// What a session from outside may do.
enum class right : std::uint8_t {
  read,   ///< Ask for status, transactions, rows, dead letters, events.
  submit, ///< Submit transactions.
  steer,  ///< Pause and resume the link; decide about dead letters.
};

std::string_view to_string(right r);

/// Decides who may do what.
class gatekeeper_core {
public:
  /// `rights` by name; names that are no rights grant nothing.
  explicit gatekeeper_core(const std::vector<std::string>& rights);

  /// `none`, or `forbidden` with what to do about it.
  [[nodiscard]] fault check(right wanted) const;

private:
  std::set<std::string, std::less<>> rights_;
};

} // namespace chasqui
