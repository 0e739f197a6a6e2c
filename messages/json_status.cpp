#include "messages/json.hpp"
#include "messages/json_values.hpp"

namespace chasqui {

namespace {

nlohmann::json lane_to_json(const lane_status& x) {
  const auto pending = x.head > x.replicated ? x.head - x.replicated : 0;
  return {{"lane", x.lane},         {"epoch", x.epoch},         {"head", x.head},
          {"sent", x.sent},         {"committed", x.committed}, {"replicated", x.replicated},
          {"released", x.released}, {"pending", pending},       {"oldest_age_s", x.oldest_age_s}};
}

lane_status lane_from_json(const nlohmann::json& j) {
  lane_status x;
  j.at("lane").get_to(x.lane);
  read_number(j.at("epoch"), x.epoch);
  read_number(j.at("head"), x.head);
  read_number(j.at("sent"), x.sent);
  read_number(j.at("committed"), x.committed);
  read_number(j.at("replicated"), x.replicated);
  read_number(j.at("released"), x.released);
  j.at("oldest_age_s").get_to(x.oldest_age_s);
  return x;
}

nlohmann::json link_to_json(const link_status& x) {
  return {{"phase", to_string(x.phase)},
          {"since", json_or_null(x.since)},
          {"attempt", x.attempt},
          {"next_try_at", json_or_null(x.next_try_at)},
          {"reason", x.reason}};
}

link_status link_from_json(const nlohmann::json& j) {
  link_status x;
  x.phase = parsed(j.at("phase"), parse_link_phase);
  x.since = parsed_or_null(j.at("since"), parse_instant);
  read_number(j.at("attempt"), x.attempt);
  x.next_try_at = parsed_or_null(j.at("next_try_at"), parse_instant);
  j.at("reason").get_to(x.reason);
  return x;
}

nlohmann::json store_to_json(const store_status& x) {
  return {{"kind", to_string(x.kind)}, {"durability", to_string(x.durability)}, {"state", x.state}};
}

store_status store_from_json(const nlohmann::json& j) {
  store_status x;
  x.kind = parsed(j.at("kind"), parse_store_kind);
  x.durability = parsed(j.at("durability"), parse_durability);
  j.at("state").get_to(x.state);
  return x;
}

nlohmann::json replica_to_json(const replica_status& x) {
  return {{"state", x.state},
          {"lag_bytes", x.lag_bytes},
          {"lag_s", x.lag_s},
          {"replay_lsn", json_or_null(x.replay_lsn)},
          {"timeline", x.timeline == 0 ? nlohmann::json{} : nlohmann::json(x.timeline)}};
}

replica_status replica_from_json(const nlohmann::json& j) {
  replica_status x;
  j.at("state").get_to(x.state);
  read_number(j.at("lag_bytes"), x.lag_bytes);
  j.at("lag_s").get_to(x.lag_s);
  x.replay_lsn = parsed_or_null(j.at("replay_lsn"), parse_lsn);
  if (const auto& timeline = j.at("timeline"); !timeline.is_null())
    read_number(timeline, x.timeline);
  return x;
}

nlohmann::json catalogue_to_json(const catalogue_status& x) {
  return {{"state", x.state},
          {"tables", x.tables},
          {"read_at", json_or_null(x.read_at)},
          {"confirmed_at", json_or_null(x.confirmed_at)}};
}

catalogue_status catalogue_from_json(const nlohmann::json& j) {
  catalogue_status x;
  j.at("state").get_to(x.state);
  read_number(j.at("tables"), x.tables);
  x.read_at = parsed_or_null(j.at("read_at"), parse_instant);
  x.confirmed_at = parsed_or_null(j.at("confirmed_at"), parse_instant);
  return x;
}

nlohmann::json actor_to_json(const actor_status& x) {
  return {{"name", x.name}, {"state", x.state}, {"restarts", x.restarts}};
}

actor_status actor_from_json(const nlohmann::json& j) {
  actor_status x;
  j.at("name").get_to(x.name);
  j.at("state").get_to(x.state);
  read_number(j.at("restarts"), x.restarts);
  return x;
}

} // namespace

void to_json(nlohmann::json& j, const status_report& x) {
  auto lanes = nlohmann::json::array();
  for (const auto& lane : x.log.lanes)
    lanes.push_back(lane_to_json(lane));
  auto actors = nlohmann::json::array();
  for (const auto& actor : x.actors)
    actors.push_back(actor_to_json(actor));
  j = {{"schema_version", json_schema_version},
       {"site", x.site},
       {"version", x.version},
       {"link", link_to_json(x.link)},
       {"lanes", std::move(lanes)},
       {"store", store_to_json(x.log.store)},
       {"replica", replica_to_json(x.replica)},
       {"catalogue", catalogue_to_json(x.catalogue)},
       {"dead_letters", x.log.dead_letters},
       {"missing", x.log.missing},
       {"actors", std::move(actors)}};
}

void from_json(const nlohmann::json& j, status_report& x) {
  x = {};
  j.at("site").get_to(x.site);
  j.at("version").get_to(x.version);
  x.link = link_from_json(j.at("link"));
  for (const auto& lane : j.at("lanes"))
    x.log.lanes.push_back(lane_from_json(lane));
  x.log.store = store_from_json(j.at("store"));
  x.replica = replica_from_json(j.at("replica"));
  x.catalogue = catalogue_from_json(j.at("catalogue"));
  read_number(j.at("dead_letters"), x.log.dead_letters);
  read_number(j.at("missing"), x.log.missing);
  for (const auto& actor : j.at("actors"))
    x.actors.push_back(actor_from_json(actor));
}

} // namespace chasqui
