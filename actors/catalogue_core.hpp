#pragma once

#include "actors/moment.hpp"
#include "adapters/ports/schema.hpp"
#include "messages/catalogue.hpp"
#include "messages/event.hpp"
#include "messages/status.hpp"

#include <string>
#include <vector>

namespace chasqui {

/// What the shell does next.
struct catalogue_actions {
  bool is_new = false; ///< There is another schema: tell who wants to know.
  bool wants_saving = false;
  std::vector<event> events;
};

/// Decides which schema holds: the one that the replica was last seen to have, in this run or in one before.
class catalogue_core {
public:
  /// A schema that was kept for another role or database is not used.
  catalogue_core(std::string role, std::string database)
      : role_{std::move(role)}, database_{std::move(database)} {}

  catalogue_actions on_kept(const kept_schema& kept, instant now);
  catalogue_actions on_sighting(schema_sighting seen, instant now);
  catalogue_actions on_saved(const fault& problem, instant now) const;

  [[nodiscard]] const schema_document& schema() const { return schema_; }
  [[nodiscard]] kept_schema to_keep() const { return {{}, schema_, read_at_}; }
  /// The last look at the replica has succeeded.
  [[nodiscard]] bool is_current() const { return !trouble_ && confirmed_at_ != instant{}; }
  [[nodiscard]] catalogue_status report() const;

private:
  fault adopt(schema_document schema, instant read_at);

  std::string role_;
  std::string database_;
  schema_document schema_;
  std::uint64_t tables_ = 0;
  instant read_at_;
  instant confirmed_at_;
  fault trouble_;
};

} // namespace chasqui
