#pragma once

#include "adapters/statement.hpp"
#include "messages/fault.hpp"
#include "messages/log.hpp"

#include <vector>

namespace chasqui {

/// Appends the statements that carry out an entry, in order, or says why there are none.
fault statements_of(const entry& what, std::vector<statement>& statements);

} // namespace chasqui
