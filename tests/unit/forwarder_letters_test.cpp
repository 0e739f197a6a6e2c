#include "tests/unit/forwarder_session.hpp"

#include "messages/json.hpp"

// Dead letters, what is parked behind them, and what waits for others, as the forwarder sees it.

namespace chasqui {

namespace {

constexpr const char* dependent = R"({"id":"x","lane":"main","depends_on":["y"],"steps":[{"op":"delete"}]})";
constexpr const char* independent =
    R"({"id":"x","lane":"main","origin":"\"depends_on\":[","steps":[{"a":"\"depends_on\":["}]})";
const uuid missing_one{7, 7};

segment_answer waiting_for(uuid id, std::uint64_t letters = 0) {
  segment_answer out;
  out.outcome = entry_outcome::waits;
  out.waits_for = id;
  out.letters = letters;
  return out;
}

segment_answer with_letters(std::uint64_t letters, entry_outcome outcome = entry_outcome::applied) {
  segment_answer out;
  out.outcome = outcome;
  out.letters = letters;
  return out;
}

life found_at(std::string lane, seqno seq, stage now) {
  life out;
  out.id = missing_one;
  out.lane = std::move(lane);
  out.seq = seq;
  out.stage = now;
  return out;
}

struct letters_session : session {
  std::vector<resolved> decided;
  std::optional<find> asked_about;

