#pragma once

#include "actors/moment.hpp"
#include "messages/fault.hpp"
#include "messages/status.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

namespace chasqui {

/// How long to stay away from a link that failed: exponential, with full jitter.
struct backoff_policy {
  std::chrono::milliseconds min{200};
  std::chrono::milliseconds max{15'000};
  std::chrono::milliseconds stable{30'000}; ///< A link that held so long starts again from `min`.
};

/// The phases of the link. Each knows since when, and after how many attempts in a row.
namespace phase {
struct connecting {
  moment since;
  std::uint32_t attempt = 1;
  fault why = {}; ///< Of the attempt before; none for the first.
};
struct streaming {
  moment since;
  std::uint32_t attempt = 1;
};
struct backing_off {
  moment since;
  std::uint32_t attempt = 1;
  moment until;
  fault why;
};
struct paused {
  moment since;
  std::string reason;
};
struct fenced {
  moment since;
  fault why;
};
struct diverged {
  moment since;
  fault why;
};
} // namespace phase

using link_lifecycle = std::variant<phase::connecting, phase::streaming, phase::backing_off, phase::paused,
                                    phase::fenced, phase::diverged>;

/// What can happen to a link.
namespace link_input {
struct opened {}; ///< The session stands.
struct failed {   ///< The forwarder quit.
  fault why;
  double jitter = 1.0; ///< Uniform in 0..1, drawn by the caller.
};
struct time_passed {};
struct heard {}; ///< A sign of life.
struct pause {
  std::string reason;
};
struct resume {};
struct restarted {}; ///< The forwarder was stopped for a fault elsewhere, and starts again.
} // namespace link_input

using link_event =
    std::variant<link_input::opened, link_input::failed, link_input::time_passed, link_input::heard,
                 link_input::pause, link_input::resume, link_input::restarted>;

/// The phase that follows; every pair that is not named leaves the phase as it is.
link_lifecycle next_phase(const link_lifecycle& now_in, const link_event& what, moment now,
                          const backoff_policy& policy);

/// The phase as people are told of it: a link that failed is `backing_off` until it works again, with its
/// reason, also while another attempt is under way.
link_status describe(const link_lifecycle& now_in);

/// Whether a forwarder runs in this phase.
bool is_running(const link_lifecycle& now_in);

} // namespace chasqui
