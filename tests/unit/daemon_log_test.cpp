#include "runtime/chasquid/daemon_log.hpp"

#include <boost/test/unit_test.hpp>

namespace chasqui {

BOOST_AUTO_TEST_CASE(a_sentence_that_is_not_utf8_can_be_logged_as_json) {
  daemon_log log{true};
  BOOST_CHECK_NO_THROW(log.say("FATAL: Authentifizierung f\xFCr Benutzer fehlgeschlagen"));
}

} // namespace chasqui
