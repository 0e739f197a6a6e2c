// The index of the log in Redis: by a term to the last entry that it finds, and from each entry to the one
// before. It is written and removed with the entries; what has gone is the end of a chain.

#include "adapters/id_bytes.hpp"
#include "adapters/redis_answers.hpp"
#include "adapters/redis_script_parts.hpp"
#include "adapters/redis_scripts.hpp"
#include "adapters/redis_session.hpp"
#include "messages/index_terms.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace chasqui {

// A link is a term and how far back its entry before lies, 0 for none, in 12 bytes. That costs an entry 12
// bytes a term, and the store about 30 bytes for each term that is the only one of its kind.
const char* const redis_index = R"lua(
local link_bytes = 12

local function heads_of(term)
  local _, low = struct.unpack('>I4I4', term)
  return prefix .. 'terms:' .. bit.band(low, 32767)
end

local function index_begins(lane, seq) redis.call('HSETNX', marks_of(lane), 'indexed', seq) end

-- Entries of one script share most of their terms (their table, their parents): each is asked for once, and
-- written once, by `keep_ends`. Of the others, most are new: these take one call.
local ends, moved = {}, {}

local function link(terms, seq)
  local links = {}
  for i = 1, #terms, 8 do
    local term = string.sub(terms, i, i + 7)
    local before = ends[term]
    if before then
      moved[term] = true
    elseif redis.call('HSETNX', heads_of(term), term, seq) == 1 then
      before = seq
    else
      before = redis.call('HGET', heads_of(term), term)
      moved[term] = true
    end
    ends[term] = seq
    local back = tonumber(seq) - tonumber(before)
    links[#links + 1] = term .. struct.pack('>I4', back < 4294967296 and back or 0)
  end
  return table.concat(links)
end

local function keep_ends()
  for term in pairs(moved) do redis.call('HSET', heads_of(term), term, ends[term]) end
end

local function terms_in(links)
  local terms = {}
  for i = 1, #links, link_bytes do terms[#terms + 1] = string.sub(links, i, i + 7) end
  return table.concat(terms)
end

-- Either everything before it has gone already, or, when a log is cut off at its end, nothing has.
local function unlink(links, seq, from_the_end)
  for i = 1, #links, link_bytes do
    local term = string.sub(links, i, i + 7)
    if ends[term] == nil then ends[term] = redis.call('HGET', heads_of(term), term) end
    if ends[term] == seq then
      local back = from_the_end and struct.unpack('>I4', links, i + 8) or 0
      ends[term] = back > 0 and text(tonumber(seq) - back)
      if back > 0 then
        redis.call('HSET', heads_of(term), term, ends[term])
      else
        redis.call('HDEL', heads_of(term), term)
      end
    end
  end
end
)lua";

namespace {

constexpr std::uint64_t lookup_bytes_max = 16U << 20U;
constexpr std::uint64_t lookup_entries_max = 10'000;

const char* const look_up_body = R"lua(
local lane, log, from, to = ARGV[1], log_of(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local entries_max, bytes_max, terms = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local marks = redis.call('HMGET', marks_of(lane), 'head', 'indexed')
local head = tonumber(marks[1] or '0')
local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
local answer = {oldest and string.match(oldest[1], '^%d+') or text(head + 1), text(head), marks[2] or text(head + 1), 0}
local seen, entries, bytes = {}, 0, 0

local function back_from(links, term)
  for i = 1, #links, link_bytes do
    if string.sub(links, i, i + 7) == term then return (struct.unpack('>I4', links, i + 8)) end
  end
  return 0
end

for i = 1, #terms, 8 do
  local term = string.sub(terms, i, i + 7)
  local seq = tonumber(redis.call('HGET', heads_of(term), term) or '0')
  while seq >= from do
    local links = seen[seq]
    if not links then
      local number = text(seq)
      local found = redis.call('XRANGE', log, number .. '-0', number .. '-0')[1]
      if not found then break end
      local fields = found[2]
      links = fields[8] or ''
      seen[seq] = links
      if seq <= to then
        entries = entries + 1
        bytes = bytes + #fields[6]
        if entries > entries_max or bytes > bytes_max then
          answer[4] = 1
          return answer
        end
        answer[#answer + 1] = {number, fields[2], fields[4], fields[6]}
      end
    end
    local back = back_from(links, term)
    if back == 0 then break end
    seq = seq - back
  end
end
return answer
)lua";

bool read_entry(const redis_reply& reply, entry& into) {
  into.payload = reply[3].text();
  return reply.size() == 4 && read_number(reply[0], into.seq) && read_id(reply[1], into.id) &&
         read_time(reply[2], into.at);
}

std::optional<lookup_page> read_lookup(const redis_reply& reply, const std::string& lane) {
  constexpr std::size_t fixed = 4;
  lookup_page page;
  auto& found = page.found;
  found.lane = lane;
  if (reply.size() < fixed || !read_number(reply[0], found.first) || !read_number(reply[1], found.head) ||
      !read_number(reply[2], found.indexed_from))
    return std::nullopt;
  found.more = reply[3].number() == 1;
  for (std::size_t i = fixed; i < reply.size(); ++i)
    if (!read_entry(reply[i], found.entries.emplace_back()))
      return std::nullopt;
  std::sort(found.entries.begin(), found.entries.end(),
            [](const entry& a, const entry& b) { return a.seq < b.seq; });
  return page;
}

} // namespace

const std::string& redis_look_up_script() {
  static const auto text = redis_script(only_looks, {redis_common, redis_index, look_up_body});
  return text;
}

void redis_session::look_up(const chasqui::look_up& what, handler<lookup_page> then) {
  // Lua has no integers beyond 53 bits, and no log so many entries.
  constexpr auto last = seqno{1} << 53U;
  const auto from = std::to_string(std::clamp<seqno>(what.from_seq, 1, last));
  const auto to = std::to_string(std::min(what.to_seq, last));
  const auto entries = std::to_string(std::clamp<std::uint64_t>(what.entries_max, 1, lookup_entries_max));
  const auto bytes = std::to_string(std::clamp<std::uint64_t>(what.bytes_max, 1, lookup_bytes_max));
  const auto terms = to_bytes(what.terms);
  ask<lookup_page>(
      redis_look_up_script(), {what.lane, from, to, entries, bytes, terms},
      [this, lane = what.lane](const redis_reply& reply) { return understood(read_lookup(reply, lane)); },
      std::move(then));
}

} // namespace chasqui
