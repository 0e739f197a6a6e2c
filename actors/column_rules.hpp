#pragma once

#include "messages/catalogue.hpp"
#include "messages/record_scan.hpp"

#include <string>

namespace chasqui {

/// Why a column refuses a value that is not null, whatever else is so: what PostgreSQL's
/// jsonb_populate_record says to it in every version since 15. A phrase such as `"twelve" is no integer`; ""
/// if it takes the value, or may.
std::string refusal_of(const catalogue_column& column, const scanned_value& value);

} // namespace chasqui
