#include "messages/json.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace chasqui {

namespace {

using nlohmann::json;

constexpr std::string_view id_text = "0197a4e2-8c1d-7000-8000-5f2a6b3c4d5e";
const uuid id = parse_uuid(id_text).value();
const instant ten_past_midnight = parse_instant("2026-11-22T00:10:00.000001Z").value();

status_report full_report() {
  status_report r;
  r.site = "ccat";
  r.version = "0.1.0";
  r.link = {link_phase::backing_off, ten_past_midnight, 3, ten_past_midnight + std::chrono::seconds{2},
            "link_lost: cut"};
  r.log.lanes = {{"main", 7, 50, 40, 30, 20, 10, 1.5}, {"bulk", 7, 0, 0, 0, 0, 0, 0}};
  r.log.store = {store_kind::journal, durability::fsynced, "open"};
  r.log.dead_letters = 2;
  r.log.missing = 3;
  r.replica = {"streaming", 1024, 0.5, lsn{0x16B3748}, lsn{0x16B3740}, 1};
  r.actors = {{"forwarder/main", "backing_off", 4}};
  r.catalogue = {"current", 12, ten_past_midnight, ten_past_midnight + std::chrono::hours{1}};
  return r;
}

/// All values of an enum that counts from 0 to `last` have different names, and each name leads back.
template <class Enum>
void check_names(Enum last, std::function<std::optional<Enum>(std::string_view)> parse) {
  std::set<std::string_view> names;
  for (unsigned n = 0; n <= static_cast<unsigned>(last); ++n) {
    const auto value = static_cast<Enum>(n);
    names.insert(to_string(value));
    BOOST_TEST((parse(to_string(value)) == value), to_string(value));
  }
  BOOST_TEST(names.size() == static_cast<unsigned>(last) + 1U);
  BOOST_TEST(!names.contains(""));
  BOOST_TEST(!parse("").has_value());
  BOOST_TEST(!parse("unknown").has_value());
  BOOST_TEST(to_string(static_cast<Enum>(static_cast<unsigned>(last) + 1)) == "unknown");
}

/// Each field of `good` but the `optional` ones must be there, and be of its kind.
template <class T> void check_fields(const json& good, const std::set<std::string>& optional = {}) {
  for (const auto& [name, value] : good.items()) {
    if (name == "schema_version" || name == "transaction" || name == "pending")
      continue;
    auto without = good;
    without.erase(name);
    if (optional.contains(name))
      BOOST_CHECK_NO_THROW(without.template get<T>());
    else
      BOOST_CHECK_THROW(without.template get<T>(), json::exception);
    auto wrong = good;
    wrong[name] = value.is_array() ? json(1) : json::array({1});
    BOOST_CHECK_THROW(wrong.template get<T>(), json::exception);
  }
}

} // namespace

BOOST_AUTO_TEST_CASE(every_value_has_a_name_that_leads_back_to_it) {
  check_names<fault_code>(fault_code::internal, parse_fault_code);
  check_names<durability>(durability::fsynced, parse_durability);
  check_names<store_kind>(store_kind::journal, parse_store_kind);
  check_names<stage>(stage::discarded, parse_stage);
  check_names<event_kind>(event_kind::gap, parse_event_kind);
  check_names<link_phase>(link_phase::diverged, parse_link_phase);
}

BOOST_AUTO_TEST_CASE(names_belong_to_their_values) {
  BOOST_TEST(to_string(fault_code::over_limit) == "over_limit");
  BOOST_TEST(to_string(fault_code::store_unavailable) == "store_unavailable");
  BOOST_TEST(to_string(fault_code::link_lost) == "link_lost");
  BOOST_TEST(to_string(fault_code::diverged) == "diverged");
  BOOST_TEST(to_string(fault_code::unavailable) == "unavailable");
  BOOST_TEST(to_string(durability::fsynced) == "fsynced");
  BOOST_TEST(to_string(store_kind::journal) == "journal");
  BOOST_TEST(to_string(stage::released) == "released");
  BOOST_TEST(to_string(event_kind::replica) == "replica");
  BOOST_TEST(to_string(link_phase::backing_off) == "backing_off");
}

