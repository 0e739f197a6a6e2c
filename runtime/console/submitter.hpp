#pragma once

#include "messages/interfaces.hpp"
#include "runtime/console/mailbox.hpp"
#include "runtime/console_format.hpp"

#include <caf/stateful_actor.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace chasqui {

/// What became of a submission.
enum class verdict : std::uint8_t {
  kept,
  refused,
  timed_out,
  gone ///< The daemon went away before it said.
};

/// The end of one ticket: the line to print.
struct settled {
  std::uint64_t ticket = 0;
  verdict how = verdict::kept;
  std::string line;
};

using settled_box = mailbox<settled>;

/// How to submit.
struct submit_order {
  gatekeeper_actor door;
  std::optional<stage> wanted; ///< Wait for this, too.
  std::chrono::milliseconds timeout{30'000};
  std::shared_ptr<settled_box> box;
};

struct submitter_state {
  struct open_ticket {
    std::uint64_t line = 0;
    std::string id;
    std::chrono::steady_clock::time_point deadline;
    std::optional<receipt> kept;
  };

  submit_order order;
  std::map<std::uint64_t, open_ticket> open;
  std::uint32_t unanswered = 0; ///< Requests that timed out since the last answer.
  bool gone = false;
  static inline const char* name = "submitter";
};

/// Takes `(ticket, line number, id, submission)`, and puts one `settled` a ticket into the box.
caf::behavior submitter(caf::stateful_actor<submitter_state>* self, submit_order order);

} // namespace chasqui
