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

namespace {

const uuid letter_id{0x0197a4e200007000, 0x800000000000dead};

dead_letters one_letter(std::vector<uuid> behind = {}) {
  return {{{{"bulk", 5, letter_id, "23505", "twice", {}, std::move(behind)}, "{}"}}, 1};
}

fault refusal(const decision& d, const dead_letters& found = one_letter()) {
  const auto outcome = core.admit(d, found, fresh);
  BOOST_REQUIRE(std::holds_alternative<fault>(outcome));
  return std::get<fault>(outcome);
}

decision edit_to(const std::string& json) {
  return {{}, letter_id, letter_action::edit, false, "me", "why", json};
}

} // namespace

BOOST_AUTO_TEST_CASE(a_decision_goes_into_the_lane_of_its_dead_letter) {
  const decision given_one{{}, letter_id, letter_action::discard, true, "me", "why \"so\"", ""};
  const auto outcome = core.admit(given_one, one_letter(), fresh);
  BOOST_REQUIRE(std::holds_alternative<append>(outcome));
  const auto& kept = std::get<append>(outcome);
  BOOST_TEST(kept.lane == "bulk");
  BOOST_TEST((kept.id == fresh));
  BOOST_TEST(is_decision(kept.payload));
  auto expected = given_one;
  expected.id = fresh;
  const auto back = decode_decision(kept.payload);
  BOOST_REQUIRE(std::holds_alternative<decision>(back));
  BOOST_TEST((std::get<decision>(back) == expected));
}

BOOST_AUTO_TEST_CASE(an_edited_transaction_is_checked_and_keeps_id_and_lane) {
  const auto outcome = core.admit(edit_to(transaction_with("")), one_letter(), fresh);
  BOOST_REQUIRE(std::holds_alternative<append>(outcome));
  const auto back = std::get<decision>(decode_decision(std::get<append>(outcome).payload));
  const auto t = decoded(back.transaction);
  BOOST_TEST((t.id == letter_id));
  BOOST_TEST(t.lane == "bulk");
  BOOST_TEST(refusal(edit_to("{}")).field == "steps");
  BOOST_TEST(
      (refusal(edit_to(transaction_with(R"("id":")" + given + R"(",)"))).code == fault_code::invalid_id));
  BOOST_TEST((refusal(edit_to(transaction_with(R"("lane":"main",)"))).code == fault_code::unknown_lane));
}

BOOST_AUTO_TEST_CASE(a_decision_that_makes_no_sense_is_refused) {
  const decision retry{{}, letter_id, letter_action::retry, false, "me", "why", ""};
  BOOST_TEST((refusal(retry, {}).code == fault_code::not_found));
  BOOST_TEST(refusal(retry, one_letter({fresh})).message.find(to_string(fresh)) != std::string::npos);
  auto wordy = retry;
  wordy.reason = std::string(2001, 'x');
  BOOST_TEST((refusal(wordy).code == fault_code::over_limit));
}

} // namespace chasqui
