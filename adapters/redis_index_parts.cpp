// The index of the log in Redis: by a term to the entries that it finds. Postings of the last entries stand
// in the tail, as they came; those of entries before in segments, which are sorted (index_segment.hpp). Both
// go as a whole.

#include "adapters/redis_script_parts.hpp"

namespace chasqui {

const char* const redis_index = R"lua(
local posting_bytes, table_bytes = 10, 4100

local function segments_of(lane) return prefix .. 'segments:' .. lane end
local function segment_of(lane, name) return prefix .. 'segment:' .. lane .. ':' .. string.match(name, '^%d+') end
local function base_of(name) return tonumber(string.match(name, '%d+$')) end

-- A posting in the tail has the lower half of a seq.
local function seq_in(tail, at, head)
  return head - (head - struct.unpack('>I4', tail, at + 6)) % 4294967296
end
)lua";

const char* const redis_noting = R"lua(
local noted = {}

-- Before an entry is added: what is no tail is refused while nothing has been written.
local function begin_notes(lane, seq)
  redis.call('STRLEN', tail_of(lane))
  redis.call('HSETNX', marks_of(lane), 'index_from', text(seq))
  noted[lane] = {}
end

local function note(lane, terms, seq)
  local postings = noted[lane]
  local low, n = struct.pack('>I4', seq % 4294967296), #postings
  for i = 1, #terms, 8 do
    postings[n + 1], postings[n + 2] = string.sub(terms, i, i + 5), low
    n = n + 2
  end
end

local function keep_notes()
  for lane, postings in pairs(noted) do
    if #postings > 0 then redis.call('APPEND', tail_of(lane), table.concat(postings)) end
  end
end
)lua";

const char* const redis_unnoting = R"lua(
local function drop_segment(lane, name)
  redis.call('UNLINK', segment_of(lane, name))
  redis.call('ZREM', segments_of(lane), name)
end

local function drop_segments(lane, through)
  for _, name in ipairs(redis.call('ZRANGE', segments_of(lane), '-inf', through, 'BYSCORE')) do
    drop_segment(lane, name)
  end
end

-- Segments go with the last entry that they find, the tail with the last one of the log.
local function trim_index(lane, through)
  drop_segments(lane, through)
  if redis.call('XLEN', log_of(lane)) == 0 then redis.call('UNLINK', tail_of(lane)) end
end

-- Entries behind `head` have gone; the last one was `before`.
local function cut_index(lane, head, before)
  local segments, through = redis.call('ZRANGE', segments_of(lane), 0, -1, 'WITHSCORES'), 0
  for i = 1, #segments, 2 do
    local is_behind = through >= head
    through = tonumber(segments[i + 1])
    if is_behind then
      drop_segment(lane, segments[i])
    elseif through > head then
      redis.call('ZADD', segments_of(lane), text(head), segments[i])
    end
  end
  local tail = redis.call('GET', tail_of(lane)) or ''
  local size = #tail
  while size > 0 and seq_in(tail, size - posting_bytes + 1, before) > head do size = size - posting_bytes end
  if size == 0 then
    redis.call('UNLINK', tail_of(lane))
  elseif size < #tail then
    redis.call('SET', tail_of(lane), string.sub(tail, 1, size))
  end
end

-- Every entry has got a number that is larger by `by`; the last one was `before`.
local function shift_index(lane, by, before)
  local segments = redis.call('ZRANGE', segments_of(lane), 0, -1, 'WITHSCORES')
  for i = 1, #segments, 2 do
    local name = string.match(segments[i], '^%d+:') .. text(base_of(segments[i]) + by)
    redis.call('ZREM', segments_of(lane), segments[i])
    redis.call('ZADD', segments_of(lane), text(tonumber(segments[i + 1]) + by), name)
  end
  local tail, shifted = redis.call('GET', tail_of(lane)) or '', {}
  for at = 1, #tail, posting_bytes do
    local seq = seq_in(tail, at, before) + by
    shifted[#shifted + 1] = string.sub(tail, at, at + 5) .. struct.pack('>I4', seq % 4294967296)
  end
  if tail ~= '' then redis.call('SET', tail_of(lane), table.concat(shifted)) end
  local from = redis.call('HGET', marks_of(lane), 'index_from')
  if from then redis.call('HSET', marks_of(lane), 'index_from', text(tonumber(from) + by)) end
end

-- Nothing before `from` is in the index any more.
local function lose_index(lane, from)
  drop_segments(lane, '+inf')
  redis.call('UNLINK', tail_of(lane))
  redis.call('HSET', marks_of(lane), 'index_from', text(from))
end
)lua";

} // namespace chasqui
