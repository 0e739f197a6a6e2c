#include "adapters/redis_scripts.hpp"

namespace chasqui {
namespace {

// Lua's own number format has 14 digits and an exponent, hence `text`.
//
// Ids lie in 32768 small hashes instead of a large one because Redis keeps a hash of up to 128 fields
// (hash-max-listpack-entries) as one packed block: 30 bytes an id and about 100 a bucket, against some 130 an
// id in a hash table; and a block of that size takes no time to speak of to search. All in all an entry costs
// 106 bytes beyond its payload in a log of 100,000, and 80 in one of a million. Up to about three million
// entries the buckets stay below 128; beyond that they become hash tables one by one, which costs memory and
// nothing else. Fewer buckets would overflow earlier, more would weigh on a small log. The bucket is made of
// all 128 bits, as UUIDs of different versions are random in different places. It may never change: it says
// where to find what is stored.
const char* const common = R"lua(
local prefix = KEYS[1]

local function text(n) return string.format('%.0f', n) end

local function bucket_of(id)
  local a, b, c, d = struct.unpack('>I4I4I4I4', id)
  local x = bit.bxor(a, b, c, d)
  return prefix .. 'ids:' .. bit.band(bit.bxor(x, bit.rshift(x, 15)), 32767)
end

local function log_of(lane) return prefix .. 'log:' .. lane end
local function marks_of(lane) return prefix .. 'marks:' .. lane end
local function letter_of(lane, seq) return prefix .. 'dead:' .. lane .. ':' .. seq end

local function place(value)
  local seq, lane = string.match(value, '^(%d+):(.*)$')
  return lane, seq
end

local function entry(lane, seq)
  local found = redis.call('XRANGE', log_of(lane), seq .. '-0', seq .. '-0')[1]
  if found then return found[2][2], found[2][4], found[2][6] end
end

local function not_owner(epoch)
  local owner = redis.call('HGET', prefix .. 'owner', 'epoch')
  if owner == epoch then return nil end
  if owner and tonumber(owner) > tonumber(epoch) then
    return redis.error_reply('FENCED ' .. owner)
  end
  return redis.error_reply('WIPED the claim with epoch ' .. epoch .. ' is gone')
end
)lua";

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

const char* const letters = R"lua(
local function letter(lane, seq)
  local f = redis.call('HMGET', letter_of(lane, seq), 'id', 'sqlstate', 'message', 'at', 'payload', 'kept_at')
  if f[1] then return {lane, seq, f[1], f[2], f[3], f[4], f[5]}, f[6] end
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

const char* const claim = R"lua(
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
  answer[#answer + 1] = {first, text(head), marks[2] or '0', marks[3] or '0', marks[4] or '0', oldest_at or '0'}
end
return answer
)lua";

const char* const renew = R"lua(
local refusal = not_owner(ARGV[1])
if refusal then return refusal end
lease_for(ARGV[2])
return 1
)lua";

// The id is taken first and the entry added after it, so that one HSETNX both looks and writes. Should the
// server die on a bug between the two, the id points at nothing, and `kept` does not believe it.
const char* const append = R"lua(
local refusal = not_owner(ARGV[1])
if refusal then return refusal end

local function kept(bucket, id)
  local lane, seq = place(redis.call('HGET', bucket, id))
  local _, at = entry(lane, seq)
  at = at or redis.call('HGET', letter_of(lane, seq), 'kept_at')
  if at then return {lane, seq, at} end
end

local heads, answer = {}, {}
for i = 2, #ARGV, 4 do
  local lane, id, at = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local head = heads[lane] or tonumber(redis.call('HGET', marks_of(lane), 'head') or '0')
  local seq = text(head + 1)
  local bucket, value = bucket_of(id), seq .. ':' .. lane
  local before = nil
  if redis.call('HSETNX', bucket, id, value) == 0 then
    before = kept(bucket, id)
    if not before then redis.call('HSET', bucket, id, value) end
  end
  if not before then
    redis.call('XADD', log_of(lane), seq .. '-0', 'i', id, 't', at, 'p', ARGV[i + 3])
    head = head + 1
    heads[lane] = head
  end
  answer[#answer + 1] = before or head
end
for lane, head in pairs(heads) do redis.call('HSET', marks_of(lane), 'head', text(head)) end
return answer
)lua";

const char* const read = R"lua(
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
const char* const mark = R"lua(
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
if last then redis.call('XTRIM', log, 'MINID', '=', text(tonumber(last) + 1)) end
return more and 1 or 0
)lua";

// From the end backwards, so that a lane that was cut off in between is shorter, and nothing else.
const char* const adopt = R"lua(
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
if redis.call('XLEN', log) == 0 then
  redis.call('DEL', log)
else
  redis.call('XSETID', log, head .. '-0', 'ENTRIESADDED', head, 'MAXDELETEDID', head .. '-0')
end
redis.call('HSET', marks, 'head', head, 'committed', ARGV[4], 'replicated', ARGV[5], 'released', ARGV[6])
return 0
)lua";

