#pragma once

#include "adapters/statement.hpp"
#include "messages/fault.hpp"
#include "messages/log.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

/// Appends the statements that carry out a transaction, in order, and what it depends on; or says why there
/// are none.
fault statements_of(std::string_view payload, std::vector<statement>& statements,
                    std::vector<uuid>& depends_on);

/// Statements as `chasqui.attempt` takes them: a JSON array of arrays of an SQL text and its parameters.
std::string json_of(const std::vector<statement>& statements);

} // namespace chasqui
