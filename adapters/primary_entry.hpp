#pragma once

#include "adapters/statement.hpp"
#include "messages/fault.hpp"
#include "messages/log.hpp"

#include <string>
#include <vector>

namespace chasqui {

/// Appends the statements that carry out an entry, in order, or says why there are none.
fault statements_of(const entry& what, std::vector<statement>& statements);

/// Statements as `chasqui.attempt` takes them: a JSON array of arrays of an SQL text and its parameters.
std::string json_of(const std::vector<statement>& statements);

} // namespace chasqui
