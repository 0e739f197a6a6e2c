#include "actors/gatekeeper_core.hpp"

#include <boost/test/unit_test.hpp>

namespace chasqui {

BOOST_AUTO_TEST_CASE(a_session_may_do_what_the_settings_grant_and_nothing_else) {
  const gatekeeper_core door{{"read", "steer"}};
  BOOST_TEST(!door.check(right::read));
  BOOST_TEST(!door.check(right::steer));
  BOOST_TEST((door.check(right::submit).code == fault_code::forbidden));
}

BOOST_AUTO_TEST_CASE(without_any_grant_nothing_is_allowed) {
  const gatekeeper_core door{{}};
  for (const auto r : {right::read, right::submit, right::steer})
    BOOST_TEST((door.check(r).code == fault_code::forbidden));
}

BOOST_AUTO_TEST_CASE(a_name_that_is_no_right_grants_nothing) {
  const gatekeeper_core door{{"", "READ", "everything", "submit "}};
  for (const auto r : {right::read, right::submit, right::steer})
    BOOST_TEST((door.check(r).code == fault_code::forbidden));
}

BOOST_AUTO_TEST_CASE(a_refusal_names_the_right_and_the_setting_that_grants_it) {
  const auto refusal = gatekeeper_core{{"read"}}.check(right::steer);
  BOOST_TEST(refusal.message.find("steer") != std::string::npos);
  BOOST_TEST(refusal.message.find("remote.rights") != std::string::npos);
}

} // namespace chasqui
