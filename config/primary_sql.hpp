#pragma once

#include <string_view>

namespace chasqui {

/// The SQL that the primary needs, to be run there by a superuser; running it again changes nothing.
std::string_view primary_sql();

} // namespace chasqui
