#pragma once

#include <string>

namespace chasqui {

// What the replica is asked for its schema. Both take the primary's role and database as $1 and $2, and
// answer nothing in another database.

/// One text, which is another one after any change of the schema. What describes a table is a row of the
/// system's catalogues; a change gives it a new xmin, and transactions count upwards: rows that are as many
/// as before, and whose xmins have the same sum, are the same rows. Rows that are not the system's begin at
/// oid 16384.
std::string schema_fingerprint_sql();

/// The whole schema as one JSON document, of the form that `decode_catalogue` reads, and its fingerprint.
std::string schema_document_sql();

} // namespace chasqui
