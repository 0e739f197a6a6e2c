#include "adapters/redis_script_parts.hpp"

namespace chasqui {

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
const char* const redis_common = R"lua(
local prefix = KEYS[1]

local function text(n) return string.format('%.0f', n) end

local function bucket_of(id)
  local a, b, c, d = struct.unpack('>I4I4I4I4', id)
  local x = bit.bxor(a, b, c, d)
  return prefix .. 'ids:' .. bit.band(bit.bxor(x, bit.rshift(x, 15)), 32767)
end

local function log_of(lane) return prefix .. 'log:' .. lane end
local function marks_of(lane) return prefix .. 'marks:' .. lane end
local function tail_of(lane) return prefix .. 'tail:' .. lane end
local function settled_of(lane) return prefix .. 'settled:' .. lane end
local function letter_of(lane, seq) return prefix .. 'dead:' .. lane .. ':' .. seq end

local function place(value)
  local seq, lane = string.match(value, '^(%d+):(.*)$')
  return lane, seq
end

local function entry(lane, seq)
  local found = redis.call('XRANGE', log_of(lane), seq .. '-0', seq .. '-0')[1]
  if found then return found[2][2], found[2][4], found[2][6] end
end

-- The size of the largest payload that a lane may have, in bytes: how many entries may be read at once, as they
-- are, follows from it. A log from before this was noted may have any.
local function largest_of(lane)
  local noted = redis.call('HGET', marks_of(lane), 'largest')
  if noted then return tonumber(noted) end
  return redis.call('XLEN', log_of(lane)) == 0 and 0 or 16777216
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

std::string redis_script(const char* flags, std::initializer_list<const char*> parts) {
  std::string text = std::string{"#!lua"} + flags + "\n";
  for (const char* part : parts)
    text += part;
  return text;
}

} // namespace chasqui
