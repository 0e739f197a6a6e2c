// How the index of the log in Redis is looked into.

#include "adapters/id_bytes.hpp"
#include "adapters/redis_answers.hpp"
#include "adapters/redis_script_parts.hpp"
#include "adapters/redis_scripts.hpp"
#include "adapters/redis_session.hpp"
#include "messages/index_terms.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace chasqui {

namespace {

constexpr std::uint64_t lookup_bytes_max = 16U << 20U;
constexpr std::uint64_t lookup_entries_max = 10'000;
constexpr std::uint64_t step_cost_max = 2000; ///< Of one script; each stands for some 2 us.
constexpr std::size_t step_terms_max = 2000;
constexpr std::uint64_t step_bytes_max = 1U << 20U;

// A term is looked for in one segment after the other, then in the tail: its entries come in the order of
// their numbers, and a script that has to stop says from which number on the next one goes on.
const char* const look_up_body = R"lua(
local lane, log, to = ARGV[1], log_of(ARGV[1]), tonumber(ARGV[2])
local cost_max, bytes_max, terms = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local marks = redis.call('HMGET', marks_of(lane), 'head', 'index_from')
local head = tonumber(marks[1] or '0')
local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
oldest = oldest and tonumber(string.match(oldest[1], '^%d+')) or head + 1
local segments = redis.call('ZRANGE', segments_of(lane), text(oldest), '+inf', 'BYSCORE', 'WITHSCORES')
local tail = redis.call('GET', tail_of(lane)) or ''
local left, places = {}, {}
local answer = {text(oldest), text(head), marks[2] or text(head + 1), '', places}
local seen, cost, bytes = {}, 0, 0

local function add(seq)
  if seen[seq] then return end
  seen[seq] = true
  cost = cost + 8
  local number = text(seq)
  local found = redis.call('XRANGE', log, number .. '-0', number .. '-0')[1]
  if not found then return end
  local fields = found[2]
  bytes = bytes + #fields[6]
  answer[#answer + 1] = {number, fields[2], fields[4], fields[6]}
end

local function is_full() return cost >= cost_max or bytes >= bytes_max end

local function find_posting(postings, term, at)
  repeat
    at = string.find(postings, term, at, true)
    if not at or at % posting_bytes == 1 then return at end
    at = at + 1
  until false
end

local window = 128

-- Where, between the two, postings of a term from `start` on begin, or fewer than a window before.
local function lower_bound(key, base, term, start, low, high)
  local a, b = struct.unpack('>I2I4', term)
  while high - low >= window do
    local middle = math.floor((low + high) / 2)
    local at = table_bytes + middle * posting_bytes
    local c, d, back = struct.unpack('>I2I4I4', redis.call('GETRANGE', key, at, at + posting_bytes - 1))
    cost = cost + 1
    if c < a or c == a and (d < b or d == b and base - back < start) then low = middle + 1 else high = middle end
  end
  return low
end

local function in_segment(name, through, term, start)
  local key, base = segment_of(lane, name), base_of(name)
  local bucket = 4 * math.floor(struct.unpack('>I2', term) / 64)
  local low, high = struct.unpack('>I4I4', redis.call('GETRANGE', key, bucket, bucket + 7))
  cost = cost + 1
  for first = lower_bound(key, base, term, start, low, high), high - 1, window do
    local at = table_bytes + first * posting_bytes
    local size = math.min(window, high - first) * posting_bytes
    local part = redis.call('GETRANGE', key, at, at + size - 1)
    cost = cost + 1
    local i = find_posting(part, term, 1)
    if not i then return end
    while i <= size do
      if string.sub(part, i, i + 5) ~= term then return end
      local seq = base - struct.unpack('>I4', part, i + 6)
      if seq > math.min(to, through) then return end
      if seq >= start then
        if is_full() then return seq end
        add(seq)
      end
      i = i + posting_bytes
    end
  end
end

local function in_tail(term, start)
  cost = cost + math.min(1 + #tail / 8192, cost_max / 4)
  local at = find_posting(tail, term, 1)
  while at do
    local seq = seq_in(tail, at, head)
    if seq > to then return end
    if seq >= start then
      if is_full() then return seq end
      add(seq)
    end
    at = find_posting(tail, term, at + posting_bytes)
  end
end

local function search(term, start)
  for i = 1, #segments, 2 do
    local through = tonumber(segments[i + 1])
    if start <= math.min(to, through) then
      if is_full() then return start end
      local stopped_at = in_segment(segments[i], through, term, start)
      if stopped_at then return stopped_at end
      start = through + 1
    end
  end
  if start > to then return end
  if is_full() then return start end
  return in_tail(term, start)
end

for i = 1, #terms, 8 do
  local term, place = string.sub(terms, i, i + 7), ARGV[5 + (i + 7) / 8]
  local stopped_at = search(string.sub(term, 1, 6), math.max(tonumber(place), oldest))
  if stopped_at then
    left[#left + 1] = term
    places[#places + 1] = text(stopped_at)
  end
end
answer[4] = table.concat(left)
return answer
)lua";

bool read_entry(const redis_reply& reply, entry& into) {
  into.payload = reply[3].text();
  return reply.size() == 4 && read_number(reply[0], into.seq) && read_id(reply[1], into.id) &&
         read_time(reply[2], into.at);
}

} // namespace

const std::string& redis_look_up_script() {
  static const auto text = redis_script(only_looks, {redis_common, redis_index, look_up_body});
  return text;
}

/// A look into the index, in steps: appends get in between. What comes after the first step is not seen.
class redis_look {
public:
  explicit redis_look(const chasqui::look_up& what)
      : to_{std::min(what.to_seq, last)}, entries_max_{std::clamp<std::uint64_t>(what.entries_max, 1,
                                                                                 lookup_entries_max)},
        bytes_left_{std::clamp<std::uint64_t>(what.bytes_max, 1, lookup_bytes_max)} {
    found_.lane = what.lane;
    const auto from = std::to_string(std::clamp<seqno>(what.from_seq, 1, last));
    for (const auto term : what.terms)
      left_.push_back({to_bytes(std::vector{term}), from});
  }

  [[nodiscard]] std::vector<std::string> next_step() {
    under_way_ = std::min(left_.size(), step_terms_max);
    std::vector<std::string> out{found_.lane, std::to_string(to_), std::to_string(step_cost_max),
                                 std::to_string(step_bytes_max), ""};
    for (auto one = left_.end() - static_cast<std::ptrdiff_t>(under_way_); one != left_.end(); ++one) {
      out[4] += one->term;
      out.push_back(one->from);
    }
    return out;
  }

  /// False if it cannot be understood.
  bool take(const redis_reply& reply) {
    constexpr std::size_t fixed = 5;
    seqno head = 0;
    if (reply.size() < fixed || !read_number(reply[0], found_.first) || !read_number(reply[1], head) ||
        !read_number(reply[2], found_.indexed_from))
      return false;
    if (!std::exchange(begun_, true)) {
      found_.head = head;
      to_ = std::min(to_, head);
    }
    cut_off_ = head < found_.head; // And with it perhaps some of what was found.
    left_.resize(left_.size() - under_way_);
    const auto terms = reply[3].text();
    constexpr auto term_bytes = sizeof(index_term);
    if (reply[4].size() * term_bytes != terms.size())
      return false;
    for (std::size_t i = 0; i < reply[4].size(); ++i)
      left_.push_back(
          {std::string{terms.substr(i * term_bytes, term_bytes)}, std::string{reply[4][i].text()}});
    for (std::size_t i = fixed; i < reply.size() && !found_.more; ++i)
      if (!take_entry(reply[i]))
        return false;
    return true;
  }

  [[nodiscard]] bool is_done() const { return cut_off_ || found_.more || left_.empty(); }

  lookup_page page() {
    if (cut_off_)
      return {
          {fault_code::unavailable,
           "Entries of lane " + found_.lane + " were cut off the log while they were looked for. Read again.",
           ""},
          {}};
    for (auto& [seq, e] : entries_)
      found_.entries.push_back(std::move(e));
    return {{}, std::move(found_)};
  }

private:
  /// Lua has no integers beyond that, and no log so many entries.
  static constexpr auto last = seqno{1} << 53U;

  struct search {
    std::string term;
    std::string from; ///< The number from which on its entries are still wanted.
  };

  bool take_entry(const redis_reply& reply) {
    entry e;
    if (!read_entry(reply, e))
      return false;
    if (entries_.contains(e.seq)) // Found by another term in an earlier step.
      return true;
    if (e.payload.size() > bytes_left_ || entries_.size() == entries_max_) {
      found_.more = true;
      return true;
    }
    bytes_left_ -= e.payload.size();
    entries_.emplace(e.seq, std::move(e));
    return true;
  }

  seqno to_;
  std::uint64_t entries_max_;
  std::uint64_t bytes_left_;
  std::vector<search> left_;  ///< That have not come to their end; the last ones go first.
  std::size_t under_way_ = 0; ///< So many of them.
  bool begun_ = false;
  bool cut_off_ = false; ///< Meanwhile.
  looked_up found_;
  std::map<seqno, entry> entries_;
};

void redis_session::look_up(chasqui::look_up what, handler<lookup_page> then) {
  const bool is_by_memory = open_ && what.by_memory && !what.terms.empty();
  if (is_by_memory)
    what.terms = kept_->maybe_kept(what.lane, std::move(what.terms), what.from_seq);
  if (!is_by_memory || !what.terms.empty())
    return look_on(std::make_shared<redis_look>(what), std::move(then));
  looked_up nothing;
  nothing.lane = what.lane;
  nothing.first = what.from_seq;
  nothing.indexed_from = what.from_seq;
  nothing.head = kept_->head(what.lane);
  then({{}, std::move(nothing)});
}

void redis_session::look_on(const std::shared_ptr<redis_look>& look, handler<lookup_page> then) {
  const auto step = look->next_step();
  ask<fault>(
      redis_look_up_script(), {step.begin(), step.end()},
      [this, look](const redis_reply& reply) {
        return look->take(reply) ? fault{} : redis_misunderstood(address_);
      },
      [this, look, then = std::move(then)](const fault& problem) {
        if (problem)
          then(unanswered<lookup_page>(problem));
        else if (look->is_done())
          then(look->page());
        else
          look_on(look, then);
      });
}

} // namespace chasqui
