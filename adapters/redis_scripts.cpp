#include "adapters/redis_scripts.hpp"

#include "adapters/redis_script_parts.hpp"

namespace chasqui {
namespace {

// How many entries are fetched at once follows from their size, so that a log of large entries never has many
// of them in Lua's memory. `visit` may end it by returning true; the answer is whether a limit did.
const char* const scanning = R"lua(
local step_bytes_max = 4194304
local function scan(log, from, to, entries_max, bytes_max, visit)
  local seen, bytes, step = 0, 0, 4
  while seen < entries_max and bytes < bytes_max do
    local wanted = math.min(step, entries_max - seen)
    local part = redis.call('XRANGE', log, from, to, 'COUNT', wanted)
    for _, found in ipairs(part) do
      local fields = found[2]
      if visit(string.match(found[1], '^%d+'), fields[2], fields[4], fields[6] or '') then return false end
      seen = seen + 1
      bytes = bytes + #(fields[6] or '')
      from = '(' .. found[1]
    end
    if #part < wanted then return false end
    local average = math.max(1, bytes / seen)
    local room = math.min(bytes_max - bytes, step_bytes_max)
    step = math.max(1, math.min(100, math.floor(room / average)))
  end
  return true
end
)lua";

// The lease is reckoned by Redis' own clock. A clock that was set back makes no lease longer than it was
// given.
const char* const leases = R"lua(
local owner = prefix .. 'owner'
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function lease_for(ms)
  redis.call('HSET', owner, 'until', text(now_ms() + tonumber(ms)))
end
)lua";

const char* const claim_body = R"lua(
local me, lease_ms, dead = ARGV[2], ARGV[3], ARGV[4]
local held = redis.call('HMGET', owner, 'epoch', 'token', 'until')
local left = tonumber(held[3] or '0') - now_ms()
if left > 0 and held[2] ~= me and held[2] ~= dead then
  if left > tonumber(lease_ms) then lease_for(lease_ms) end
  return redis.error_reply('HELD ' .. held[2])
end
local epoch = text(math.max(tonumber(held[1] or '0') + 1, tonumber(ARGV[1])))
redis.call('HSET', owner, 'epoch', epoch, 'since', ARGV[1], 'token', me)
lease_for(lease_ms)

-- An emptied stream still knows its last id; a log that was moved here knows its head from its marks.
local function head_of(lane, marks)
  local last = 0
  if redis.call('EXISTS', log_of(lane)) == 1 then
    local info = redis.call('XINFO', 'STREAM', log_of(lane))
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then last = tonumber(string.match(info[i + 1], '^%d+')) end
    end
  end
  return math.max(last, tonumber(marks or '0'))
end

local answer = {epoch, redis.call('ZCARD', prefix .. 'dead')}
for i = 5, #ARGV do
  local lane = ARGV[i]
  local marks = redis.call('HMGET', marks_of(lane), 'head', 'committed', 'replicated', 'released')
  local head = head_of(lane, marks[1])
  if head > 0 then redis.call('HSET', marks_of(lane), 'head', text(head)) end
  local first = redis.call('XRANGE', log_of(lane), '-', '+', 'COUNT', 1)[1]
  first = first and string.match(first[1], '^%d+') or text(head + 1)
  local _, oldest_at = entry(lane, text(tonumber(marks[3] or '0') + 1))
  answer[#answer + 1] = {first, text(head), marks[2] or '0', marks[3] or '0', marks[4] or '0', oldest_at or '0',
                         text(largest_of(lane))}
end
return answer
)lua";

const char* const renew_body = R"lua(
local refusal = not_owner(ARGV[1])
if refusal then return refusal end
lease_for(ARGV[2])
return 1
)lua";

// The id is taken first and the entry added after it, so that one HSETNX both looks and writes. Should the
// server die on a bug between the two, the id points at nothing, and `kept` does not believe it.
const char* const append_body = R"lua(
local refusal = not_owner(ARGV[1])
if refusal then return refusal end

local function kept(bucket, id)
  local lane, seq = place(redis.call('HGET', bucket, id))
  local _, at = entry(lane, seq)
  at = at or redis.call('HGET', letter_of(lane, seq), 'kept_at')
  if at then return {lane, seq, at} end
end

-- The primary may have refused it before the runtime that had kept it could hand it over.
local function complete_letter(lane, seq, id, at, payload)
  local dead = letter_of(lane, seq)
  local known = redis.call('HMGET', dead, 'id', 'payload')
  if known[1] == id and known[2] == '' then redis.call('HSET', dead, 'payload', payload, 'kept_at', at) end
end