BOOST_AUTO_TEST_CASE(only_what_the_outside_world_explains_is_a_link_fault) {
  std::set<std::string_view> link_faults;
  for (unsigned n = 0; n <= static_cast<unsigned>(fault_code::internal); ++n)
    if (is_link_fault(static_cast<fault_code>(n)))
      link_faults.insert(to_string(static_cast<fault_code>(n)));
  BOOST_TEST((link_faults == std::set<std::string_view>{"link_lost", "stalled", "no_progress", "primary_busy",
                                                        "store_unavailable"}));
}

BOOST_AUTO_TEST_CASE(a_receipt_has_the_form_of_the_contract) {
  const receipt r{id, "main", 42, durability::fsynced, store_kind::journal, ten_past_midnight};
  const json j = r;
  BOOST_TEST(j.dump() ==
             R"({"at":"2026-11-22T00:10:00.000001Z","durability":"fsynced",)"
             R"("id":"0197a4e2-8c1d-7000-8000-5f2a6b3c4d5e","lane":"main","seq":42,"store":"journal"})");
  BOOST_TEST((j.get<receipt>() == r));
  check_fields<receipt>(j);
}

BOOST_AUTO_TEST_CASE(a_fault_names_its_field_only_if_there_is_one) {
  const fault plain{fault_code::store_full, "The store is full.", ""};
  const fault at_field{fault_code::missing_field, "It is empty.", "steps"};
  BOOST_TEST(json(plain).dump() == R"({"code":"store_full","message":"The store is full."})");
  BOOST_TEST(json(at_field).dump() == R"({"code":"missing_field","field":"steps","message":"It is empty."})");
  BOOST_TEST((json(plain).get<fault>() == plain));
  BOOST_TEST((json(at_field).get<fault>() == at_field));
  check_fields<fault>(at_field, {"field"});
}

BOOST_AUTO_TEST_CASE(an_event_leaves_out_what_does_not_apply) {
  const event e{1, ten_past_midnight, event_kind::link, "", 0, 0, {}, ""};
  BOOST_TEST(json(e).dump() ==
             R"({"at":"2026-11-22T00:10:00.000001Z","kind":"link","number":1,"schema_version":1})");
}

BOOST_AUTO_TEST_CASE(an_event_comes_back_whole) {
  const event e{9, ten_past_midnight, event_kind::rejected, "main", 3, 4, id, "23505"};
  const json j = e;
  BOOST_TEST(j.at("from_seq") == 3);
  BOOST_TEST(j.at("to_seq") == 4);
  BOOST_TEST(j.at("id") == id_text);
  const auto back = j.get<event>();
  BOOST_TEST(json(back) == j);
  BOOST_TEST((back.id == id));
  BOOST_TEST((back.at == e.at));
  check_fields<event>(j, {"lane", "from_seq", "to_seq", "id", "detail"});
}

BOOST_AUTO_TEST_CASE(a_life_tells_the_whole_way) {
  life l{id, "main", 5, stage::rejected, lsn{0x16B3740}, {}, {}, {}};
  l.history = {{stage::buffered, ten_past_midnight},
               {stage::rejected, ten_past_midnight + std::chrono::seconds{1}}};
  l.error = {fault_code::malformed, "duplicate key", ""};
  l.payload = R"({"steps":[]})";
  const json j = l;
  BOOST_TEST(j.at("schema_version") == 1);
  BOOST_TEST(j.at("id") == id_text);
  BOOST_TEST(j.at("stage") == "rejected");
  BOOST_TEST(j.at("lsn") == "0/16B3740");
  BOOST_TEST(j.at("history").dump() == R"([{"at":"2026-11-22T00:10:00.000001Z","stage":"buffered"},)"
                                       R"({"at":"2026-11-22T00:10:01.000001Z","stage":"rejected"}])");
  BOOST_TEST(j.at("error").dump() == R"({"code":"malformed","message":"duplicate key"})");
  BOOST_TEST(j.at("transaction").dump() == l.payload);
  const auto back = j.get<life>();
  BOOST_TEST(json(back) == j);
  BOOST_TEST(back.payload == l.payload);
  BOOST_TEST((back.flushed == l.flushed));
  check_fields<life>(j);
}

