#pragma once

#include "adapters/ports/handler.hpp"
#include "messages/catalogue.hpp"
#include "messages/identity.hpp"

#include <string>

namespace chasqui {

/// The schema that the replica has, or a `problem`.
struct schema_sighting {
  fault problem;
  schema_document schema; ///< Without its text, if the fingerprint is the one that is known.
};

/// Where the schema comes from: the local replica.
class schema_source {
public:
  schema_source() = default;
  schema_source(const schema_source&) = delete;
  schema_source& operator=(const schema_source&) = delete;
  virtual ~schema_source() = default;

  /// Looks whether the schema still has the fingerprint `known`, connecting first if need be. One look at a
  /// time; each is answered within its own deadline.
  virtual void look(std::string known, handler<schema_sighting> then) = 0;
};

/// A schema that was written down, or a `problem`. Nothing was, if there is no text.
struct kept_schema {
  fault problem;
  schema_document schema;
  instant read_at; ///< From the replica.
};

/// What remembers the schema when the runtime ends.
class schema_keeper {
public:
  schema_keeper() = default;
  schema_keeper(const schema_keeper&) = delete;
  schema_keeper& operator=(const schema_keeper&) = delete;
  virtual ~schema_keeper() = default;

  virtual void load(handler<kept_schema> then) = 0;

  /// In place of what was kept before, as a whole or not at all.
  virtual void save(kept_schema what, handler<fault> then) = 0;
};

} // namespace chasqui
