#include "messages/interfaces.hpp"

#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/deep_to_string.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <typeinfo>
#include <vector>

namespace chasqui {

namespace {

struct chasqui_config : caf::actor_system_config {
  chasqui_config() { add_chasqui_types(*this); }
};

struct system_fixture {
  chasqui_config config;
  caf::actor_system system{config};

  template <class... Ts> std::vector<char> bytes_of(Ts&... values) {
    std::vector<char> buffer;
    caf::binary_serializer sink{system, buffer};
    BOOST_REQUIRE(sink(values...) == caf::none);
    return buffer;
  }

  /// What the other side of a connection makes of `x`.
  template <class T> T carried(T x) {
    const auto buffer = bytes_of(x);
    T y{};
    caf::binary_deserializer source{system, buffer};
    BOOST_REQUIRE(source(y) == caf::none);
    BOOST_TEST(source.remaining() == 0U);
    return y;
  }

  /// The value alone, and in a message, whose type travels by its name.
  template <class T> void check_carried(const T& x) {
    BOOST_TEST(caf::deep_to_string(carried(x)) == caf::deep_to_string(x));
    const caf::message message = carried(caf::make_message(x));
    BOOST_REQUIRE((message.match_elements<T>()));
    BOOST_TEST(caf::deep_to_string(message.get_as<T>(0)) == caf::deep_to_string(x));
  }
};

/// Stands for a value of any type but `Whole`.
template <class Whole> struct anything {
  template <class T>
  requires(!std::same_as<T, Whole>)
  operator T() const; // NOLINT: implicit, so that it can initialize a field.
};

/// How many fields an aggregate has.
template <class T, class... Fields> consteval std::size_t fields_of() {
  if constexpr (requires { T{Fields{}..., anything<T>{}}; })
    return fields_of<T, Fields..., anything<T>>();
  else
    return sizeof...(Fields);
}

/// How many fields `inspect` names.
struct field_counter {
  std::size_t operator()(auto&... fields) const { return sizeof...(fields); }
};

template <class... Ts> void check_that_inspect_names_every_field() {
  const auto check = []<class T>(T x) {
    field_counter counter;
    BOOST_TEST(inspect(counter, x) == fields_of<T>(), typeid(T).name());
  };
  (check(Ts{}), ...);
}

const uuid id = parse_uuid("0197a4e2-8c1d-7000-8000-5f2a6b3c4d5e").value();
const instant ten_past_midnight = parse_instant("2026-11-22T00:10:00.000001Z").value();
const rejected refusal{"main", 5, id, "23505", "duplicate key", ten_past_midnight};
const link_status link{link_phase::fenced, ten_past_midnight, 3, ten_past_midnight + std::chrono::seconds{1},
                       "why"};
const log_report log{
    {{"main", 7, 50, 40, 30, 20, 10, 1.5}}, {store_kind::journal, durability::fsynced, "open"}, 2};
const replica_status replica{"streaming", 1024, 0.5, lsn{8}, lsn{7}, 3};
const actor_status actor{"forwarder/main", "backing_off", 4};

// Both take an argument, because CAF 0.17 dereferences a null pointer to spawn a function without any.
subscriber_actor::behavior_type listen(int) {
  return {[](const event_batch&) {}};
}

ingest_actor::behavior_type refuse_all(const fault& f) {
  return {[f](const submission&) -> caf::result<receipt> { return to_error(f); },
          [f](const decision&) -> caf::result<receipt> { return to_error(f); }};
}

caf::error of_chasqui(std::uint8_t code, const caf::message& context) {
  return {code, caf::atom("chasqui"), context};
}

} // namespace

BOOST_AUTO_TEST_CASE(inspect_names_every_field_of_every_message) {
  check_that_inspect_names_every_field<
      uuid, lsn, fault, submission, append, receipt, entry, take, batch, available, locate, position,
      committed, replicated, rejected, dead_letter, list_dead, dead_letters, decision, settled_letter,
      resolved, list_decisions, past_decision, past_decisions, find, milestone, life, await, reached>();
  check_that_inspect_names_every_field<get_report, lane_status, store_status, log_report, replica_status,
                                       actor_status, link_status, supervision_report, status_report, steer,
                                       event, event_batch, event_filter, list_events, past_events, subscribe,
                                       acknowledge, link_up, link_moves, give_up, sign_of_life,
                                       catalogue_status, schema_document, confirm_schema, shut_down>();
}

BOOST_FIXTURE_TEST_SUITE(on_the_wire, system_fixture)

BOOST_AUTO_TEST_CASE(messages_of_the_log_arrive_whole) {
  check_carried(submission{"{}", true});
  check_carried(append{id, "main", "{}"});
  check_carried(receipt{id, "main", 5, durability::fsynced, store_kind::journal, ten_past_midnight});
  check_carried(locate{"main"});
  check_carried(position{"main", 1, 2, 3, 4});
  check_carried(take{"main", 5, 6, 7});
  check_carried(
      batch{"main", 5, {{5, id, ten_past_midnight, "{}"}, {6, id, ten_past_midnight, "{}"}}, 6, true});
  check_carried(available{"main", 6});
  check_carried(committed{"main", 5, lsn{0x16B3740}, 2});
  check_carried(replicated{"main", 5});
  check_carried(decision{id, id, letter_action::edit, true, "me", "why", "{}"});
  check_carried(list_decisions{7});
  check_carried(past_decisions{
      {{{"main", 5, id, ten_past_midnight, {{id, stage::rejected, "23505", "twice"}}}, "{}"}}});
  check_carried(refusal);
}

BOOST_AUTO_TEST_CASE(messages_of_those_who_ask_arrive_whole) {
  check_carried(find{id});
  check_carried(life{id,
                     "main",
                     5,
                     stage::rejected,
                     lsn{9},
                     {{stage::sent, ten_past_midnight}},
                     {fault_code::malformed, "no", "steps"},
                     "{}"});
  check_carried(await{condition::transaction, id, stage::committed, std::chrono::milliseconds{1500}});
  check_carried(reached{condition::drained, stage::released});
  check_carried(list_dead{id, 7});
  check_carried(dead_letters{{{refusal, "{}"}}, 9});
  check_carried(get_report{});
  check_carried(log);
  check_carried(replica);
  check_carried(supervision_report{link, {actor, actor}});
  const catalogue_status known{"current", 12, ten_past_midnight, ten_past_midnight};
  check_carried(known);
  check_carried(schema_document{"1/2", "{}"});
  check_carried(confirm_schema{});
  check_carried(status_report{"ccat", "0.1.0", link, log, replica, {actor}, known});
  check_carried(link);
  check_carried(steer{steering::resume, "storm over"});
}

BOOST_AUTO_TEST_CASE(messages_of_events_and_supervision_arrive_whole) {
  const event e{9, ten_past_midnight, event_kind::rejected, "main", 3, 4, id, "23505"};
  check_carried(e);
  check_carried(event_batch{{e, e}});
  check_carried(subscribe{17, 4});
  check_carried(list_events{5, 6, {{event_kind::lag}, "main", 7, id}});
  check_carried(past_events{{e}, 10, 12});
  check_carried(acknowledge{9});
  check_carried(link_up{"main"});
  check_carried(link_moves{"main", 5, id, "bulk", 6});
  check_carried(give_up{"main", 5});
  check_carried(sign_of_life{"walreceiver"});
  check_carried(shut_down{});
  check_carried(fault{fault_code::over_limit, "too long", "origin"});
}

BOOST_AUTO_TEST_CASE(a_time_arrives_to_the_microsecond) {
  const receipt r{id, "main", 5, durability::fsynced, store_kind::journal, ten_past_midnight};
  BOOST_TEST((carried(r) == r));
  BOOST_TEST(
      carried(await{condition::ready, id, stage::sent, std::chrono::milliseconds{1501}}).timeout.count() ==
      1501);
}

BOOST_AUTO_TEST_CASE(a_subscriber_arrives_as_itself) {
  const auto listener = system.spawn(listen, 0);
  BOOST_TEST((carried(listener) == listener));
  const auto message = carried(caf::make_message(listener, subscribe{5}));
  BOOST_REQUIRE((message.match_elements<subscriber_actor, subscribe>()));
  BOOST_TEST((message.get_as<subscriber_actor>(0) == listener));
  caf::anon_send_exit(listener, caf::exit_reason::user_shutdown);
}

BOOST_AUTO_TEST_CASE(an_error_arrives_as_the_fault_that_it_carries) {
  const fault f{fault_code::over_limit, "too long", "origin"};
  BOOST_TEST((to_fault(carried(to_error(f))) == f));
}

BOOST_AUTO_TEST_CASE(an_actor_answers_with_a_fault) {
  const fault f{fault_code::store_full, "The log is at its limit.", ""};
  const auto ingest = system.spawn(refuse_all, f);
  caf::scoped_actor self{system};
  self->request(ingest, caf::infinite, submission{"{}"})
      .receive([](const receipt&) { BOOST_ERROR("a receipt for nothing"); },
               [&f](const caf::error& e) { BOOST_TEST((to_fault(e) == f)); });
  self->send_exit(ingest, caf::exit_reason::user_shutdown);
}

BOOST_AUTO_TEST_CASE(the_system_renders_a_fault_for_people) {
  BOOST_TEST(system.render(to_error({fault_code::link_lost, "The link was cut.", ""})) ==
             "link_lost: The link was cut.");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(every_fault_survives_being_an_error) {
  for (unsigned n = 1; n <= static_cast<unsigned>(fault_code::internal); ++n) {
    const fault f{static_cast<fault_code>(n), "what to do", "steps[0]"};
    BOOST_TEST((to_fault(to_error(f)) == f), to_string(f.code));
  }
}

BOOST_AUTO_TEST_CASE(no_fault_is_no_error) {
  BOOST_TEST(!to_error(fault{}));
  BOOST_TEST(!to_fault(caf::error{}));
}

BOOST_AUTO_TEST_CASE(an_error_without_its_fault_keeps_its_code) {
  BOOST_TEST(
      (to_fault(of_chasqui(static_cast<std::uint8_t>(fault_code::fenced), {})).code == fault_code::fenced));
  const auto f = to_fault(
      of_chasqui(static_cast<std::uint8_t>(fault_code::fenced), caf::make_message(std::string{"x"})));
  BOOST_TEST((f.code == fault_code::fenced));
  BOOST_TEST(f.message.find('x') != std::string::npos);
  BOOST_TEST((to_fault(of_chasqui(200, {})).code == fault_code::internal));
}

BOOST_AUTO_TEST_CASE(errors_of_the_actor_system_become_the_nearest_fault) {
  const auto code = [](const caf::error& e) { return to_string(to_fault(e).code); };
  BOOST_TEST(code(caf::sec::request_timeout) == "timed_out");
  BOOST_TEST(code(caf::sec::request_receiver_down) == "unavailable");
  BOOST_TEST(code(caf::sec::no_route_to_receiving_node) == "unavailable");
  BOOST_TEST(code(caf::sec::cannot_connect_to_node) == "unavailable");
  BOOST_TEST(code(caf::exit_reason::user_shutdown) == "unavailable");
  BOOST_TEST(code(caf::exit_reason::kill) == "unavailable");
  BOOST_TEST(code(caf::exit_reason::remote_link_unreachable) == "unavailable");
  BOOST_TEST(code(caf::exit_reason::unhandled_exception) == "internal");
  BOOST_TEST(code(caf::sec::unexpected_message) == "internal");
  BOOST_TEST(code(caf::sec::runtime_error) == "internal");
  BOOST_TEST(code(caf::error{3, caf::atom("other")}) == "internal");
}

BOOST_AUTO_TEST_CASE(an_error_of_the_actor_system_says_which) {
  const auto message = to_fault(make_error(caf::sec::runtime_error, std::string{"bad_alloc"})).message;
  BOOST_TEST(message.find("runtime_error") != std::string::npos);
  BOOST_TEST(message.find("bad_alloc") != std::string::npos);
  BOOST_TEST(to_fault(caf::exit_reason::kill).message.find("kill") != std::string::npos);
}

} // namespace chasqui
