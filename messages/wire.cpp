#include "messages/interfaces.hpp"

#include <caf/deep_to_string.hpp>
#include <caf/exit_reason.hpp>

namespace chasqui {

namespace {

constexpr auto category = caf::atom("chasqui");

/// The code, or `internal` for a number that a later version may have sent.
fault_code checked_code(std::uint8_t code) {
  return code <= static_cast<std::uint8_t>(fault_code::internal) ? static_cast<fault_code>(code)
                                                                 : fault_code::internal;
}

fault of_ours(const caf::error& e) {
  if (e.context().match_elements<fault>())
    return e.context().get_as<fault>(0);
  return {checked_code(e.code()), caf::deep_to_string(e.context()), ""};
}

fault_code code_of(caf::sec code) {
  switch (code) {
  case caf::sec::request_timeout:
    return fault_code::timed_out;
  case caf::sec::request_receiver_down:
  case caf::sec::no_actor_published_at_port:
  case caf::sec::disconnect_during_handshake:
  case caf::sec::no_route_to_receiving_node:
  case caf::sec::cannot_connect_to_node:
  case caf::sec::remote_linking_failed:
  case caf::sec::socket_disconnected:
  case caf::sec::remote_lookup_failed:
  case caf::sec::connection_timeout:
    return fault_code::unavailable;
  default:
    return fault_code::internal;
  }
}

// An exception that nobody caught is ours to mend; all other exits mean that somebody has gone.
fault_code code_of(caf::exit_reason reason) {
  return reason == caf::exit_reason::unhandled_exception ? fault_code::internal : fault_code::unavailable;
}

std::string rendered(const std::string& name, const caf::message& context) {
  auto text = "The actor system says " + name;
  if (!context.empty())
    text += ' ' + caf::deep_to_string(context);
  return text + '.';
}

} // namespace

caf::error to_error(const fault& f) {
  if (!f)
    return {};
  return {static_cast<std::uint8_t>(f.code), category, caf::make_message(f)};
}

fault to_fault(const caf::error& e) {
  if (!e)
    return {};
  if (e.category() == category)
    return of_ours(e);
  if (e.category() == caf::atom("system")) {
    const auto code = static_cast<caf::sec>(e.code());
    return {code_of(code), rendered(to_string(code), e.context()), ""};
  }
  if (e.category() == caf::atom("exit")) {
    const auto reason = static_cast<caf::exit_reason>(e.code());
    return {code_of(reason), rendered("exit_reason::" + to_string(reason), e.context()), ""};
  }
  return {fault_code::internal, rendered(caf::to_string(e), {}), ""};
}

} // namespace chasqui
