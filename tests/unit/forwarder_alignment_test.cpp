// How a session begins: the primary's cursor against the log.

#include "tests/unit/forwarder_session.hpp"

namespace chasqui {

namespace {

using ids = std::vector<uuid>;

segment_answer never_came(ids which) { return {0, "", "", {}, 0, std::move(which), {}, {}, {}}; }

} // namespace

BOOST_FIXTURE_TEST_CASE(a_session_asks_the_buffer_by_id_and_sends_nothing_before_it_knows, session) {
  find_cursor(7, {3, 7});
  BOOST_REQUIRE(asked.has_value());
  BOOST_TEST(asked->lane == "main");
  BOOST_TEST(asked->cursor == 7U);
  BOOST_TEST((asked->id == uuid{3, 7}));
  obey(core.on_available({"main", 9}));
  obey(core.on_tick(at(60s).steady));
  BOOST_TEST(in_flight.empty());
  BOOST_TEST(!pulled.has_value());
  BOOST_TEST(times_in_step == 0);
  go_on(9);
  BOOST_TEST(times_in_step == 1);
  BOOST_TEST((kinds_in_flight() == kinds{barrier}));
  BOOST_TEST(pulled->from_seq == 8U);
}

BOOST_FIXTURE_TEST_CASE(where_the_log_has_nothing_the_cursor_jumps_and_the_buffer_is_asked_again, session) {
  find_cursor(7, {3, 7});
  go_on(20, 10, {{9, 1}, {9, 2}}, 1);
  BOOST_TEST((kinds_in_flight() == kinds{realign}));
  BOOST_TEST(in_flight.front().over.from == 7U);
  BOOST_TEST(in_flight.front().over.to == 10U);
  BOOST_TEST((in_flight.front().over.suspects == ids{{9, 1}, {9, 2}}));
  BOOST_TEST(!asked.has_value());
  BOOST_TEST(!pulled.has_value());
  answer(never_came({{9, 2}}));
  BOOST_REQUIRE(lost.has_value());
  BOOST_TEST(lost->lane == "main");
  BOOST_TEST(lost->from_seq == 8U);
  BOOST_TEST(lost->to_seq == 10U);
  BOOST_TEST((lost->ids == ids{{9, 2}}));
  BOOST_TEST(lost->unnamed == 1U);
  BOOST_TEST(asked->cursor == 10U);
  BOOST_TEST(asked->id.is_nil());
  BOOST_TEST(times_in_step == 0);
  go_on(20);
  BOOST_TEST(times_in_step == 1);
  BOOST_TEST(pulled->from_seq == 11U);
  answer();
  BOOST_TEST(done->seq == 10U);
  give(1, 20); // What the primary has already may come again under another number.
  BOOST_TEST((kinds_in_flight() == kinds{attempt}));
}

BOOST_FIXTURE_TEST_CASE(what_is_missing_comes_in_pages, session) {
  find_cursor(0);
  go_on(20, 1, {{9, 1}});
  answer();
  BOOST_TEST(lost->unnamed == 0U);
  go_on(20, 4, {}, 3); // Another page.
  BOOST_TEST(in_flight.front().over.from == 1U);
  answer();
  BOOST_TEST(lost->from_seq == 2U);
  BOOST_TEST(lost->unnamed == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_jump_that_the_primary_refuses_ends_the_session_with_its_reason, session) {
  const std::map<std::string, fault_code> ends{{"CQ001", fault_code::link_lost},
                                               {"CQ002", fault_code::fenced},
                                               {"57P01", fault_code::link_lost},
                                               {"53100", fault_code::primary_busy},
                                               {"42501", fault_code::diverged}};
  for (const auto& [sqlstate, code] : ends) {
    session s;
    s.find_cursor(7);
    s.go_on(20, 10);
    s.answer(sqlstate);
    BOOST_TEST((s.quit_code() == code), sqlstate);
    BOOST_TEST(!s.lost.has_value());
    BOOST_TEST(!s.asked.has_value());
  }
}

BOOST_AUTO_TEST_CASE(an_alignment_that_leads_back_or_is_too_large_is_a_fault_of_ours) {
  for (const seqno to : {seqno{6}, seqno{7}}) {
    session s;
    s.find_cursor(7);
    s.go_on(20, to);
    BOOST_TEST((s.quit_code() == fault_code::internal));
    BOOST_TEST(s.in_flight.empty());
  }
  session s;
  s.find_cursor(7);
  s.go_on(20, 10, ids(5001));
  BOOST_TEST((s.quit_code() == fault_code::internal));
}

BOOST_FIXTURE_TEST_CASE(a_primary_that_does_not_answer_to_a_jump_is_stalled, session) {
  find_cursor(7);
  go_on(20, 10);
  obey(core.on_tick(at(4999ms).steady));
  BOOST_TEST(!quit.has_value());
  obey(core.on_tick(at(5000ms).steady));
  BOOST_TEST((quit_code() == fault_code::stalled));
}

BOOST_FIXTURE_TEST_CASE(a_drain_in_the_middle_of_a_jump_tells_what_is_missing_before_it_ends, session) {
  find_cursor(7);
  go_on(20, 10);
  obey(core.drain(at(now).steady));
  BOOST_TEST(!quit.has_value());
  answer();
  BOOST_TEST(lost.has_value());
  BOOST_TEST((quit.has_value() && !*quit));
}

} // namespace chasqui