BOOST_AUTO_TEST_CASE(what_a_life_does_not_know_is_null) {
  const json j = life{id, "main", 5, stage::buffered, {}, {}, {}, {}};
  BOOST_TEST(j.at("lsn").is_null());
  BOOST_TEST(j.at("error").is_null());
  BOOST_TEST(j.at("transaction").is_null());
  BOOST_TEST(j.at("history") == json::array());
  const auto back = j.get<life>();
  BOOST_TEST(!back.flushed.known());
  BOOST_TEST(!back.error);
  BOOST_TEST(back.payload.empty());
}

BOOST_AUTO_TEST_CASE(a_payload_with_a_number_beyond_doubles_stays_as_its_text) {
  life l{id, "main", 5, stage::buffered, {}, {}, {}, R"({"x":1e400})"};
  const json j = l;
  BOOST_TEST(j.at("transaction") == l.payload);
  BOOST_TEST(j.get<life>().payload == l.payload);
}

BOOST_AUTO_TEST_CASE(a_payload_that_is_no_transaction_stays_as_its_text) {
  const auto deep = R"({"x":)" + std::string(200, '[') + std::string(200, ']') + "}";
  for (const std::string& payload : {std::string{"[1]"}, std::string{R"("[1]")"}, deep}) {
    const json j = life{id, "main", 5, stage::buffered, {}, {}, {}, payload};
    BOOST_TEST(j.at("transaction") == payload);
    BOOST_TEST(j.get<life>().payload == payload);
  }
}

BOOST_AUTO_TEST_CASE(a_number_that_its_field_cannot_hold_is_refused) {
  json r = receipt{id, "main", 42, durability::fsynced, store_kind::journal, ten_past_midnight};
  for (const auto* seq : {"-1", "1.0", "1e300", "true", "\"1\"", "null"}) {
    r["seq"] = json::parse(seq);
    BOOST_CHECK_THROW(r.get<receipt>(), json::exception);
  }
  json s = full_report();
  s["link"]["attempt"] = 0x1'0000'0000U;
  BOOST_CHECK_THROW(s.get<status_report>(), json::exception);
}

BOOST_AUTO_TEST_CASE(a_dead_letter_has_the_form_of_the_contract) {
  const dead_letter d{{"main", 5, id, "23505", "duplicate key", ten_past_midnight, {id}}, R"({"steps":[1]})"};
  const json j = d;
  BOOST_TEST(
      j ==
      json::parse(R"({"id":"0197a4e2-8c1d-7000-8000-5f2a6b3c4d5e","lane":"main","seq":5,"sqlstate":"23505",
    "message":"duplicate key","at":"2026-11-22T00:10:00.000001Z","stage":"parked","behind":["0197a4e2-8c1d-7000-8000-5f2a6b3c4d5e"],"transaction":{"steps":[1]}})"));
  const auto back = j.get<dead_letter>();
  BOOST_TEST(json(back) == j);
  BOOST_TEST((back.why.at == d.why.at));
  BOOST_TEST(back.payload == d.payload);
  BOOST_TEST((back.why.behind == d.why.behind));
  check_fields<dead_letter>(j);
}

BOOST_AUTO_TEST_CASE(a_decision_tells_who_why_and_what_came_of_it) {
  const decision d{id, {1, 2}, letter_action::edit, true, "me@here", "say \"why\"", R"({"n":1.230})"};
  const past_decision p{{"main", 5, id, ten_past_midnight, {{{1, 2}, stage::rejected, "23505", "twice"}}},
                        encode_decision(d)};
  const json j = p;
  BOOST_TEST(j.at("action") == "edit");
  BOOST_TEST(j.at("made_by") == "me@here");
  BOOST_TEST(j.at("reason") == "say \"why\"");
  BOOST_TEST(j.at("transaction") == R"({"n":1.230})");
  BOOST_TEST(j.at("letters")[0].at("sqlstate") == "23505");
  const auto back = j.get<past_decision>();
  BOOST_TEST(json(back) == j);
  BOOST_TEST(back.payload == p.payload);
  BOOST_TEST((std::get<decision>(decode_decision(p.payload)) == d));
  BOOST_TEST(std::holds_alternative<fault>(decode_decision(R"({"decision":{}})")));
  BOOST_TEST(std::holds_alternative<fault>(decode_decision(R"({"decision":)")));
}

