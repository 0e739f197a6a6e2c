#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

struct redisReply;

namespace chasqui {

/// What Redis answered, or that it never will. It lives as long as the call that it is passed to.
class redis_reply {
public:
  explicit redis_reply(const ::redisReply* reply) : reply_{reply} {}
  explicit redis_reply(std::string_view lost) : lost_{lost}, is_lost_{true} {}

  [[nodiscard]] bool is_lost() const { return is_lost_; } ///< The connection ended first; `text` says why.
  [[nodiscard]] bool is_error() const;
  [[nodiscard]] bool is_nil() const;
  [[nodiscard]] bool is_list() const;
  [[nodiscard]] std::string_view text() const;                   ///< Of a string, status or error; else "".
  [[nodiscard]] std::optional<std::uint64_t> number() const;     ///< Of an integer, or of a string of digits.
  [[nodiscard]] std::size_t size() const;                        ///< Of a list; else 0.
  [[nodiscard]] redis_reply operator[](std::size_t index) const; ///< Nil if there is none.

private:
  const ::redisReply* reply_ = nullptr;
  std::string_view lost_;
  bool is_lost_ = false;
};

} // namespace chasqui
