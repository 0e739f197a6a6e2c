#pragma once

#include <string>

namespace chasqui {

// The log's operations inside Redis, in Lua, each atomic. KEYS[1] is always `chasqui:{site}:`; a number in a
// reply may be an integer or a string of digits. They are sent whole with EVAL, 3 to 7 KiB a call: there is
// no state "not loaded yet" to recover from, and so nothing that could reorder two appends.
//
// clang-format off
//   owner                  hash: epoch, since (ms), token (who), until (ms of Redis' clock: the end of the lease)
//   log:<lane>             stream: entry `<seq>-0` with i (id, 16 bytes), t (when kept, microseconds), p (payload)
//   marks:<lane>           hash: head, committed, replicated, released, largest (payload, in bytes), index_from (the first
//                          entry in the index), segments (how many there have been)
//   tail:<lane>            string: the index of the last entries; its form is in index_segment.hpp
//   segments:<lane>        sorted set: `<number>:<base>` of each segment of the index by the last entry it finds
//   segment:<lane>:<number> string: the index of entries before the tail's; its form is in index_segment.hpp
//   ids:<bucket>           hash: id (16 bytes) -> `<seq>:<lane>`
//   dead                   sorted set: `<seq>:<lane>` by the time of its refusal
//   dead:<lane>:<seq>      hash: id, sqlstate, message, at, kept_at, payload, behind (ids)
//   settled:<lane>         sorted set: ids of letters that a decision has settled, by the decision's seq
//   handover               stream: l (lane), i, t, p of entries that a runtime is left with that owns the log no more
//   decisions              sorted set: `<seq>:<lane>` of decisions by the time they were carried out
//   decision:<seq>:<lane>  hash: id, at, payload, and by the id of each letter `stage sqlstate message`
// clang-format on
//
// A script that fails in the middle is not rolled back. Redis therefore checks before it starts one: without
// `allow-oom` it is refused as a whole when memory is short, and what writes is refused as a whole when the
// disk fails. What makes room is allowed when memory is short.

/// now_ms, token, lease_ms, token of an owner that is known to be dead or "", lane... -> {epoch, dead
/// letters, {first, head, committed, replicated, released, oldest_at}...}
const std::string& redis_claim_script();

/// epoch, lease_ms -> 1
const std::string& redis_renew_script();

/// epoch, {lane, id, at, payload, terms}... -> {seq, or {lane, seq, at} for a repeated id}...
const std::string& redis_append_script();

/// lane, from_seq, entries_max, bytes_max -> {first missing, last missing} or {{}, {id, at, payload}...}
const std::string& redis_read_script();

/// lane, to_seq, cost_max, bytes_max, terms, the first seq that each of them is to find... ->
/// {first, head, indexed_from, terms that go on, {the seq at which each of them does}, {seq, id, at,
/// payload}...}, the entries in any order
const std::string& redis_look_up_script();

/// epoch, lane, trim_through, entries_max, bytes_max and, unless they are saved already,
/// head, committed, replicated, released -> 1 if there may be more to trim, else 0
const std::string& redis_mark_script();

/// lane, tail_max, room, small_max (all bytes of postings) -> {"tail", head, size, its first bytes, `room` at
/// most} of a tail of `tail_max` or more; or {"segments", {name, through, bytes}...} of the last ones that
/// are small, if they have more than `room`: as many of them as fit; or {}
const std::string& redis_untidy_script();

/// epoch, lane, through, segment, how many bytes of the tail it stands for, the last posting of these, names
/// of the segments that it replaces... -> 1, or 0 if tail or segments are not what they were
const std::string& redis_tidy_script();

/// epoch, lane, head, committed, replicated, released, entries_max -> 1 if there is more to remove, else 0
const std::string& redis_adopt_script();

/// epoch, lane, from_seq, {id, at, payload, terms}... -> head
const std::string& redis_import_script();

/// epoch, lane, first -> head
const std::string& redis_renumber_script();

/// lane, {id, at, payload}... -> 1
const std::string& redis_hand_over_script();

/// entries_max, bytes_max -> {name, lane, id, at, payload}...
const std::string& redis_take_handover_script();

/// epoch, name of the last one -> 1
const std::string& redis_end_handover_script();

/// epoch, lane, seq, id, sqlstate, message, at, behind -> 1, or 0 if it was buried before
const std::string& redis_bury_script();

/// epoch, lane, seq, id, at, decisions_max, {id, stage, sqlstate, message}... -> 1
const std::string& redis_settle_script();

/// id -> nil or {lane, seq, at, payload} or, of the decision that settled it, {lane, seq, at, payload,
/// "settled"} or {lane, seq, at, payload, letter}
/// with letter = {lane, seq, id, sqlstate, message, at, payload, behind}
const std::string& redis_find_script();

/// id or "", entries_max, bytes_max -> {total, letter...}
const std::string& redis_list_dead_script();

/// entries_max, bytes_max -> {lane, seq, id, at, payload, {{id, `stage sqlstate message`}...}}...
const std::string& redis_list_decisions_script();

} // namespace chasqui
