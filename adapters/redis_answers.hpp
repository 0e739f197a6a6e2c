#pragma once

#include "adapters/ports/shared_store.hpp"
#include "adapters/redis_reply.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

// What Redis says, in the words of `log_store`. Everything here takes a reply of any shape; nothing is read
// from one that is not as redis_scripts.hpp says.

/// Reads one value; false if the reply is none of that kind.
bool read_number(const redis_reply& reply, std::uint64_t& into);
bool read_time(const redis_reply& reply, instant& into);
bool read_id(const redis_reply& reply, uuid& into);

/// What an error reply means. `store_full`, `fenced`, `diverged`: Redis refused this one thing. Any other
/// code: there is no log behind this connection at present.
fault redis_fault(std::string_view address, std::string_view error);

/// The same for an append, where an error from the middle of the script means `outcome_unknown`.
fault redis_append_fault(std::string_view address, std::string_view error);

/// An append that nobody knows the outcome of; `what` happened to it.
fault redis_append_lost(std::string_view what);

/// A reply of a shape that no script of ours gives.
fault redis_misunderstood(std::string_view address);

/// Reads CONFIG GET's reply: what receipts may promise, and what the settings promise less than they should.
void read_redis_settings(std::string_view address, const redis_reply& reply, log_opened& into);

/// Reads the claim's reply: epoch, dead letters, marks of `lanes`, and by lane the size of the largest
/// payload that it may have. False if it is none.
bool read_claim(const redis_reply& reply, const std::vector<std::string>& lanes, log_opened& into,
                std::map<std::string, std::uint64_t>& largest);

/// Reads the append's reply into `slots`, which hold lane and time of the items. False if it is none.
bool read_slots(const redis_reply& reply, std::vector<append_slot>& slots);

std::optional<log_slice> read_slice(const redis_reply& reply, const take& what);

/// Reads what XRANGE gave: what follows `from_seq` without a gap, within `bytes_max`, the first one in any
/// case.
std::optional<log_slice> read_range(const redis_reply& reply, const take& what);

std::optional<log_place> read_place(const redis_reply& reply, const uuid& id);
std::optional<dead_page> read_dead_page(const redis_reply& reply);
std::optional<decisions_page> read_decisions_page(const redis_reply& reply);
std::optional<handover_page> read_handover_page(const redis_reply& reply);

/// A time as it is kept: microseconds since 1970.
std::string to_micros(const instant& at);

} // namespace chasqui
