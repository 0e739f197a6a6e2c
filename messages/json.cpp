#include "messages/json.hpp"

#include "messages/json_values.hpp"

namespace chasqui {

namespace {

// Through doubles, so long numbers lose digits here: this form is for people. `payload` itself keeps them.
// What no transaction can be stays a text: printing it takes stack with its depth, and a JSON string of it
// would not lead back to it.
nlohmann::json payload_to_json(const std::string& payload) {
  constexpr int depth_max = 100;
  if (payload.empty())
    return nullptr;
  bool too_deep = false;
  const auto look = [&too_deep](int depth, nlohmann::json::parse_event_t, const nlohmann::json&) {
    too_deep = too_deep || depth > depth_max;
    return true;
  };
  auto j = nlohmann::json::parse(payload, look, false);
  return j.is_object() && !too_deep ? j : nlohmann::json(payload);
}

std::string payload_from_json(const nlohmann::json& j) {
  if (j.is_null())
    return "";
  return j.is_string() ? j.get<std::string>() : j.dump();
}

void get_if_there(const nlohmann::json& j, const char* name, std::string& x) {
  if (const auto found = j.find(name); found != j.end())
    found->get_to(x);
}

void get_if_there(const nlohmann::json& j, const char* name, std::uint64_t& x) {
  if (const auto found = j.find(name); found != j.end())
    read_number(*found, x);
}

nlohmann::json milestone_to_json(const milestone& x) {
  return {{"stage", to_string(x.stage)}, {"at", json_or_null(x.at)}};
}

} // namespace

void to_json(nlohmann::json& j, const receipt& x) {
  j = {{"id", to_string(x.id)},
       {"lane", x.lane},
       {"seq", x.seq},
       {"durability", to_string(x.durability)},
       {"store", to_string(x.store)},
       {"at", json_or_null(x.at)}};
}

void from_json(const nlohmann::json& j, receipt& x) {
  x.id = parsed(j.at("id"), parse_uuid);
  j.at("lane").get_to(x.lane);
  read_number(j.at("seq"), x.seq);
  x.durability = parsed(j.at("durability"), parse_durability);
  x.store = parsed(j.at("store"), parse_store_kind);
  x.at = parsed_or_null(j.at("at"), parse_instant);
}

void to_json(nlohmann::json& j, const fault& x) {
  j = {{"code", to_string(x.code)}, {"message", x.message}};
  if (!x.field.empty())
    j["field"] = x.field;
}

void from_json(const nlohmann::json& j, fault& x) {
  x = {};
  x.code = parsed(j.at("code"), parse_fault_code);
  j.at("message").get_to(x.message);
  get_if_there(j, "field", x.field);
}

void to_json(nlohmann::json& j, const event& x) {
  j = {{"schema_version", json_schema_version},
       {"number", x.number},
       {"at", json_or_null(x.at)},
       {"kind", to_string(x.kind)}};
  if (!x.lane.empty())
    j["lane"] = x.lane;
  if (x.from_seq != 0)
    j["from_seq"] = x.from_seq;
  if (x.to_seq != 0)
    j["to_seq"] = x.to_seq;
  if (!x.id.is_nil())
    j["id"] = to_string(x.id);
  if (!x.detail.empty())
    j["detail"] = x.detail;
}

void from_json(const nlohmann::json& j, event& x) {
  x = {};
  read_number(j.at("number"), x.number);
  x.at = parsed_or_null(j.at("at"), parse_instant);
  x.kind = parsed(j.at("kind"), parse_event_kind);
  get_if_there(j, "lane", x.lane);
  get_if_there(j, "from_seq", x.from_seq);
  get_if_there(j, "to_seq", x.to_seq);
  if (const auto id = j.find("id"); id != j.end())
    x.id = parsed(*id, parse_uuid);
  get_if_there(j, "detail", x.detail);
}

void to_json(nlohmann::json& j, const life& x) {
  auto history = nlohmann::json::array();
  for (const auto& reached : x.history)
    history.push_back(milestone_to_json(reached));
  j = {{"schema_version", json_schema_version},
       {"id", to_string(x.id)},
       {"lane", x.lane},
       {"seq", x.seq},
       {"stage", to_string(x.stage)},
       {"lsn", json_or_null(x.flushed)},
       {"history", std::move(history)},
       {"error", x.error ? nlohmann::json(x.error) : nlohmann::json{}},
       {"transaction", payload_to_json(x.payload)}};
}

void from_json(const nlohmann::json& j, life& x) {
  x = {};
  x.id = parsed(j.at("id"), parse_uuid);
  j.at("lane").get_to(x.lane);
  read_number(j.at("seq"), x.seq);
  x.stage = parsed(j.at("stage"), parse_stage);
  x.flushed = parsed_or_null(j.at("lsn"), parse_lsn);
  for (const auto& reached : j.at("history"))
    x.history.push_back(
        {parsed(reached.at("stage"), parse_stage), parsed_or_null(reached.at("at"), parse_instant)});
  if (const auto& error = j.at("error"); !error.is_null())
    error.get_to(x.error);
  x.payload = payload_from_json(j.at("transaction"));
}

void to_json(nlohmann::json& j, const dead_letter& x) {
  j = {{"id", to_string(x.why.id)},
       {"lane", x.why.lane},
       {"seq", x.why.seq},
       {"stage", to_string(stage_of(x.why))},
       {"sqlstate", x.why.sqlstate},
       {"message", x.why.message},
       {"at", json_or_null(x.why.at)},
       {"behind", nlohmann::json::array()},
       {"transaction", payload_to_json(x.payload)}};
  for (const auto& id : x.why.behind)
    j["behind"].push_back(to_string(id));
}

void from_json(const nlohmann::json& j, dead_letter& x) {
  x.why.id = parsed(j.at("id"), parse_uuid);
  j.at("lane").get_to(x.why.lane);
  read_number(j.at("seq"), x.why.seq);
  j.at("sqlstate").get_to(x.why.sqlstate);
  j.at("message").get_to(x.why.message);
  x.why.at = parsed_or_null(j.at("at"), parse_instant);
  parsed(j.at("stage"), parse_stage); // Follows from what it stands behind.
  x.why.behind.clear();
  for (const auto& id : j.at("behind").get<std::vector<nlohmann::json>>())
    x.why.behind.push_back(parsed(id, parse_uuid));
  x.payload = payload_from_json(j.at("transaction"));
}

} // namespace chasqui
