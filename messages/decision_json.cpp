// Operators' decisions about dead letters, as entries of the log and as the console prints them.

#include "messages/json.hpp"
#include "messages/json_values.hpp"

#include <nlohmann/json.hpp>

namespace chasqui {

namespace {

constexpr std::string_view decision_head = R"({"decision":)";

fault damaged(const std::string& what) {
  return {fault_code::malformed, "An entry that is said to be a decision is none: " + what, ""};
}

nlohmann::json letter_to_json(const settled_letter& x) {
  nlohmann::json j{{"id", to_string(x.id)}, {"stage", to_string(x.now)}};
  if (!x.sqlstate.empty())
    j.update({{"sqlstate", x.sqlstate}, {"message", x.message}});
  return j;
}

settled_letter letter_from_json(const nlohmann::json& j) {
  settled_letter x;
  x.id = parsed(j.at("id"), parse_uuid);
  x.now = parsed(j.at("stage"), parse_stage);
  x.sqlstate = j.value("sqlstate", "");
  x.message = j.value("message", "");
  return x;
}

} // namespace

bool is_decision(std::string_view payload) { return payload.starts_with(decision_head); }

bool stands_alone(std::string_view payload) {
  // Nothing within a JSON string reads like a key: its quotation marks stand behind backslashes.
  return is_decision(payload) ||
         payload.substr(0, payload.find(R"("steps":[)")).find(R"("depends_on":[)") != std::string_view::npos;
}

// The transaction goes as a string, so that no digit of it is lost.
std::string encode_decision(const decision& d) {
  const nlohmann::ordered_json body{{"id", to_string(d.id)},         {"letter", to_string(d.letter)},
                                    {"action", to_string(d.action)}, {"family", d.family},
                                    {"made_by", d.made_by},          {"reason", d.reason},
                                    {"transaction", d.transaction}};
  return std::string{decision_head} + body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
         "}";
}

std::variant<decision, fault> decode_decision(std::string_view payload) {
  try {
    const auto j = nlohmann::json::parse(payload).at("decision");
    decision d;
    d.id = parsed(j.at("id"), parse_uuid);
    d.letter = parsed(j.at("letter"), parse_uuid);
    d.action = parsed(j.at("action"), parse_letter_action);
    j.at("family").get_to(d.family);
    j.at("made_by").get_to(d.made_by);
    j.at("reason").get_to(d.reason);
    j.at("transaction").get_to(d.transaction);
    return d;
  } catch (const nlohmann::json::exception& e) {
    return damaged(e.what());
  }
}

void to_json(nlohmann::json& j, const past_decision& x) {
  auto letters = nlohmann::json::array();
  for (const auto& one : x.what.letters)
    letters.push_back(letter_to_json(one));
  j = {{"id", to_string(x.what.id)},
       {"lane", x.what.lane},
       {"seq", x.what.seq},
       {"at", json_or_null(x.what.at)},
       {"letters", std::move(letters)}};
  const auto decoded = decode_decision(x.payload);
  if (const auto* d = std::get_if<decision>(&decoded))
    j.update({{"letter", to_string(d->letter)},
              {"action", to_string(d->action)},
              {"family", d->family},
              {"made_by", d->made_by},
              {"reason", d->reason},
              {"transaction", d->transaction}});
}

void from_json(const nlohmann::json& j, past_decision& x) {
  x = {};
  x.what.id = parsed(j.at("id"), parse_uuid);
  j.at("lane").get_to(x.what.lane);
  read_number(j.at("seq"), x.what.seq);
  x.what.at = parsed_or_null(j.at("at"), parse_instant);
  for (const auto& one : j.at("letters"))
    x.what.letters.push_back(letter_from_json(one));
  if (j.contains("letter"))
    x.payload = encode_decision({x.what.id, parsed(j.at("letter"), parse_uuid),
                                 parsed(j.at("action"), parse_letter_action), j.at("family").get<bool>(),
                                 j.at("made_by").get<std::string>(), j.at("reason").get<std::string>(),
                                 j.at("transaction").get<std::string>()});
}

} // namespace chasqui
