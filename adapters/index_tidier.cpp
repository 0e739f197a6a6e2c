#include "adapters/index_tidier.hpp"

#include "adapters/redis_answers.hpp"
#include "adapters/redis_script_parts.hpp"
#include "adapters/redis_scripts.hpp"

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
  local postings = redis.call('STRLEN', segment_of(lane, segments[first - 2])) - table_bytes
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
local name = text(redis.call('HINCRBY', marks_of(lane), 'segments', 1)) .. ':' .. through
redis.call('SET', segment_of(lane, name), segment)
redis.call('ZADD', segments_of(lane), through, name)
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

void index_tidier::note(const std::string& lane, std::size_t terms) {
  auto& noted = noted_[lane];
  noted += terms;
  if (noted * posting_bytes >= tail_max_)
    tidy(lane);
}

void index_tidier::tidy(const std::string& lane) {
  if (runs_.try_emplace(lane, last_run_ + 1).second)
    look(lane, ++last_run_);
}

void index_tidier::release(const std::string& lane) {
  runs_.erase(lane);
  tidy(lane);
}

bool index_tidier::is_current(const std::string& lane, std::uint64_t run) const {
  const auto found = runs_.find(lane);
  return found != runs_.end() && found->second == run;
}

void index_tidier::ended(const std::string& lane) {
  runs_.erase(lane);
  note(lane, 0); // What came behind its last look.
}

void index_tidier::look(const std::string& lane, std::uint64_t run) {
  noted_[lane] = 0;
  const auto tail_max = std::to_string(tail_max_);
  const auto room = std::to_string(room_);
  const auto small_max = std::to_string(room_ / small_part);
  call_(redis_untidy_script(), {lane, tail_max, room, small_max},
        [weak = weak_from_this(), lane, run](const redis_reply& found) {
          const auto self = weak.lock();
          if (!self || !self->is_current(lane, run))
            return;
          if (found[0].text() == "tail")
            self->sort_tail(lane, run, found);
          else if (found[0].text() == "segments")
            self->merge_segments(lane, run, found);
          else
            self->ended(lane);
        });
}

void index_tidier::sort_tail(const std::string& lane, std::uint64_t run, const redis_reply& found) {
  seqno head = 0;
  std::uint64_t size = 0;
  auto bytes = found[3].text();
  if (!read_number(found[1], head) || !read_number(found[2], size))
    bytes = {};
  auto postings = read_tail(bytes, head).value_or(std::vector<posting>{});
  if (size > bytes.size() && !postings.empty()) // The last entry may have more of them.
    std::erase_if(postings, [last = postings.back().seq](const posting& one) { return one.seq == last; });
  if (postings.empty())
    return ended(lane);
  bytes = bytes.substr(0, postings.size() * posting_bytes);
  const auto through = postings.back().seq;
  std::sort(postings.begin(), postings.end());
  replace(lane, run, postings, through, bytes, {});
}

void index_tidier::merge_segments(const std::string& lane, std::uint64_t run, const redis_reply& found) {
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
      return ended(lane);
    names.push_back(name);
    parts.push_back(std::move(*part));
  }
  if (names.size() < 2)
    return ended(lane);
  replace(lane, run, merge_postings(std::move(parts)), through, {}, names);
}

void index_tidier::replace(const std::string& lane, std::uint64_t run, const std::vector<posting>& postings,
                           seqno through, std::string_view tail, const words& names) {
  const auto last = std::to_string(through);
  const auto segment = write_segment(postings, through);
  const auto size = std::to_string(tail.size());
  words arguments{epoch_,  lane, last,
                  segment, size, tail.substr(tail.size() - std::min(tail.size(), posting_bytes))};
  arguments.insert(arguments.end(), names.begin(), names.end());
  call_(redis_tidy_script(), arguments, [weak = weak_from_this(), lane, run](const redis_reply& reply) {
    const auto self = weak.lock();
    if (!self || !self->is_current(lane, run))
      return;
    if (reply.number() == 1)
      self->look(lane, run);
    else
      self->ended(lane);
  });
}

} // namespace chasqui
