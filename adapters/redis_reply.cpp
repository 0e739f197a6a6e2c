#include "adapters/redis_reply.hpp"

#include <hiredis/hiredis.h>

#include <charconv>

namespace chasqui {

bool redis_reply::is_error() const { return reply_ != nullptr && reply_->type == REDIS_REPLY_ERROR; }

bool redis_reply::is_nil() const {
  return !is_lost_ && (reply_ == nullptr || reply_->type == REDIS_REPLY_NIL);
}

bool redis_reply::is_list() const { return reply_ != nullptr && reply_->type == REDIS_REPLY_ARRAY; }

std::string_view redis_reply::text() const {
  if (is_lost_)
    return lost_;
  if (reply_ == nullptr || reply_->str == nullptr)
    return {};
  const bool has_text = reply_->type == REDIS_REPLY_STRING || reply_->type == REDIS_REPLY_STATUS ||
                        reply_->type == REDIS_REPLY_ERROR;
  return has_text ? std::string_view{reply_->str, reply_->len} : std::string_view{};
}

std::optional<std::uint64_t> redis_reply::number() const {
  if (reply_ != nullptr && reply_->type == REDIS_REPLY_INTEGER && reply_->integer >= 0)
    return static_cast<std::uint64_t>(reply_->integer);
  if (reply_ == nullptr || reply_->type != REDIS_REPLY_STRING)
    return std::nullopt;
  std::uint64_t value = 0;
  const auto digits = text();
  const auto* end = digits.data() + digits.size();
  const auto [stopped, problem] = std::from_chars(digits.data(), end, value);
  return problem == std::errc{} && stopped == end ? std::optional{value} : std::nullopt;
}

std::size_t redis_reply::size() const { return is_list() ? reply_->elements : 0; }

redis_reply redis_reply::operator[](std::size_t index) const {
  return redis_reply{index < size() ? reply_->element[index] : nullptr};
}

} // namespace chasqui
