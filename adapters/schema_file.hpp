#pragma once

#include "adapters/ports/schema.hpp"

#include <memory>
#include <string>

namespace chasqui {

/// Keeps the schema in one file, on a thread of its own: a line with a checksum, and the document. It is
/// replaced as a whole; one that was damaged, or is larger than `bytes_max`, is not used.
std::unique_ptr<schema_keeper> make_schema_file(std::string path, std::uint64_t bytes_max);

} // namespace chasqui
