#pragma once

#include "tests/unit/buffer_desk.hpp"

namespace chasqui {

using namespace std::chrono_literals;

inline committed done(seqno seq, std::uint64_t flushed = 1) { return {"main", seq, {flushed}, 1}; }
inline rejected letter(seqno seq) { return {"main", seq, {0, seq}, "23505", "twice", {}}; }
inline log_place place(seqno seq) { return {{}, "main", seq, instant{1s}, "{}", false, {}}; }
inline await of_transaction(stage s, std::chrono::milliseconds timeout = 30s) {
  return {condition::transaction, {0, 1}, s, timeout};
}
inline await drained() { return {condition::drained, {}, {}, 30s}; }

/// A desk whose entries are committed, replicated and refused as the test says.
struct marked_desk : buffer_desk {
  void commit(seqno seq) { obey(core.on_committed(done(seq), at())); }
  void replicate(seqno seq) { obey(core.on_replicated({"main", seq}, at())); }
  void reject(seqno seq) { obey(core.on_rejected(letter(seq), at())); }
  void buried(seqno seq, fault_code code = fault_code::none) {
    burying.clear();
    obey(core.on_buried(letter(seq), {code, "", ""}, at()));
  }
  [[nodiscard]] stage stage_of(seqno seq) const { return core.tell({0, seq}, place(seq)).stage; }
};

} // namespace chasqui