local heads, largest, answer = {}, {}, {}
for i = 2, #ARGV, 5 do
  local lane, id, at = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local head = heads[lane] or tonumber(redis.call('HGET', marks_of(lane), 'head') or '0')
  local seq = text(head + 1)
  local bucket, value = bucket_of(id), seq .. ':' .. lane
  local before = nil
  if redis.call('HSETNX', bucket, id, value) == 0 then
    before = kept(bucket, id)
    if before then complete_letter(before[1], before[2], id, at, ARGV[i + 3])
    else redis.call('HSET', bucket, id, value) end
  end
  if not before then
    if not heads[lane] then
      begin_notes(lane, head + 1)
      largest[lane] = largest_of(lane)
    end
    if #ARGV[i + 3] > largest[lane] then
      largest[lane] = #ARGV[i + 3]
      redis.call('HSET', marks_of(lane), 'largest', text(largest[lane]))
    end
    redis.call('XADD', log_of(lane), seq .. '-0', 'i', id, 't', at, 'p', ARGV[i + 3])
    head = head + 1
    note(lane, ARGV[i + 4], head)
    heads[lane] = head
  end
  answer[#answer + 1] = before or head
end
for lane, head in pairs(heads) do redis.call('HSET', marks_of(lane), 'head', text(head)) end
keep_notes()
return answer
)lua";

const char* const read_body = R"lua(
local lane, from, entries_max, bytes_max = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local answer, next_seq, bytes, missing_to = {{}}, from, 0, nil
scan(log_of(lane), text(from) .. '-0', '+', entries_max, bytes_max, function(seq, id, at, payload)
  if tonumber(seq) ~= next_seq then
    if next_seq == from then missing_to = text(tonumber(seq) - 1) end
    return true
  end
  bytes = bytes + #payload
  if bytes > bytes_max and next_seq > from then return true end
  answer[#answer + 1] = {id, at, payload}
  next_seq = next_seq + 1
end)
if #answer == 1 and not missing_to then
  local head = redis.call('HGET', marks_of(lane), 'head')
  if head and tonumber(head) >= from then missing_to = head end
end
if missing_to then return {text(from), missing_to} end
return answer
)lua";

// A dead letter keeps its id, so that it is found, and recognised when it is submitted again.
const char* const mark_body = R"lua(
local refusal = not_owner(ARGV[1])
if refusal then return refusal end
local lane, log, marks = ARGV[2], log_of(ARGV[2]), marks_of(ARGV[2])
if ARGV[6] then
  local head = math.max(tonumber(ARGV[6]), tonumber(redis.call('HGET', marks, 'head') or '0'))
  redis.call('HSET', marks, 'head', text(head), 'committed', ARGV[7], 'replicated', ARGV[8], 'released', ARGV[9])
end

local any_dead, last = redis.call('EXISTS', prefix .. 'dead') == 1, nil
local more = scan(log, '-', ARGV[3] .. '-0', tonumber(ARGV[4]), tonumber(ARGV[5]), function(seq, id)
  if not (any_dead and redis.call('EXISTS', letter_of(lane, seq)) == 1) then
    redis.call('HDEL', bucket_of(id), id)
  end
  last = seq
end)
if last then
  redis.call('XTRIM', log, 'MINID', '=', text(tonumber(last) + 1))
  for _, id in ipairs(redis.call('ZRANGE', settled_of(lane), '-inf', last, 'BYSCORE', 'LIMIT', 0, ARGV[4])) do
    redis.call('HDEL', bucket_of(id), id)
    redis.call('ZREM', settled_of(lane), id)
  end
  trim_index(lane, last)
end
return more and 1 or 0
)lua";

// From the end backwards, so that a lane that was cut off in between is shorter, and nothing else.
const char* const adopt_body = R"lua(
local refusal = not_owner(ARGV[1])
if refusal then return refusal end
local lane, log, marks, head = ARGV[2], log_of(ARGV[2]), marks_of(ARGV[2]), ARGV[3]
local beyond = redis.call('XREVRANGE', log, '+', '(' .. head .. '-0', 'COUNT', ARGV[7])
for _, found in ipairs(beyond) do
  local id = found[2][2]
  local bucket = bucket_of(id)
  if redis.call('HGET', bucket, id) == string.match(found[1], '^%d+') .. ':' .. lane then
    redis.call('HDEL', bucket, id)
  end
  redis.call('XDEL', log, found[1])
end
if #beyond == tonumber(ARGV[7]) then return 1 end
cut_index(lane, tonumber(head), tonumber(redis.call('HGET', marks, 'head') or '0'))
if redis.call('XLEN', log) == 0 then
  redis.call('DEL', log)
  trim_index(lane, '+inf')
