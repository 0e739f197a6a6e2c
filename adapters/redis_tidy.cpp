// The index of the log in Redis, kept in few pieces: a large tail becomes a segment, many small segments
// become one. It is done behind the appends, and what it finds changed meanwhile is left for the next time.

#include "adapters/index_segment.hpp"
#include "adapters/redis_answers.hpp"
#include "adapters/redis_script_parts.hpp"
#include "adapters/redis_scripts.hpp"
#include "adapters/redis_session.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace chasqui {
namespace {

/// Segments are made one while they have no more than this part of what one may have.
constexpr std::size_t small_part = 4;

const char* const untidy_body = R"lua(
local lane, tail_max, room, small_max = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local size = redis.call('STRLEN', tail_of(lane))
if size >= tail_max then
  local head = redis.call('HGET', marks_of(lane), 'head') or '0'
  return {'tail', head, size, redis.call('GETRANGE', tail_of(lane), 0, room - 1)}
end

local segments = redis.call('ZRANGE', segments_of(lane), 0, -1, 'WITHSCORES')
local sizes, first, all = {}, #segments + 1, 0
while first > 1 do
  local postings = redis.call('STRLEN', segment_of(lane, segments[first - 2])) - tonumber(ARGV[5])
  if postings > small_max then break end
  first = first - 2
  sizes[first] = postings
  all = all + postings
end
if all <= room then return {} end
local answer, bytes = {'segments'}, 0
for i = first, #segments, 2 do
  bytes = bytes + sizes[i]
  if bytes > room then break end
  answer[#answer + 1] = {segments[i], segments[i + 1], redis.call('GET', segment_of(lane, segments[i])) or ''}
end
return answer
)lua";

const char* const tidy_body = R"lua(
local refusal = not_owner(ARGV[1])
if refusal then return refusal end
local lane, through, segment, size = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local tail = size > 0 and redis.call('GET', tail_of(lane)) or ''
if string.sub(tail, size - posting_bytes + 1, size) ~= ARGV[6] then return 0 end
local counts_through
for i = 7, #ARGV do
  counts_through = redis.call('ZSCORE', segments_of(lane), ARGV[i])
  if not counts_through then return 0 end
end
if counts_through and tonumber(counts_through) ~= tonumber(through) then return 0 end
local number = text(redis.call('HINCRBY', marks_of(lane), 'segments', 1))
redis.call('SET', prefix .. 'segment:' .. lane .. ':' .. number, segment)
redis.call('ZADD', segments_of(lane), through, number .. ':' .. through)
if size > 0 then redis.call('SET', tail_of(lane), string.sub(tail, size + 1)) end
for i = 7, #ARGV do drop_segment(lane, ARGV[i]) end
return 1
)lua";

/// The base in the name of a segment, `<number>:<base>`.
bool read_base(std::string_view name, seqno& into) {
  const auto digits = name.substr(name.find(':') + 1); // All of it if there is none.
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), into);
  return problem == std::errc{} && end == digits.data() + digits.size();
}

} // namespace

const std::string& redis_untidy_script() {
  static const auto text = redis_script(only_looks, {redis_common, redis_index, untidy_body});
  return text;
}

const std::string& redis_tidy_script() {
  static const auto text = redis_script(ordinary, {redis_common, redis_index, redis_unnoting, tidy_body});
  return text;
}

void redis_session::note_terms(const std::string& lane, std::size_t terms) {
  auto& noted = untidy_[lane];
  noted += terms;
  if (noted * posting_bytes >= settings_.index_tail_max)
    tidy(lane);
}

void redis_session::tidy(const std::string& lane) {
  if (open_ && tidying_.try_emplace(lane, runs_ + 1).second)
    tidy_on(lane, ++runs_);
}

void redis_session::tidied(const std::string& lane) {
  tidying_.erase(lane);
  note_terms(lane, 0); // What came behind its last look.
}

void redis_session::tidy_on(const std::string& lane, std::uint64_t run) {
  untidy_[lane] = 0;
  const auto room = (settings_.index_segment_max - segment_table_bytes) / posting_bytes * posting_bytes;
  const auto tail_max = std::to_string(settings_.index_tail_max);
  const auto room_max = std::to_string(room);
  const auto small_max = std::to_string(room / small_part);
  const auto table_bytes = std::to_string(segment_table_bytes);
  send(call_of(redis_untidy_script(), {lane, tail_max, room_max, small_max, table_bytes}),
       [weak = weak_from_this(), lane, run](const redis_reply& found) {
         const auto self = weak.lock();
         if (!self || !self->is_tidying(lane, run))
           return;
         if (found[0].text() == "tail")
           self->tidy_tail(lane, run, found);
         else if (found[0].text() == "segments")
           self->tidy_segments(lane, run, found);
         else
           self->tidied(lane);
       });
}

bool redis_session::is_tidying(const std::string& lane, std::uint64_t run) const {
  const auto found = tidying_.find(lane);
  return open_ && found != tidying_.end() && found->second == run;
}

void redis_session::tidy_tail(const std::string& lane, std::uint64_t run, const redis_reply& found) {
  seqno head = 0;
  std::uint64_t size = 0;
  auto bytes = found[3].text();
  if (!read_number(found[1], head) || !read_number(found[2], size))
    bytes = {};
  auto postings = read_tail(bytes, head).value_or(std::vector<posting>{});
  if (size > bytes.size() && !postings.empty()) // The last entry may have more of them.
    std::erase_if(postings, [last = postings.back().seq](const posting& one) { return one.seq == last; });
  if (postings.empty())
    return tidied(lane);
  bytes = bytes.substr(0, postings.size() * posting_bytes);
  const auto through = postings.back().seq;
  std::sort(postings.begin(), postings.end());
  tidy_by(lane, run, postings, through, bytes, {});
}

void redis_session::tidy_segments(const std::string& lane, std::uint64_t run, const redis_reply& found) {
  std::vector<std::string_view> names;
  std::vector<std::vector<posting>> parts;
  seqno through = 0;
  for (std::size_t i = 1; i < found.size(); ++i) {
    seqno base = 0;
    const auto name = found[i][0].text();
    auto part = read_base(name, base) && read_number(found[i][1], through)
                    ? read_segment(found[i][2].text(), base, through)
                    : std::nullopt;
    if (!part)
      return tidied(lane);
    names.push_back(name);
    parts.push_back(std::move(*part));
  }
  if (names.size() < 2)
    return tidied(lane);
  tidy_by(lane, run, merge_postings(std::move(parts)), through, {}, names);
}

void redis_session::tidy_by(const std::string& lane, std::uint64_t run, const std::vector<posting>& postings,
                            seqno through, std::string_view tail, const words& names) {
  const auto last = std::to_string(through);
  const auto segment = write_segment(postings, through);
  const auto size = std::to_string(tail.size());
  words arguments{epoch_,  lane, last,
                  segment, size, tail.substr(tail.size() - std::min(tail.size(), posting_bytes))};
  arguments.insert(arguments.end(), names.begin(), names.end());
  send(call_of(redis_tidy_script(), arguments),
       [weak = weak_from_this(), lane, run](const redis_reply& reply) {
         const auto self = weak.lock();
         if (!self || !self->is_tidying(lane, run))
           return;
         if (reply.number() == 1)
           self->tidy_on(lane, run);
         else
           self->tidied(lane);
       });
}

} // namespace chasqui
