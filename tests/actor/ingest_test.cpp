#include "actors/ingest.hpp"
#include "actors/shell.hpp"
#include "tests/support/actor_fixture.hpp"

#include <deque>
#include <string>

namespace chasqui {

namespace {

using namespace std::chrono_literals;

const std::string schema = R"({"database":"d","role":"r","search_path":["public"],"schemas":{"public":true},
  "functions":[],"tables":[
    {"schema":"public","name":"unit","kind":"r","columns":[{"name":"id","type":"integer","kind":"int4"}],
     "keys":[{"columns":["id"]}]},
    {"schema":"public","name":"file","kind":"r","columns":[{"name":"unit_id","type":"integer","kind":"int4"}],
     "references":[{"name":"file_unit","columns":["unit_id"],"parent":"public.unit","parent_columns":["id"]}]},
    {"schema":"public","name":"log","kind":"r","columns":[{"name":"line","type":"text","kind":"text"}]}]})";

template <class Answer> using promises = std::deque<caf::typed_response_promise<Answer>>;

/// Answers one append, in the turn of the buffer.
using keeper = std::function<void(const append_outcome&)>;

keeper keeper_of(caf::typed_response_promise<receipt> one) {
  return [one](const append_outcome& outcome) mutable {
    if (outcome.problem)
      one.deliver(to_error(outcome.problem));
    else
      one.deliver(outcome.proof);
  };
}

/// A group is answered once all of it are.
std::vector<keeper> keepers_of(caf::typed_response_promise<group_outcome> all, std::size_t size) {
  const auto outcome = std::make_shared<group_outcome>();
  outcome->each.resize(size);
  const auto open = std::make_shared<std::size_t>(size);
  std::vector<keeper> out;
  for (std::size_t i = 0; i < size; ++i)
    out.emplace_back([=](const append_outcome& one) mutable {
      outcome->each[i] = one;
      if (--*open == 0)
        all.deliver(*outcome);
    });
  return out;
}

/// Ingest, with a buffer and a reader that answer when the test says so; a glance clears nobody, unless the
/// test answers it.
struct ingest_fixture : actor_fixture {
  std::shared_ptr<std::deque<keeper>> kept = std::make_shared<std::deque<keeper>>();
  std::shared_ptr<std::vector<uuid>> ids = std::make_shared<std::vector<uuid>>();
  std::shared_ptr<std::vector<std::size_t>> groups = std::make_shared<std::vector<std::size_t>>(); ///< Sizes.
  std::shared_ptr<promises<found_rows>> looks = std::make_shared<promises<found_rows>>();
  std::shared_ptr<std::vector<glance>> glances = std::make_shared<std::vector<glance>>();
  std::shared_ptr<promises<glanced>> open_glances = std::make_shared<promises<glanced>>();
  std::shared_ptr<bool> answers_glances = std::make_shared<bool>(false); ///< The test does.
  std::shared_ptr<std::vector<event>> events = std::make_shared<std::vector<event>>();
  std::shared_ptr<uuid> known = std::make_shared<uuid>();                  ///< An id that the log has.
  std::shared_ptr<std::size_t> letters = std::make_shared<std::size_t>(0); ///< Dead ones.
  std::shared_ptr<bool> is_frozen = std::make_shared<bool>(false);         ///< Nobody hears of letters.
  std::shared_ptr<promises<dead_letters>> unheard = std::make_shared<promises<dead_letters>>();
  std::shared_ptr<promises<schema_document>> confirmations = std::make_shared<promises<schema_document>>();
  caf::actor buffer_stub;
  caf::actor reader_stub;
  ingest_actor door;