  void see(forwarder_actions actions) {
    decided.insert(decided.end(), actions.decided.begin(), actions.decided.end());
    if (actions.ask_about)
      asked_about = actions.ask_about;
    obey(std::move(actions));
  }
  void reply(segment_answer a) {
    BOOST_REQUIRE(!in_flight.empty());
    a.ticket = in_flight.front().ticket;
    in_flight.pop_front();
    see(core.on_answers({a}, at(now)));
  }
  void give_one(seqno head, const std::string& payload) {
    BOOST_REQUIRE(pulled.has_value());
    batch b{"main", pulled->from_seq, {{pulled->from_seq, {1, pulled->from_seq}, {}, payload}}, head};
    pulled.reset();
    see(core.on_batch(std::move(b), at(now).steady));
  }
  void pass(std::chrono::milliseconds time) {
    now += time;
    see(core.on_tick(at(now).steady));
  }
  /// Entry 1 waits, entry 2 behind it has failed on the gap.
  void wait_again() {
    give_one(2, dependent);
    give_one(2, "{}");
    reply(waiting_for(missing_one));
    while (!in_flight.empty() && in_flight.front().kind != barrier)
      answer("CQ001");
    answer_all();
  }
  void wait_for_the_missing_one() {
    open(0, 2);
    answer(); // The opening barrier.
    wait_again();
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(what_stands_alone_is_told_by_its_payload) {
  BOOST_TEST(stands_alone(dependent));
  BOOST_TEST(!stands_alone(independent));
  BOOST_TEST(stands_alone(encode_decision({})));
  BOOST_TEST(!stands_alone("{}"));
}

BOOST_FIXTURE_TEST_CASE(an_entry_with_dependencies_is_attempted_and_others_are_not, letters_session) {
  open(0, 2);
  give_one(2, dependent);
  give_one(2, independent);
  BOOST_TEST((kinds_in_flight() == kinds{barrier, attempt, apply, barrier}));
}

BOOST_FIXTURE_TEST_CASE(while_the_lane_has_dead_letters_everything_is_attempted, letters_session) {
  core.on_opened({{}, 0, {1, 0}, {}, {}, 3}, at(now).steady);
  asked = align{"main", 0, {1, 0}};
  go_on(2);
  give_one(2, "{}");
  BOOST_TEST((in_flight.back().kind == attempt));
  answer();
  reply(with_letters(0));
  give_one(2, "{}");
  BOOST_TEST((in_flight.front().kind == apply));
}

BOOST_FIXTURE_TEST_CASE(a_lane_that_got_its_first_dead_letter_meanwhile_goes_on_carefully, letters_session) {
  stream(2);
  answer("CQ006");
  answer("CQ001");
  answer();
  give(2, 2);
  BOOST_TEST((kinds_in_flight() == kinds{attempt, attempt, barrier}));
}

BOOST_FIXTURE_TEST_CASE(a_parked_entry_is_told_with_what_it_stands_behind, letters_session) {
  open(0, 1);
  give_one(1, dependent);
  answer();
  auto parked = with_letters(2, entry_outcome::parked);
  parked.reject_sqlstate = "CQ008";
  parked.behind = {missing_one};
  reply(parked);
  answer();
  BOOST_REQUIRE(refused.size() == 1U);
  BOOST_TEST((refused.front().behind == std::vector<uuid>{missing_one}));
  BOOST_TEST(done->seq == 1U);
}

BOOST_FIXTURE_TEST_CASE(an_entry_waits_for_what_another_lane_still_has, letters_session) {
  wait_for_the_missing_one();
  BOOST_REQUIRE(asked_about.has_value());
  BOOST_TEST((asked_about->id == missing_one));
  BOOST_TEST(!pulled.has_value()); // Nothing is sent meanwhile.
  see(core.on_dependency(found_at("bulk", 9, stage::buffered), at(now).steady));
  pass(49ms);
  BOOST_TEST(!pulled.has_value());
  pass(2ms);
  BOOST_REQUIRE(pulled.has_value());
  BOOST_TEST(pulled->from_seq == 1U);
  // Every further time it is asked later, up to a second.
  for (auto wait = 100ms; wait < 4s; wait *= 2) {
    wait_again();
    see(core.on_dependency(found_at("bulk", 9, stage::buffered), at(now).steady));
    pass(std::min(wait, 1000ms) - 1ms);
    BOOST_TEST(!pulled.has_value());
    pass(1ms);
    BOOST_REQUIRE(pulled.has_value());
  }
  give_one(2, dependent);
  BOOST_TEST(!in_flight.front().final);
  reply(with_letters(0));
  BOOST_TEST(pulled->from_seq == 2U);
}

BOOST_FIXTURE_TEST_CASE(what_cannot_come_any_more_is_not_waited_for, letters_session) {
  const std::vector<std::optional<life>> hopeless{std::nullopt, found_at("main", 1, stage::buffered),
                                                  found_at("main", 5, stage::buffered),
                                                  found_at("bulk", 5, stage::released)};
  for (const auto& found : hopeless) {
    letters_session s;
    s.wait_for_the_missing_one();
    s.see(s.core.on_dependency(found, at(s.now).steady));
    s.pass(1ms);
    s.give_one(2, dependent);
    BOOST_TEST(s.in_flight.front().final);
    s.give_one(2, dependent);
    BOOST_TEST(!s.in_flight[1].final); // Its neighbour may wait again.
  }
}

BOOST_FIXTURE_TEST_CASE(what_is_in_front_of_a_waiting_entry_is_made_durable, letters_session) {
  open(0, 2);
  give_one(2, "{}");
  give_one(2, dependent);
  answer();
  answer();
  reply(waiting_for(missing_one));
  answer_all();
  BOOST_REQUIRE(done.has_value());
  BOOST_TEST(done->seq == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_decision_is_told_once_a_barrier_covers_it, letters_session) {
  open(0, 1);
  give_one(1, encode_decision({{1, 1}, missing_one, letter_action::retry, false, "me", "why", ""}));
  BOOST_TEST((kinds_in_flight() == kinds{barrier, attempt, barrier}));
  answer();
  auto outcome = with_letters(0);
  outcome.settled = {{missing_one, stage::committed, "", ""}};
  reply(outcome);
  BOOST_TEST(decided.empty());
  reply({});
  BOOST_REQUIRE(decided.size() == 1U);
  BOOST_TEST(decided.front().seq == 1U);
  BOOST_TEST((decided.front().id == uuid{1, 1}));
  BOOST_TEST((decided.front().letters.front().id == missing_one));
}

BOOST_FIXTURE_TEST_CASE(a_large_family_is_released_in_pieces, letters_session) {
  open(0, 1);
  give_one(1, encode_decision({}));
  answer();
  auto piece = with_letters(5, entry_outcome::more);
  piece.settled = {{missing_one, stage::committed, "", ""}};
  reply(piece);
  answer_all();
  BOOST_TEST(done->seq == 0U); // The cursor has not moved.
  BOOST_REQUIRE(pulled.has_value());
  BOOST_TEST(pulled->from_seq == 1U);
  give_one(1, encode_decision({}));
  reply(with_letters(0));
  answer();
  BOOST_TEST(done->seq == 1U);
}

} // namespace chasqui