BOOST_AUTO_TEST_CASE(the_status_has_the_form_of_the_contract) {
  BOOST_TEST(json(full_report()) == json::parse(R"({
    "schema_version": 1, "site": "ccat", "version": "0.1.0",
    "link": {"phase": "backing_off", "since": "2026-11-22T00:10:00.000001Z", "attempt": 3,
             "next_try_at": "2026-11-22T00:10:02.000001Z", "reason": "link_lost: cut"},
    "lanes": [{"lane": "main", "epoch": 7, "head": 50, "sent": 40, "committed": 30, "replicated": 20, "released": 10,
               "pending": 30, "oldest_age_s": 1.5},
              {"lane": "bulk", "epoch": 7, "head": 0, "sent": 0, "committed": 0, "replicated": 0, "released": 0,
               "pending": 0, "oldest_age_s": 0.0}],
    "store": {"kind": "journal", "durability": "fsynced", "state": "open"},
    "replica": {"state": "streaming", "lag_bytes": 1024, "lag_s": 0.5, "replay_lsn": "0/16B3740", "timeline": 1},
    "catalogue": {"state": "current", "tables": 12, "read_at": "2026-11-22T00:10:00.000001Z",
                  "confirmed_at": "2026-11-22T01:10:00.000001Z"},
    "dead_letters": 2,
    "missing": 3,
    "actors": [{"name": "forwarder/main", "state": "backing_off", "restarts": 4}]})"));
}

BOOST_AUTO_TEST_CASE(the_status_comes_back) {
  const json j = full_report();
  BOOST_TEST(json(j.get<status_report>()) == j);
  check_fields<status_report>(j);
  for (const auto* part : {"link", "store", "replica", "catalogue"})
    for (const auto& [name, value] : j.at(part).items()) {
      auto without = j;
      without[part].erase(name);
      BOOST_CHECK_THROW(without.get<status_report>(), json::exception);
    }
}

BOOST_AUTO_TEST_CASE(what_the_status_does_not_know_is_null) {
  const json j = status_report{};
  BOOST_TEST(j.at("link").at("since").is_null());
  BOOST_TEST(j.at("link").at("next_try_at").is_null());
  BOOST_TEST(j.at("replica").at("replay_lsn").is_null());
  BOOST_TEST(j.at("replica").at("timeline").is_null());
  BOOST_TEST(j.at("catalogue").at("read_at").is_null());
  BOOST_TEST(j.at("lanes") == json::array());
  BOOST_TEST(j.at("actors") == json::array());
  BOOST_TEST(json(j.get<status_report>()) == j);
}

BOOST_AUTO_TEST_CASE(a_lane_whose_log_begins_anew_has_nothing_pending) {
  status_report r;
  r.log.lanes = {{"main", 1, 3, 3, 3, 5, 3, 0}};
  BOOST_TEST(json(r).at("lanes").at(0).at("pending") == 0);
}

BOOST_AUTO_TEST_CASE(text_of_another_shape_is_no_message) {
  for (const auto* text : {"null", "[]", "1", "\"x\"", "{}"}) {
    const auto j = json::parse(text);
    BOOST_CHECK_THROW(j.get<receipt>(), json::exception);
    BOOST_CHECK_THROW(j.get<fault>(), json::exception);
    BOOST_CHECK_THROW(j.get<event>(), json::exception);
    BOOST_CHECK_THROW(j.get<life>(), json::exception);
    BOOST_CHECK_THROW(j.get<dead_letter>(), json::exception);
    BOOST_CHECK_THROW(j.get<status_report>(), json::exception);
  }
}

} // namespace chasqui