const char* const import = R"lua(
local refusal = not_owner(ARGV[1])
if refusal then return refusal end
local lane, log, marks = ARGV[2], log_of(ARGV[2]), marks_of(ARGV[2])
local head = redis.call('HGET', marks, 'head') or '0'
local seq = tonumber(ARGV[3])
if tonumber(head) ~= seq - 1 then
  return redis.error_reply('MISMATCH lane ' .. lane .. ' ends at ' .. head .. ', not before ' .. ARGV[3])
end
for i = 4, #ARGV, 3 do
  redis.call('HSET', bucket_of(ARGV[i]), ARGV[i], text(seq) .. ':' .. lane)
  redis.call('XADD', log, text(seq) .. '-0', 'i', ARGV[i], 't', ARGV[i + 1], 'p', ARGV[i + 2])
  seq = seq + 1
end
redis.call('HSET', marks, 'head', text(seq - 1))
return seq - 1
)lua";

// All at once, however many: half of it would be a lane in two pieces.
const char* const renumber = R"lua(
local refusal = not_owner(ARGV[1])
if refusal then return refusal end
local lane, log, marks, first = ARGV[2], log_of(ARGV[2]), marks_of(ARGV[2]), tonumber(ARGV[3])
local head = redis.call('HGET', marks, 'head') or '0'
if first <= tonumber(head) then
  return redis.error_reply('MISMATCH lane ' .. lane .. ' ends at ' .. head .. ', not before ' .. ARGV[3])
end
local dead, seq = prefix .. 'dead', first
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
redis.call('HSET', marks, 'head', text(seq - 1))
return seq - 1
)lua";

const char* const bury = R"lua(
local refusal = not_owner(ARGV[1])
if refusal then return refusal end
local lane, seq, id = ARGV[2], ARGV[3], ARGV[4]
local dead = letter_of(lane, seq)
if redis.call('EXISTS', dead) == 1 then return 0 end
local kept_id, kept_at, payload = entry(lane, seq)
if kept_id and kept_id ~= id then return redis.error_reply('MISMATCH the log has another transaction there') end
if not kept_id then redis.call('HSETNX', bucket_of(id), id, seq .. ':' .. lane) end
redis.call('HSET', dead, 'id', id, 'sqlstate', ARGV[5], 'message', ARGV[6], 'at', ARGV[7],
           'kept_at', kept_at or '0', 'payload', payload or '')
redis.call('ZADD', prefix .. 'dead', ARGV[7], seq .. ':' .. lane)
return 1
)lua";

const char* const find = R"lua(
local value = redis.call('HGET', bucket_of(ARGV[1]), ARGV[1])
if not value then return false end
local lane, seq = place(value)
local _, at, payload = entry(lane, seq)
local dead, kept_at = letter(lane, seq)
if dead and dead[3] == ARGV[1] then return {lane, seq, kept_at, dead[7], dead} end
if at then return {lane, seq, at, payload} end
return false
)lua";

const char* const list_dead = R"lua(
local answer, bytes = {redis.call('ZCARD', prefix .. 'dead')}, 0
local which
if ARGV[1] == '' then
  which = redis.call('ZRANGE', prefix .. 'dead', 0, tonumber(ARGV[2]) - 1)
else
  which = {redis.call('HGET', bucket_of(ARGV[1]), ARGV[1]) or nil}
end
for _, value in ipairs(which) do
  local found = letter(place(value))
  if found then
    bytes = bytes + #found[7]
    if bytes > tonumber(ARGV[3]) and #answer > 1 then break end
    answer[#answer + 1] = found
  end
end
return answer
)lua";

std::string script(const char* flags, std::initializer_list<const char*> parts) {
  std::string text = std::string{"#!lua"} + flags + "\n";
  for (const char* part : parts)
    text += part;
  return text;
}

const char* const ordinary = "";
const char* const makes_room = " flags=allow-oom";
const char* const only_looks = " flags=no-writes";

} // namespace

const std::string& redis_claim_script() {
  static const auto text = script(makes_room, {common, leases, claim});
  return text;
}

const std::string& redis_renew_script() {
  static const auto text = script(makes_room, {common, leases, renew});
  return text;
}

const std::string& redis_append_script() {
  static const auto text = script(ordinary, {common, append});
  return text;
}

const std::string& redis_read_script() {
  static const auto text = script(only_looks, {common, scanning, read});
  return text;
}

const std::string& redis_mark_script() {
  static const auto text = script(makes_room, {common, scanning, mark});
  return text;
}

const std::string& redis_adopt_script() {
  static const auto text = script(makes_room, {common, adopt});
  return text;
}

const std::string& redis_import_script() {
  static const auto text = script(ordinary, {common, import});
  return text;
}

const std::string& redis_renumber_script() {
  static const auto text = script(ordinary, {common, scanning, renumber});
  return text;
}

const std::string& redis_bury_script() {
  static const auto text = script(makes_room, {common, bury});
  return text;
}

const std::string& redis_find_script() {
  static const auto text = script(only_looks, {common, letters, find});
  return text;
}

const std::string& redis_list_dead_script() {
  static const auto text = script(only_looks, {common, letters, list_dead});
  return text;
}

} // namespace chasqui
