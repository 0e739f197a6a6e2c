// How entries get from a runtime that owns the log no more to the one that does.

#include "adapters/id_bytes.hpp"
#include "adapters/redis_script_parts.hpp"
#include "adapters/redis_scripts.hpp"
#include "adapters/redis_session.hpp"

#include <utility>

namespace chasqui {
namespace {

const char* const hand_over_body = R"lua(
for i = 2, #ARGV, 3 do
  redis.call('XADD', prefix .. 'handover', '*', 'l', ARGV[1], 'i', ARGV[i], 't', ARGV[i + 1], 'p', ARGV[i + 2])
end
return 1
)lua";

const char* const take_handover_body = R"lua(
local answer, bytes, bytes_max = {}, 0, tonumber(ARGV[2])
for _, found in ipairs(redis.call('XRANGE', prefix .. 'handover', '-', '+', 'COUNT', ARGV[1])) do
  local f = found[2]
  bytes = bytes + #f[8]
  if bytes > bytes_max and #answer > 0 then break end
  answer[#answer + 1] = {found[1], f[2], f[4], f[6], f[8]}
end
return answer
)lua";

const char* const end_handover_body = R"lua(
local refusal = not_owner(ARGV[1])
if refusal then return refusal end
local waiting = prefix .. 'handover'
local ms, number = string.match(ARGV[2], '^(%d+)-(%d+)$')
redis.call('XTRIM', waiting, 'MINID', '=', ms .. '-' .. text(tonumber(number) + 1))
if redis.call('XLEN', waiting) == 0 then redis.call('DEL', waiting) end
return 1
)lua";

} // namespace

const std::string& redis_hand_over_script() {
  static const auto text = redis_script(ordinary, {redis_common, hand_over_body});
  return text;
}

const std::string& redis_take_handover_script() {
  static const auto text = redis_script(only_looks, {redis_common, take_handover_body});
  return text;
}

const std::string& redis_end_handover_script() {
  static const auto text = redis_script(makes_room, {redis_common, end_handover_body});
  return text;
}

void redis_session::hand_over(const std::string& lane, const std::vector<entry>& entries,
                              const handler<fault>& then) {
  shut("what is left is handed over.");
  connection_ = std::make_unique<redis_connection>(io_, settings_);
  connection_->open([weak = weak_from_this(), lane, entries, then](const fault& problem) {
    const auto self = weak.lock();
    if (!self)
      return;
    if (problem)
      return then(problem);
    std::vector<std::string> texts;
    texts.reserve(2 * entries.size()); // The views must not move.
    words arguments{lane};
    for (const auto& e : entries)
      arguments.insert(arguments.end(),
                       {texts.emplace_back(to_bytes(e.id)), texts.emplace_back(to_micros(e.at)), e.payload});
    const bool sent = self->send(
        self->call_of(redis_hand_over_script(), arguments), [weak, then](const redis_reply& reply) {
          const auto me = weak.lock();
          if (me && reply.is_lost())
            then({fault_code::store_unavailable, std::string{reply.text()}, ""});
          else if (me)
            then(reply.is_error() ? redis_fault(me->address_, reply.text()) : fault{});
        });
    if (!sent)
      then(self->closed());
  });
}

void redis_session::take_handover(std::uint64_t entries_max, std::uint64_t bytes_max,
                                  handler<handover_page> then) {
  const auto entries = std::to_string(entries_max);
  const auto bytes = std::to_string(bytes_max);
  ask<handover_page>(
      redis_take_handover_script(), {entries, bytes},
      [this](const redis_reply& reply) { return understood(read_handover_page(reply)); }, std::move(then));
}

void redis_session::end_handover(const std::string& through, handler<fault> then) {
  order(redis_end_handover_script(), {epoch_, through}, std::move(then));
}

} // namespace chasqui
