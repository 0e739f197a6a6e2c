#pragma once

#include "actors/buffer_core.hpp"
#include "actors/shell.hpp"
#include "actors/store_pair.hpp"
#include "messages/interfaces.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace chasqui {

/// Those of a group that have been answered, and how many are left.
struct open_group {
  caf::typed_response_promise<group_outcome> promise;
  group_outcome outcome;
  std::size_t open = 0;
};

struct buffer_state {
  static inline const char* name = "buffer";
  std::optional<buffer_core> core;
  std::unique_ptr<store_pair> store;
  notifier_actor notifier;
  wall_clock wall;
  ticket next_ticket = 1;
  std::unordered_map<ticket, caf::typed_response_promise<receipt>> appends;
  std::map<ticket, open_group> groups; ///< By the ticket of their first.
  std::unordered_map<ticket, caf::typed_response_promise<reached>> waits;
  std::unordered_map<ticket, std::function<void(const caf::error&)>> reads; ///< What the store is asked for.
  std::vector<std::pair<std::string, caf::typed_response_promise<position>>> locates; ///< Wait for the store.
  bool renumbering = false;                          ///< A lane is being numbered anew.
  std::map<std::string, caf::actor_addr> takers;     ///< Who took a lane last.
  std::map<std::string, caf::actor_addr> forwarders; ///< Who brought a lane in step last.
  std::map<std::string, caf::actor_addr> dismissed;  ///< Those of before the numbers changed.
};

using buffer_shell = with_shell<buffer_actor>;

/// Keeps transactions in `stores`, in order, until the replica has them.
buffer_shell::behavior_type buffer(buffer_shell::stateful_pointer<buffer_state> self, log_stores stores,
                                   notifier_actor notifier, wall_clock wall,
                                   const std::vector<std::string>& lanes, buffer_limits limits);

} // namespace chasqui