  explicit ingest_fixture(preflight_mode rows = preflight_mode::enforce, bool has_catalogue = false) {
    buffer_stub =
        spawn([kept = kept, ids = ids, groups = groups, known = known, letters = letters,
               is_frozen = is_frozen, unheard = unheard](caf::event_based_actor* self) -> caf::behavior {
          return {[=](const append& a) -> caf::result<receipt> {
                    ids->push_back(a.id);
                    const auto promise = self->make_response_promise<receipt>();
                    kept->push_back(keeper_of(promise));
                    return promise;
                  },
                  [=](const append_group& group) -> caf::result<group_outcome> {
                    groups->push_back(group.all.size());
                    for (const auto& a : group.all)
                      ids->push_back(a.id);
                    const auto promise = self->make_response_promise<group_outcome>();
                    for (auto& one : keepers_of(promise, group.all.size()))
                      kept->push_back(std::move(one));
                    return promise;
                  },
                  [=](const list_dead&) -> caf::result<dead_letters> {
                    if (*is_frozen) {
                      unheard->push_back(self->make_response_promise<dead_letters>());
                      return unheard->back();
                    }
                    dead_letters out;
                    out.letters.resize(*letters);
                    return out;
                  },
                  [=](const find& what) -> caf::result<life> {
                    if (what.id == *known)
                      return life{};
                    return to_error({fault_code::not_found, "unknown", ""});
                  },
                  [](const io_answer& a) { a.then(); }};
        });
    reader_stub = spawn([looks = looks, glances = glances, open = open_glances,
                         by_test = answers_glances](caf::event_based_actor* self) -> caf::behavior {
      return {[=](const read_rows&) -> caf::result<found_rows> {
                looks->push_back(self->make_response_promise<found_rows>());
                return looks->back();
              },
              [=](const glance& what) -> caf::result<glanced> {
                glances->push_back(what);
                if (!*by_test)
                  return doubt_all(what);
                open->push_back(self->make_response_promise<glanced>());
                return open->back();
              },
              [](const io_answer& a) { a.then(); }};
    });
    const auto catalogue_stub =
        spawn([confirmations = confirmations](caf::event_based_actor* self) -> caf::behavior {
          return {[](const schema_reader_actor&) {},
                  [=](const confirm_schema&) -> caf::result<schema_document> {
                    confirmations->push_back(self->make_response_promise<schema_document>());
                    return confirmations->back();
                  }};
        });
    const ingest_peers peers{
        caf::actor_cast<buffer_actor>(buffer_stub),
        stub<notifier_actor>([events = events](const event& e) { events->push_back(e); }),
        has_catalogue ? caf::actor_cast<catalogue_actor>(catalogue_stub) : catalogue_actor{},
        caf::actor_cast<reader_actor>(reader_stub)};
    ingest_policy policy;
    policy.preflight = preflight_mode::enforce;
    policy.rows = rows;
    policy.held_max = 3;
    policy.group_max = 2;
    const auto shell = spawn(ingest, peers, wall(), ingest_core{{}, {"main", "bulk"}, true}, policy);
    door = caf::actor_cast<ingest_actor>(shell);
    learn("1");
  }

  void learn(const std::string& fingerprint) {
    tell(caf::actor_cast<caf::actor>(door), schema_document{fingerprint, schema});
  }

  auto submit(const std::string& table, const std::string& row, std::uint64_t id = 0) {
    const auto named = id == 0 ? "" : R"("id":")" + to_string(uuid{0, id}) + R"(",)";
    return ask<receipt>(door, submission{"{" + named + R"("steps":[{"op":"insert","table":")" + table +
                                         R"(","rows":[)" + row + "]}]}"});
  }
  auto unit_row(int row, std::uint64_t id = 0) {
    return submit("unit", R"({"id":)" + std::to_string(row) + "}", id);
  }
  auto unit(std::uint64_t id = 0) { return unit_row(++rows, id); }
  auto file(int unit) { return submit("file", R"({"unit_id":)" + std::to_string(unit) + "}"); }

  /// Answers the oldest look: the row is there, or it is not.
  void see(bool is_there, const std::string& replica = "") {
    BOOST_REQUIRE(!looks->empty());
    found_rows answer;
    answer.found.resize(is_there ? 1 : 0);
    answer.replica = replica;
    give(reader_stub, *looks, answer);
  }
  /// Answers the oldest glance.
  void clear_all_but(std::vector<std::uint64_t> doubtful, const std::string& replica = "") {
    BOOST_REQUIRE(!open_glances->empty());
    give(reader_stub, *open_glances, glanced{std::move(doubtful), replica});
  }
  void keep() { answer_append({}); }
  void fail_to_keep() { answer_append({{}, {fault_code::store_full, "full", ""}}); }