else
  redis.call('XSETID', log, head .. '-0', 'ENTRIESADDED', head, 'MAXDELETEDID', head .. '-0')
end
redis.call('HSET', marks, 'head', head, 'committed', ARGV[4], 'replicated', ARGV[5], 'released', ARGV[6])
return 0
)lua";

const char* const import_body = R"lua(
local refusal = not_owner(ARGV[1])
if refusal then return refusal end
local lane, log, marks = ARGV[2], log_of(ARGV[2]), marks_of(ARGV[2])
local head = redis.call('HGET', marks, 'head') or '0'
local seq = tonumber(ARGV[3])
if tonumber(head) ~= seq - 1 then
  return redis.error_reply('MISMATCH lane ' .. lane .. ' ends at ' .. head .. ', not before ' .. ARGV[3])
end
begin_notes(lane, seq)
local largest = largest_of(lane)
for i = 4, #ARGV, 4 do
  if #ARGV[i + 2] > largest then
    largest = #ARGV[i + 2]
    redis.call('HSET', marks, 'largest', text(largest))
  end
  redis.call('HSET', bucket_of(ARGV[i]), ARGV[i], text(seq) .. ':' .. lane)
  redis.call('XADD', log, text(seq) .. '-0', 'i', ARGV[i], 't', ARGV[i + 1], 'p', ARGV[i + 2])
  note(lane, ARGV[i + 3], seq)
  seq = seq + 1
end
keep_notes()
redis.call('HSET', marks, 'head', text(seq - 1))
return seq - 1
)lua";

// All at once, however many: half of it would be a lane in two pieces.
const char* const renumber_body = R"lua(
local refusal = not_owner(ARGV[1])
if refusal then return refusal end
local lane, log, marks, first = ARGV[2], log_of(ARGV[2]), marks_of(ARGV[2]), tonumber(ARGV[3])
local head = redis.call('HGET', marks, 'head') or '0'
if first <= tonumber(head) then
  return redis.error_reply('MISMATCH lane ' .. lane .. ' ends at ' .. head .. ', not before ' .. ARGV[3])
end
local dead, seq = prefix .. 'dead', first
local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
oldest = oldest and tonumber(string.match(oldest[1], '^%d+'))
scan(log, '-', head .. '-0', math.huge, math.huge, function(old, id, at, payload)
  local now, was = text(seq) .. ':' .. lane, old .. ':' .. lane
  redis.call('XADD', log, text(seq) .. '-0', 'i', id, 't', at, 'p', payload)
  redis.call('HSET', bucket_of(id), id, now)
  if redis.call('EXISTS', letter_of(lane, old)) == 1 then
    redis.call('RENAME', letter_of(lane, old), letter_of(lane, text(seq)))
    redis.call('ZADD', dead, redis.call('ZSCORE', dead, was), now)
    redis.call('ZREM', dead, was)
  end
  seq = seq + 1
end)
redis.call('XTRIM', log, 'MINID', '=', text(first) .. '-0')
if oldest and seq - first == tonumber(head) - oldest + 1 then
  shift_index(lane, first - oldest, tonumber(head))
else
  lose_index(lane, seq)
end
redis.call('HSET', marks, 'head', text(seq - 1))
return seq - 1
)lua";

} // namespace

const std::string& redis_claim_script() {
  static const auto text = redis_script(makes_room, {redis_common, leases, claim_body});
  return text;
}

const std::string& redis_renew_script() {
  static const auto text = redis_script(makes_room, {redis_common, leases, renew_body});
  return text;
}

const std::string& redis_append_script() {
  static const auto text = redis_script(ordinary, {redis_common, redis_noting, append_body});
  return text;
}

const std::string& redis_read_script() {
  static const auto text = redis_script(only_looks, {redis_common, scanning, read_body});
  return text;
}

const std::string& redis_mark_script() {
  static const auto text =
      redis_script(makes_room, {redis_common, redis_index, redis_unnoting, scanning, mark_body});
  return text;
}

const std::string& redis_adopt_script() {
  static const auto text = redis_script(makes_room, {redis_common, redis_index, redis_unnoting, adopt_body});
  return text;
}

const std::string& redis_import_script() {
  static const auto text = redis_script(ordinary, {redis_common, redis_noting, import_body});
  return text;
}

const std::string& redis_renumber_script() {
  static const auto text =
      redis_script(ordinary, {redis_common, redis_index, redis_unnoting, scanning, renumber_body});
  return text;
}

} // namespace chasqui
