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

/// The same for an entry that depends on nothing and whose failure harms nobody: it is read from its form
/// alone, if it has that of the log, and what is wrong with its values is for PostgreSQL to say.
fault statements_of(std::string_view payload, std::vector<statement>& statements);

/// Statements as `chasqui.attempt` takes them: a JSON array of arrays of an SQL text and its parameters.
std::string json_of(const std::vector<statement>& statements);

} // namespace chasqui