private:
  int rows = 1000;

  void answer_append(const append_outcome& outcome) {
    BOOST_REQUIRE(!kept->empty());
    tell(buffer_stub, io_answer{[one = kept->front(), outcome] { one(outcome); }});
    kept->pop_front();
  }

  static glanced doubt_all(const glance& what) {
    glanced out;
    for (std::uint64_t i = 0; i < what.probes.size(); ++i)
      out.doubtful.push_back(i);
    return out;
  }
  /// A promise is kept in the turn of the actor that has made it.
  template <class Answer, class Given>
  void give(const caf::actor& whose, promises<Answer>& all, const Given& answer) {
    tell(whose, io_answer{[promise = all.front(), answer]() mutable { promise.deliver(answer); }});
    all.pop_front();
  }
};

struct warning_fixture : ingest_fixture {
  warning_fixture() : ingest_fixture{preflight_mode::warn} {}
};

/// Who answers glances, too.
struct glance_fixture : ingest_fixture {
  glance_fixture() { *answers_glances = true; }
};

/// With a catalogue that does not answer.
struct confirming_fixture : ingest_fixture {
  confirming_fixture() : ingest_fixture{preflight_mode::off, true} {}
};

} // namespace

BOOST_FIXTURE_TEST_CASE(who_inserts_what_is_there_is_refused_and_who_does_not_is_kept, ingest_fixture) {
  const auto good = unit();
  BOOST_TEST(!good->answered());
  see(false);
  keep();
  BOOST_TEST(good->value.has_value());
  const auto bad = unit();
  see(true);
  BOOST_TEST(!bad->answered()); // Nobody is refused by one look.
  see(true);
  BOOST_TEST((bad->problem.code == fault_code::refused_by_schema));
  BOOST_TEST(kept->empty());
  BOOST_TEST(looks->empty());
}

BOOST_FIXTURE_TEST_CASE(what_was_seen_before_its_turn_refuses_nobody, ingest_fixture) {
  const auto first = unit(1);
  const auto second = unit(2);
  BOOST_REQUIRE(looks->size() == 2U);
  std::swap(looks->front(), looks->back());
  see(true); // The second one's.
  see(false);
  BOOST_TEST(looks->empty()); // The first one is on its way into the log.
  BOOST_TEST(!second->answered());
  keep();
  see(false);
  keep();
  BOOST_TEST(second->value.has_value());
}

// A letter may be retried, and then the row that is missing is there, or the one that is there has gone.
BOOST_FIXTURE_TEST_CASE(while_there_are_dead_letters_rows_refuse_nobody, ingest_fixture) {
  *letters = 1;
  const auto doubted = unit();
  see(true);
  see(true);
  keep();
  BOOST_TEST(doubted->value.has_value());
}

