#pragma once

#include "messages/identity.hpp"
#include "messages/log.hpp"

#include <string_view>
#include <vector>

namespace chasqui {

// What the primary says of dead letters.

/// Ids as PostgreSQL writes an array of them: `{a,b}`.
std::vector<uuid> uuids_of(std::string_view array);

/// The stage that a dead letter's state on the primary stands for.
stage stage_of_letter(std::string_view state);

/// What chasqui.resolve has settled: a JSON array of objects with `id`, `state`, and for one that was
/// rejected again `code` and `reason`.
std::vector<settled_letter> settled_letters_of(std::string_view json);

} // namespace chasqui
