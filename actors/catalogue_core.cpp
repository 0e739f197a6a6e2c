#include "actors/catalogue_core.hpp"

#include <utility>

namespace chasqui {

namespace {

event tell(std::string what, instant now) {
  event e;
  e.at = now;
  e.kind = event_kind::replica;
  e.detail = std::move(what);
  return e;
}

} // namespace

fault catalogue_core::adopt(schema_document schema, instant read_at) {
  const auto decoded = decode_catalogue(schema.text);
  if (const auto* problem = std::get_if<fault>(&decoded))
    return *problem;
  const auto& found = std::get<catalogue>(decoded);
  if (found.role != role_ || found.database != database_)
    return {fault_code::malformed, "it is that of role " + found.role + " in database " + found.database, {}};
  schema_ = std::move(schema);
  tables_ = found.tables.size();
  read_at_ = read_at;
  return {};
}

catalogue_actions catalogue_core::on_kept(const kept_schema& kept, instant now) {
  catalogue_actions out;
  if (kept.problem) {
    out.events.push_back(tell(kept.problem.message, now));
  } else if (schema_.text.empty() && !kept.schema.text.empty()) { // The replica may have been faster.
    if (const auto problem = adopt(kept.schema, kept.read_at))
      out.events.push_back(tell("the schema that was kept is not used: " + problem.message, now));
    else
      out.is_new = true;
  }
  return out;
}

catalogue_actions catalogue_core::on_sighting(schema_sighting seen, instant now) {
  catalogue_actions out;
  const bool is_another = !seen.problem && seen.schema.fingerprint != schema_.fingerprint;
  if (is_another)
    seen.problem = adopt(std::move(seen.schema), now);
  if (seen.problem.message != trouble_.message && seen.problem)
    out.events.push_back(tell("the schema is not confirmed: " + seen.problem.message, now));
  trouble_ = std::move(seen.problem);
  if (trouble_)
    return out;
  confirmed_at_ = now;
  if (is_another) {
    out.is_new = out.wants_saving = true;
    out.events.push_back(tell("the schema is another one: " + std::to_string(tables_) + " tables", now));
  }
  return out;
}

catalogue_actions catalogue_core::on_saved(const fault& problem, instant now) const {
  catalogue_actions out;
  if (problem)
    out.events.push_back(tell(problem.message, now));
  return out;
}

catalogue_status catalogue_core::report() const {
  const auto why = trouble_ ? trouble_.message : "the replica was not asked yet";
  catalogue_status out{"current", tables_, read_at_, confirmed_at_};
  if (schema_.text.empty())
    out.state = "unknown: " + why;
  else if (!is_current())
    out.state = "kept: " + why;
  return out;
}

} // namespace chasqui
