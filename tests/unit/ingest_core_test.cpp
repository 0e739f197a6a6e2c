#include "actors/ingest_core.hpp"
#include "messages/json.hpp"

#include <boost/test/unit_test.hpp>

namespace chasqui {

namespace {

const uuid fresh{0x0197a4e200007000, 0x8000000000000001};
const std::string given = "0197a4e2-0000-7000-8000-00000000beef";
const ingest_core core{{}, {"main", "bulk"}};

std::string transaction_with(const std::string& members) {
  return R"({)" + members + R"("steps":[{"op":"insert","table":"t","rows":[{"a":1}]}]})";
}

append admitted(const std::string& json) {
  auto outcome = core.admit({json}, fresh);
  if (const auto* problem = std::get_if<fault>(&outcome))
    BOOST_FAIL("refused: " << problem->message);
  return std::get<append>(outcome);
}

fault refusal(const std::string& json, const ingest_core& by = core) {
  const auto outcome = by.admit({json}, fresh);
  BOOST_REQUIRE(std::holds_alternative<fault>(outcome));
  return std::get<fault>(outcome);
}

transaction decoded(const std::string& json) {
  auto outcome = decode_transaction(json, {});
  BOOST_REQUIRE(std::holds_alternative<transaction>(outcome));
  return std::get<transaction>(outcome);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_transaction_without_id_and_lane_gets_both_and_they_stand_in_what_is_kept) {
  const auto a = admitted(transaction_with(""));
  BOOST_TEST((a.id == fresh));
  BOOST_TEST(a.lane == "main");
  const auto kept = decoded(a.payload);
  BOOST_TEST((kept.id == fresh));
  BOOST_TEST(kept.lane == "main");
}

BOOST_AUTO_TEST_CASE(a_given_id_and_lane_are_kept_as_they_are) {
  const auto a = admitted(transaction_with(R"("id":")" + given + R"(","lane":"bulk",)"));
  BOOST_TEST(to_string(a.id) == given);
  BOOST_TEST(a.lane == "bulk");
  BOOST_TEST(to_string(decoded(a.payload).id) == given);
}

BOOST_AUTO_TEST_CASE(what_is_kept_means_the_same_as_what_was_submitted) {
  const auto json = transaction_with(R"("id":")" + given + R"(","lane":"main","origin":"tcs",)");
  BOOST_TEST((decoded(admitted(json).payload) == decoded(json)));
}

BOOST_AUTO_TEST_CASE(an_unknown_lane_is_refused_with_the_lanes_there_are) {
  const auto f = refusal(transaction_with(R"("lane":"mian",)"));
  BOOST_TEST((f.code == fault_code::unknown_lane));
  BOOST_TEST(f.field == "lane");
  BOOST_TEST(f.message.find("main, bulk") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_malformed_is_refused_by_its_own_name) {
  BOOST_TEST((refusal("{").code == fault_code::malformed));
  BOOST_TEST((refusal(transaction_with(R"("id":"42",)")).code == fault_code::invalid_id));
  BOOST_TEST((refusal(transaction_with(R"("colour":"red",)")).code == fault_code::unknown_field));
}

BOOST_AUTO_TEST_CASE(a_transaction_over_the_limits_is_refused) {
  transaction_limits limits;
  limits.bytes_max = 20;
  const ingest_core strict{limits, {"main"}};
  BOOST_TEST((refusal(transaction_with(""), strict).code == fault_code::over_limit));
}

} // namespace chasqui
