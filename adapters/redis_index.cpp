// The index of the log in Redis: by a term to the last entry that it finds, and from each entry to the one
// before. It is written and removed with the entries; what has gone is the end of a chain.

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
constexpr std::uint64_t step_cost_max = 2000; ///< Of one script: a term costs 1, an entry 8; a few ms in all.
constexpr std::size_t step_terms_max = 2000;
constexpr std::uint64_t step_bytes_max = 1U << 20U;

const char* const look_up_body = R"lua(
local lane, log, from, to = ARGV[1], log_of(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local cost_max, bytes_max, terms = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local marks = redis.call('HMGET', marks_of(lane), 'head', 'indexed')
local head = tonumber(marks[1] or '0')
local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
local left, places = {}, {}
local answer = {oldest and string.match(oldest[1], '^%d+') or text(head + 1), text(head), marks[2] or text(head + 1), '', places}
local seen, cost, bytes = {}, 0, 0

local function back_from(links, term)
  for i = 1, #links, link_bytes do
    if string.sub(links, i, i + 7) == term then return (struct.unpack('>I4', links, i + 8)) end
  end
  return 0
end

local function links_at(seq)
  if seen[seq] then return seen[seq] end
  local number = text(seq)
  local found = redis.call('XRANGE', log, number .. '-0', number .. '-0')[1]
  if not found then return end
  local fields = found[2]
  cost = cost + 8
  seen[seq] = fields[8] or ''
  if seq <= to then
    bytes = bytes + #fields[6]
    answer[#answer + 1] = {number, fields[2], fields[4], fields[6]}
  end
  return seen[seq]
end

for i = 1, #terms, 8 do
  local term, place = string.sub(terms, i, i + 7), ARGV[6 + (i + 7) / 8] or ''
  local seq = tonumber(place)
  if not seq and cost < cost_max then
    cost = cost + 1
    seq = tonumber(redis.call('HGET', heads_of(term), term) or '0')
  end
  while not seq or seq >= from do
    if cost >= cost_max or bytes >= bytes_max then
      left[#left + 1] = term
      places[#places + 1] = seq and text(seq) or ''
      break
    end
    local links = links_at(seq)
    local back = links and back_from(links, term) or 0
    if back == 0 then break end
    seq = seq - back
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
      : from_{std::to_string(std::clamp<seqno>(what.from_seq, 1, last))}, to_{std::min(what.to_seq, last)},
        entries_max_{std::clamp<std::uint64_t>(what.entries_max, 1, lookup_entries_max)},
        bytes_left_{std::clamp<std::uint64_t>(what.bytes_max, 1, lookup_bytes_max)} {
    found_.lane = what.lane;
    for (const auto term : what.terms)
      left_.push_back({to_bytes(std::vector{term}), ""});
  }

  [[nodiscard]] std::vector<std::string> next_step() {
    under_way_ = std::min(left_.size(), step_terms_max);
    std::vector<std::string> out{found_.lane,
                                 from_,
                                 std::to_string(to_),
                                 std::to_string(step_cost_max),
                                 std::to_string(step_bytes_max),
                                 ""};
    for (auto one = left_.end() - static_cast<std::ptrdiff_t>(under_way_); one != left_.end(); ++one) {
      out[5] += one->term;
      out.push_back(one->place);
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
    found_.more =
        head < found_.head; // The log was cut off meanwhile, and with it perhaps the rest of a chain.
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

  [[nodiscard]] bool is_done() const { return found_.more || left_.empty(); }

  lookup_page page() {
    for (auto& [seq, e] : entries_)
      found_.entries.push_back(std::move(e));
    return {{}, std::move(found_)};
  }

private:
  /// Lua has no integers beyond that, and no log so many entries.
  static constexpr auto last = seqno{1} << 53U;

  struct chain {
    std::string term;
    std::string place; ///< Where it goes on; "" at its beginning.
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

  std::string from_;
  seqno to_;
  std::uint64_t entries_max_;
  std::uint64_t bytes_left_;
  std::vector<chain> left_;   ///< That have not come to their end; the last ones go first.
  std::size_t under_way_ = 0; ///< So many of them.
  bool begun_ = false;
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
