// What the log in Redis does about dead letters.

#include "adapters/redis_script_parts.hpp"
#include "adapters/redis_scripts.hpp"

namespace chasqui {
namespace {

const char* const letters = R"lua(
local function letter(lane, seq)
  local f = redis.call('HMGET', letter_of(lane, seq), 'id', 'sqlstate', 'message', 'at', 'payload', 'behind', 'kept_at')
  if f[1] then return {lane, seq, f[1], f[2], f[3], f[4], f[5], f[6] or ''}, f[7] end
end
)lua";

// A letter of another one at this number is of before numbers were given anew. Who stands elsewhere by now is
// refused again as that number.
const char* const bury_body = R"lua(
local refusal = not_owner(ARGV[1])
if refusal then return refusal end
local lane, seq, id = ARGV[2], ARGV[3], ARGV[4]
local dead, here = letter_of(lane, seq), seq .. ':' .. lane
local other = redis.call('HGET', dead, 'id')
if other == id then return 0 end
local kept_id, kept_at, payload = entry(lane, seq)
if kept_id and kept_id ~= id then return redis.error_reply('MISMATCH the log has another transaction there') end
local known = redis.call('HGET', bucket_of(id), id)
if not kept_id and known and entry(place(known)) == id then
  return redis.error_reply('MISMATCH the log has this transaction as ' .. known)
end
redis.call('HSETNX', bucket_of(id), id, here)
if other and redis.call('HGET', bucket_of(other), other) == here then redis.call('HDEL', bucket_of(other), other) end
redis.call('DEL', dead)
redis.call('HSET', dead, 'id', id, 'sqlstate', ARGV[5], 'message', ARGV[6], 'at', ARGV[7],
           'kept_at', kept_at or '0', 'payload', payload or '', 'behind', ARGV[8])
redis.call('ZADD', prefix .. 'dead', ARGV[7], here)
return 1
)lua";

// A letter that is settled stands where the decision about it does, and is forgotten with it.
const char* const settle_body = R"lua(
local refusal = not_owner(ARGV[1])
if refusal then return refusal end
local lane, seq, at, decisions = ARGV[2], ARGV[3], ARGV[5], prefix .. 'decisions'
local here = seq .. ':' .. lane
local record = prefix .. 'decision:' .. here
local _, _, payload = entry(lane, seq)
redis.call('HSET', record, 'id', ARGV[4], 'at', at)
if payload then redis.call('HSET', record, 'payload', payload) end
redis.call('ZADD', decisions, at, here)
for i = 7, #ARGV, 4 do
  local id, stage, sqlstate, message = unpack(ARGV, i, i + 3)
  redis.call('HSET', record, id, stage .. ' ' .. sqlstate .. ' ' .. message)
  local where = redis.call('HGET', bucket_of(id), id)
  local dead = where and letter_of(place(where))
  if dead and redis.call('HGET', dead, 'id') == id then
    if stage == 'rejected' then
      redis.call('HSET', dead, 'sqlstate', sqlstate, 'message', message, 'behind', '')
    else
      redis.call('DEL', dead)
      redis.call('ZREM', prefix .. 'dead', where)
      redis.call('HSET', bucket_of(id), id, here)
      redis.call('ZADD', settled_of(lane), seq, id)
    end
  end
end
for _, old in ipairs(redis.call('ZRANGE', decisions, 0, -tonumber(ARGV[6]) - 1)) do
  redis.call('DEL', prefix .. 'decision:' .. old)
  redis.call('ZREM', decisions, old)
end
return 1
)lua";

const char* const find_body = R"lua(
local value = redis.call('HGET', bucket_of(ARGV[1]), ARGV[1])
if not value then return false end
local lane, seq = place(value)
local own, at, payload = entry(lane, seq)
local dead, kept_at = letter(lane, seq)
if dead and dead[3] == ARGV[1] then return {lane, seq, kept_at, dead[7], dead} end
if at and own ~= ARGV[1] then
  return redis.call('ZSCORE', settled_of(lane), ARGV[1]) and {lane, seq, at, payload, 'settled'}
end
if at then return {lane, seq, at, payload} end
return false
)lua";

const char* const list_dead_body = R"lua(
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

const char* const list_decisions_body = R"lua(
local answer, bytes = {}, 0
for _, here in ipairs(redis.call('ZREVRANGE', prefix .. 'decisions', 0, tonumber(ARGV[1]) - 1)) do
  local fields = redis.call('HGETALL', prefix .. 'decision:' .. here)
  local lane, seq = place(here)
  local found, settled = {}, {}
  for i = 1, #fields, 2 do
    bytes = bytes + #fields[i + 1]
    if #fields[i] == 16 then
      settled[#settled + 1] = {fields[i], fields[i + 1]}
    else
      found[fields[i]] = fields[i + 1]
    end
  end
  if bytes > tonumber(ARGV[2]) and #answer > 0 then break end
  answer[#answer + 1] = {lane, seq, found.id or '', found.at or '0', found.payload or '', settled}
end
return answer
)lua";

} // namespace

const std::string& redis_bury_script() {
  static const auto text = redis_script(makes_room, {redis_common, bury_body});
  return text;
}

const std::string& redis_settle_script() {
  static const auto text = redis_script(makes_room, {redis_common, settle_body});
  return text;
}

const std::string& redis_find_script() {
  static const auto text = redis_script(only_looks, {redis_common, letters, find_body});
  return text;
}

const std::string& redis_list_dead_script() {
  static const auto text = redis_script(only_looks, {redis_common, letters, list_dead_body});
  return text;
}

const std::string& redis_list_decisions_script() {
  static const auto text = redis_script(only_looks, {redis_common, list_decisions_body});
  return text;
}

} // namespace chasqui
