#pragma once

#include "actors/ingest.hpp"
#include "actors/shell.hpp"
#include "tests/support/actor_fixture.hpp"

#include <deque>
#include <string>

namespace chasqui {

using namespace std::chrono_literals;

inline const std::string schema =
    R"({"database":"d","role":"r","search_path":["public"],"schemas":{"public":true},
  "functions":[],"tables":[
    {"schema":"public","name":"unit","kind":"r","columns":[{"name":"id","type":"integer","kind":"int4"}],
     "keys":[{"columns":["id"]}]},
    {"schema":"public","name":"file","kind":"r","columns":[{"name":"unit_id","type":"integer","kind":"int4"}],
     "references":[{"name":"file_unit","columns":["unit_id"],"parent":"public.unit","parent_columns":["id"]}]},
    {"schema":"public","name":"log","kind":"r","columns":[{"name":"line","type":"text","kind":"text"}]}]})";

template <class Answer> using promises = std::deque<caf::typed_response_promise<Answer>>;

/// Answers one append, in the turn of the buffer.
using keeper = std::function<void(const append_outcome&)>;

inline keeper keeper_of(caf::typed_response_promise<receipt> one) {
  return [one](const append_outcome& outcome) mutable {
    if (outcome.problem)
      one.deliver(to_error(outcome.problem));
    else
      one.deliver(outcome.proof);
  };
}

/// A group is answered once all of it are.
inline std::vector<keeper> keepers_of(caf::typed_response_promise<group_outcome> all, std::size_t size) {
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

} // namespace chasqui
