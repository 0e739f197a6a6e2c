// A call of the host is answered once, whatever becomes of whom it asks.

#include "runtime/outside_bridge.hpp"
#include "tests/support/actor_fixture.hpp"

using namespace chasqui;
using namespace std::chrono_literals;

namespace {

struct caller : actor_fixture {
  caf::actor bridge = spawn(outside_bridge);
  std::vector<std::variant<receipt, fault>> answers;

  void submit(const ingest_actor& whom, std::chrono::milliseconds timeout) {
    caf::anon_send(bridge, outside_call{[=, this](bridge_pointer self) {
                     call<receipt>(
                         self, whom, submission{"{}", false}, timeout,
                         [this](std::variant<receipt, fault> a) { answers.push_back(std::move(a)); });
                   }});
    settle();
  }
  [[nodiscard]] fault_code code_of_last() const {
    const auto* why = std::get_if<fault>(&answers.back());
    return why == nullptr ? fault_code::none : why->code;
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(an_answer_is_handed_on_and_nothing_is_said_later, caller) {
  submit(stub<ingest_actor>([](const submission&) { return receipt{}; }), 2s);
  BOOST_REQUIRE(answers.size() == 1U);
  BOOST_TEST((code_of_last() == fault_code::none));
  pass(10s);
  BOOST_TEST(answers.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(who_never_answers_is_given_up, caller) {
  const auto mute = caf::actor_cast<ingest_actor>(spawn([](caf::event_based_actor* self) -> caf::behavior {
    const auto held = std::make_shared<caf::response_promise>();
    return {[self, held](const submission&) { *held = self->make_response_promise(); },
            [held](const tick&) { held->deliver(receipt{}); }};
  }));
  submit(mute, 2s);
  pass(1s);
  BOOST_TEST(answers.empty());
  pass(3s);
  BOOST_REQUIRE(answers.size() == 1U);
  BOOST_TEST((code_of_last() == fault_code::timed_out));
  tell(caf::actor_cast<caf::actor>(mute), tick{}); // Too late.
  pass(3s);
  BOOST_TEST(answers.size() == 1U);
  submit(mute, 1s); // It looks after later calls, too.
  pass(3s);
  BOOST_TEST(answers.size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(who_is_gone_is_told_at_once, caller) {
  const auto gone = stub<ingest_actor>([](const submission&) { return receipt{}; });
  stop(caf::actor_cast<caf::actor>(gone), caf::exit_reason::kill);
  submit(gone, 10s);
  BOOST_REQUIRE(answers.size() == 1U);
  BOOST_TEST((code_of_last() != fault_code::none));
}