// The catalogue tells everybody of a new schema before it answers who has asked.
BOOST_FIXTURE_TEST_CASE(who_was_doubted_by_a_schema_that_has_changed_since_passes, ingest_fixture) {
  const auto doubted = unit();
  see(true);
  learn("2");
  see(true);
  keep();
  BOOST_TEST(doubted->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_log_that_does_not_tell_of_dead_letters_holds_nobody_up, ingest_fixture) {
  *is_frozen = true;
  const auto doubted = unit();
  see(true);
  see(true);
  pass(60ms); // Less than its patience.
  keep();
  BOOST_TEST(doubted->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(nobody_overtakes_who_is_looked_at, ingest_fixture) {
  const auto first = unit(1);
  const auto second = submit("log", R"({"line":"x"})", 2);
  BOOST_TEST(ids->empty());
  const auto third = unit(3);
  see(false);
  BOOST_TEST((*ids == std::vector<uuid>{{0, 1}, {0, 2}}));
  see(false);
  BOOST_TEST((*ids == std::vector<uuid>{{0, 1}, {0, 2}, {0, 3}}));
}

BOOST_FIXTURE_TEST_CASE(what_is_still_on_its_way_into_the_log_is_waited_for_before_a_refusal,
                        ingest_fixture) {
  const auto before = submit("log", R"({"line":"x"})");
  const auto doubted = unit();
  see(true);
  BOOST_TEST(!doubted->answered());
  BOOST_TEST(looks->empty());
  keep(); // The one before: what it did can be seen now.
  BOOST_TEST(!doubted->answered());
  see(false);
  keep();
  BOOST_TEST(doubted->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_second_look_that_sees_the_same_refuses, ingest_fixture) {
  const auto before = submit("log", R"({"line":"x"})");
  const auto doubted = unit();
  see(true);
  keep();
  see(true);
  BOOST_TEST((doubted->problem.code == fault_code::refused_by_schema));
}

BOOST_FIXTURE_TEST_CASE(who_submits_an_id_again_gets_its_receipt_though_its_row_is_there, ingest_fixture) {
  *known = {0, 7};
  const auto again = unit(7);
  see(true);
  see(true);
  keep();
  BOOST_TEST(again->value.has_value());
  const auto other = unit(8);
  see(true);
  see(true);
  BOOST_TEST((other->problem.code == fault_code::refused_by_schema));
}

BOOST_FIXTURE_TEST_CASE(a_look_that_is_not_answered_refuses_nobody, ingest_fixture) {
  const auto silent = unit();
  pass(200ms);
  BOOST_TEST(looks->size() == 1U);
  keep();
  BOOST_TEST(silent->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_replica_that_is_away_is_left_alone_for_a_while, ingest_fixture) {
  const auto half = unit();
  see(true, "away"); // Half an answer refuses nobody.
  keep();
  BOOST_TEST(half->value.has_value());
  const auto next = unit();
  BOOST_TEST(looks->empty());
  keep();
  BOOST_TEST(next->value.has_value());
  pass(1000ms);
  const auto later = unit();
  BOOST_TEST(looks->size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(whoever_has_waited_too_long_passes, ingest_fixture) {
  const auto before = submit("log", R"({"line":"x"})");
  const auto doubted = unit();
  see(true);
  pass(110ms); // The log does not answer for the one before.
  BOOST_TEST(looks->empty());
  BOOST_REQUIRE(kept->size() == 2U);
  keep();
  keep();
  BOOST_TEST(doubted->value.has_value());
}

// Four are looked at at once: a look that comes to nothing has to leave its place.
BOOST_FIXTURE_TEST_CASE(a_last_look_makes_nobody_wait_longer, ingest_fixture) {
  for (int round = 0; round < 5; ++round) {
    const auto before = submit("log", R"({"line":"x"})");
    const auto doubted = unit();
    BOOST_REQUIRE(looks->size() == 1U);
    see(true);
    pass(90ms);
    keep();
    BOOST_REQUIRE(looks->size() == 1U);
    pass(20ms);
    keep();
    BOOST_TEST(doubted->value.has_value());
    looks->clear();
  }
  const auto first = unit();
  const auto second = unit();
  BOOST_TEST(looks->size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(whoever_waits_when_it_stops_is_told_and_what_the_log_has_is_answered_first,
                        ingest_fixture) {
  const auto before = submit("log", R"({"line":"x"})");
  const auto waits = unit();
  const auto gone = watch(door);
  stop(door, caf::exit_reason::user_shutdown);
  BOOST_TEST((waits->problem.code == fault_code::unavailable));
  BOOST_TEST(!before->answered());
  BOOST_TEST(!gone->has_value());
  keep();
  BOOST_TEST(before->value.has_value());
  BOOST_TEST(gone->has_value());
}

BOOST_FIXTURE_TEST_CASE(a_fault_leaves_nobody_without_an_answer, ingest_fixture) {
  const auto before = submit("log", R"({"line":"x"})");
  const auto waits = unit();
  stop(door, to_error({fault_code::internal, "a fault of ours", ""}));
  BOOST_TEST(waits->answered());
  BOOST_TEST(before->answered());
}

BOOST_FIXTURE_TEST_CASE(who_waits_for_a_look_at_the_schema_when_it_stops_is_told, confirming_fixture) {
  const auto doubted = submit("nowhere", R"({"id":1})");
  const auto held = submit("log", R"({"line":"x"})");
  BOOST_TEST(!doubted->answered());
  BOOST_TEST(!held->answered());
  const auto gone = watch(door);
  stop(door, caf::exit_reason::user_shutdown);
  BOOST_TEST((doubted->problem.code == fault_code::unavailable));
  BOOST_TEST((held->problem.code == fault_code::unavailable));
  BOOST_TEST(gone->has_value());
}

BOOST_FIXTURE_TEST_CASE(who_decides_when_it_stops_is_told, ingest_fixture) {
  *is_frozen = true;
  const auto decided = ask<receipt>(door, decision{});
  BOOST_TEST(!decided->answered());
  stop(door, caf::exit_reason::user_shutdown);
  BOOST_TEST((decided->problem.code == fault_code::unavailable));
}

BOOST_FIXTURE_TEST_CASE(too_many_that_wait_for_looks_are_refused, ingest_fixture) {
  const auto first = unit();
  const auto second = unit();
  const auto third = unit();
  const auto fourth = unit();
  BOOST_TEST(!third->answered());
  BOOST_TEST((fourth->problem.code == fault_code::overloaded));
}

BOOST_FIXTURE_TEST_CASE(whoever_only_wants_to_be_warned_is, warning_fixture) {
  const auto bad = unit();
  see(true);
  see(true);
  keep();
  BOOST_TEST(bad->value.has_value());
  BOOST_REQUIRE(events->size() == 1U);
  BOOST_TEST((events->front().kind == event_kind::preflight));
  BOOST_TEST(events->front().detail.find("unique key (id)") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(whom_a_glance_clears_needs_no_look, glance_fixture) {
  const auto cleared = unit_row(1);
  BOOST_REQUIRE(glances->size() == 1U);
  BOOST_REQUIRE(glances->front().probes.size() == 1U);
  const auto& probe = glances->front().probes.front();
  const auto& kind = glances->front().kinds.at(probe.kind);
  BOOST_TEST(kind.lane == "main");
  BOOST_TEST(kind.table == "public.unit");
  BOOST_TEST((kind.columns == std::vector<std::string>{"id"}));
  BOOST_TEST(!kind.is_there);
  BOOST_TEST(probe.where == R"({"id":1})");
  clear_all_but({});
  keep();
  BOOST_TEST(cleared->value.has_value());
  BOOST_TEST(looks->empty());
}

BOOST_FIXTURE_TEST_CASE(those_who_come_while_a_glance_is_under_way_share_the_next, glance_fixture) {
  const auto first = unit(1);
  const auto second = unit(2);
  const auto third = unit(3);
  BOOST_TEST(glances->size() == 1U);
  clear_all_but({});
  BOOST_REQUIRE(glances->size() == 2U);
  BOOST_TEST(glances->back().probes.size() == 2U);
  keep();
  const auto fourth = unit(4);
  clear_all_but({});
  keep();
  keep();
  clear_all_but({});
  BOOST_TEST((*ids == std::vector<uuid>{{0, 1}, {0, 2}, {0, 3}, {0, 4}}));
}

BOOST_FIXTURE_TEST_CASE(those_who_leave_the_line_together_are_handed_on_together, glance_fixture) {
  const auto first = unit(1);
  const auto second = unit(2);
  const auto third = unit(3);
  clear_all_but({});
  clear_all_but({});
  BOOST_TEST((*groups == std::vector<std::size_t>{1, 2}));
  keep();
  BOOST_TEST(first->value.has_value());
  fail_to_keep();
  BOOST_TEST(!second->answered());
  keep();
  BOOST_TEST((second->problem.code == fault_code::store_full));
  BOOST_TEST(third->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(who_is_doubted_is_looked_at_again_once_a_whole_group_is_answered, glance_fixture) {
  const auto opens = unit_row(9);
  const auto first = unit_row(1);
  const auto second = unit_row(2);
  clear_all_but({});
  const auto same = unit_row(1);
  clear_all_but({});
  BOOST_TEST((*groups == std::vector<std::size_t>{1, 2}));
  keep();
  keep();
  BOOST_TEST(looks->empty());
  keep();
  see(true);
  BOOST_TEST((same->problem.code == fault_code::refused_by_schema));
}

// A lane that comes first need not wait for one that comes last.
BOOST_FIXTURE_TEST_CASE(each_lane_is_handed_on_for_itself, glance_fixture) {
  const auto first = unit(1);
  const auto bulk = ask<receipt>(
      door, submission{R"({"lane":"bulk","steps":[{"op":"insert","table":"unit","rows":[{"id":2}]}]})"});
  const auto second = unit(3);
  clear_all_but({});
  clear_all_but({});
  BOOST_TEST((*groups == std::vector<std::size_t>{1, 1, 1}));
  keep();
  keep();
  BOOST_TEST(second->value.has_value());
  BOOST_TEST(!bulk->answered());
}

BOOST_FIXTURE_TEST_CASE(a_group_has_so_many_at_most, glance_fixture) {
  const auto first = unit(1);
  const auto second = unit(2);
  const auto third = unit(3);
  clear_all_but({0});
  clear_all_but({});
  BOOST_TEST(groups->empty()); // The first one is looked at.
  see(false);
  BOOST_TEST((*groups == std::vector<std::size_t>{2, 1}));
  BOOST_TEST((*ids == std::vector<uuid>{{0, 1}, {0, 2}, {0, 3}}));
}

BOOST_FIXTURE_TEST_CASE(a_whole_group_is_told_when_ingest_has_a_fault, glance_fixture) {
  const auto first = unit(1);
  const auto second = unit(2);
  const auto third = unit(3);
  clear_all_but({});
  clear_all_but({});
  BOOST_TEST((*groups == std::vector<std::size_t>{1, 2}));
  stop(door, to_error({fault_code::internal, "a fault of ours", ""}));
  for (const auto& one : {first, second, third})
    BOOST_TEST((one->problem.code == fault_code::unavailable));
}

BOOST_FIXTURE_TEST_CASE(a_whole_group_is_told_when_the_buffer_is_silent_or_gone, glance_fixture) {
  const auto first = unit(1);
  const auto second = unit(2);
  const auto third = unit(3);
  clear_all_but({});
  keep();
  clear_all_but({});
  pass(5100ms);
  for (const auto& one : {second, third})
    BOOST_TEST((one->problem.code == fault_code::outcome_unknown));
  const auto fourth = unit(4);
  stop(buffer_stub, to_error({fault_code::internal, "a bug", ""}));
  clear_all_but({});
  BOOST_TEST(fourth->answered());
  BOOST_TEST(!fourth->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(only_whom_a_glance_does_not_clear_is_looked_at, glance_fixture) {
  const auto opens = unit(1);
  const auto other = unit(2);
  const auto bad = unit(3);
  clear_all_but({});
  keep();
  clear_all_but({1});
  keep();
  BOOST_REQUIRE(looks->size() == 1U);
  see(true);
  see(true);
  BOOST_TEST((bad->problem.code == fault_code::refused_by_schema));
  BOOST_TEST(other->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_glance_that_found_no_replica_refuses_nobody_and_spares_it_for_a_while,
                        glance_fixture) {
  const auto first = unit();
  clear_all_but({0}, "away");
  keep();
  BOOST_TEST(first->value.has_value());
  const auto next = unit();
  keep();
  BOOST_TEST(next->value.has_value());
  BOOST_TEST(glances->size() == 1U);
  BOOST_TEST(looks->empty());
}

// Neither is in the log when a glance is taken.
BOOST_FIXTURE_TEST_CASE(two_of_one_key_on_their_way_are_not_both_kept, glance_fixture) {
  const auto first = unit_row(1);
  const auto second = unit_row(1);
  BOOST_TEST(glances->size() == 1U);
  clear_all_but({});
  BOOST_TEST(looks->empty()); // The first one may be refused yet.
  keep();
  BOOST_TEST(first->value.has_value());
  see(true);
  BOOST_TEST((second->problem.code == fault_code::refused_by_schema));
}

BOOST_FIXTURE_TEST_CASE(who_does_not_come_into_the_log_stands_in_nobodys_way, glance_fixture) {
  const auto refused = unit_row(1);
  clear_all_but({0});
  see(true);
  see(true);
  BOOST_TEST((refused->problem.code == fault_code::refused_by_schema));
  const auto failed = unit_row(1);
  BOOST_TEST(glances->size() == 2U);
  clear_all_but({});
  fail_to_keep();
  BOOST_TEST((failed->problem.code == fault_code::store_full));
  const auto last = unit_row(1);
  BOOST_TEST(glances->size() == 3U);
}

BOOST_FIXTURE_TEST_CASE(whoever_the_buffer_is_silent_about_gets_an_answer_all_the_same, glance_fixture) {
  const auto first = unit_row(1);
  clear_all_but({});
  pass(4900ms);
  BOOST_TEST((!first->value && !first->problem));
  const auto second = unit_row(2);
  clear_all_but({});
  pass(200ms);
  BOOST_TEST((first->problem.code == fault_code::outcome_unknown));
  BOOST_TEST((!second->value && !second->problem));
  keep(); // Late.
  keep();
  BOOST_TEST(second->value.has_value());
  const auto again = unit_row(1); // It does not stand in its way.
  BOOST_TEST(glances->size() == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_parent_that_was_seen_a_moment_ago_needs_no_look, glance_fixture) {
  const auto first = file(1);
  BOOST_REQUIRE(glances->size() == 1U);
  BOOST_TEST(glances->front().kinds.at(glances->front().probes.front().kind).is_there);
  clear_all_but({});
  keep();
  const auto second = file(1);
  keep();
  BOOST_TEST(second->value.has_value());
  BOOST_TEST(glances->size() == 1U);
  const auto other = file(2);
  BOOST_TEST(glances->size() == 2U);
  clear_all_but({0});
  see(true); // A look has seen it: it is pending.
  keep();
  const auto after_a_look = file(2);
  keep();
  BOOST_TEST(after_a_look->value.has_value());
  pass(1000ms);
  const auto late = file(1);
  BOOST_TEST(glances->size() == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_parent_that_was_put_into_the_log_needs_no_look, glance_fixture) {
  const auto parent = unit_row(1);
  clear_all_but({});
  const auto early = file(1); // It is on its way.
  BOOST_TEST(glances->size() == 2U);
  keep();
  const auto child = file(1);
  BOOST_TEST(glances->size() == 2U);
  clear_all_but({});
  keep();
  keep();
  BOOST_TEST(child->value.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_parent_that_was_not_kept_is_looked_for, glance_fixture) {
  const auto parent = unit_row(1);
  clear_all_but({});
  fail_to_keep();
  const auto child = file(1);
  BOOST_TEST(glances->size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(what_may_take_a_parent_away_makes_it_be_looked_for_again, glance_fixture) {
  const auto first = file(1);
  clear_all_but({});
  keep();
  const auto before = file(2);
  const auto away =
      ask<receipt>(door, submission{R"({"steps":[{"op":"delete","table":"unit","where":{"id":1}}]})"});
  const auto again = file(1);
  BOOST_TEST(glances->size() == 2U);
  clear_all_but({}); // Was asked before: that says nothing of now.
  BOOST_TEST(glances->size() == 3U);
  clear_all_but({});
  keep();
  keep();
  keep();
  const auto other = file(2);
  BOOST_TEST(glances->size() == 4U);
}

} // namespace chasqui
