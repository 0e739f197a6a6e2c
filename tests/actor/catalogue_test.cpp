#include "actors/catalogue.hpp"
#include "tests/support/actor_fixture.hpp"

#include <optional>
#include <string>

namespace chasqui {

namespace {

using namespace std::chrono_literals;

/// A replica whose schema a test changes; each look takes 100 ms.
class fake_source : public schema_source {
public:
  std::string fingerprint = "1";
  std::optional<handler<schema_sighting>> asked;
  int looks = 0;

  void look(std::string, handler<schema_sighting> then) override {
    ++looks;
    asked = std::move(then);
  }
  void answer() {
    const auto then = *std::exchange(asked, std::nullopt);
    then({{}, {fingerprint, R"({"database":"d","role":"r","schemas":{},"functions":[],"tables":[]})"}});
  }
};

struct catalogue_fixture : actor_fixture {
  std::shared_ptr<fake_source> source = std::make_shared<fake_source>();
  std::string told; ///< The fingerprint that the reader of the schema was told last.

  catalogue_fixture() {
    const auto keeper =
        spawn(catalogue_keeper, catalogue_sources{source, nullptr}, stub<notifier_actor>([](const event&) {}),
              wall(), 1000ms, catalogue_core{"r", "d"});
    settle();
    tell(keeper, stub<schema_reader_actor>([this](const schema_document& s) { told = s.fingerprint; }));
  }
  void answer() {
    BOOST_REQUIRE(source->asked.has_value());
    source->answer();
    settle();
  }
  /// Lets time pass; a look is answered after 100 ms.
  void go_on(std::chrono::milliseconds time) {
    for (; time > 0ms; time -= 100ms) {
      const bool asked = source->asked.has_value();
      pass(100ms);
      if (asked)
        answer();
    }
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_change_of_the_schema_is_known_within_two_seconds_whenever_it_comes,
                        catalogue_fixture) {
  answer();
  BOOST_TEST(told == "1");
  for (int i = 2; i < 25; ++i) {
    source->fingerprint = std::to_string(i);
    std::chrono::milliseconds took{0};
    for (; told != source->fingerprint && took < 10s; took += 100ms)
      go_on(100ms);
    BOOST_TEST(took <= 2000ms);
    go_on(100ms * (i % 12)); // The next one comes at another moment between two looks.
  }
}

BOOST_FIXTURE_TEST_CASE(nothing_is_asked_more_often_than_that, catalogue_fixture) {
  answer();
  go_on(10s);
  BOOST_TEST(source->looks <= 11);
  BOOST_TEST(source->looks >= 8);
}

} // namespace chasqui
