#include "link_bytes.hpp"

#include <algorithm>

namespace chasqui::link {
namespace {

constexpr std::size_t room_bytes_min = 8192;

} // namespace

boost::asio::mutable_buffer byte_queue::prepare() {
  if (size_ == 0 && blocks_.size() == 1) {
    blocks_.front().used = 0;
    head_ = 0;
  }
  if (blocks_.empty() || block_bytes - blocks_.back().used < room_bytes_min) {
    blocks_.push_back(
        {std::make_unique_for_overwrite<std::byte[]>(block_bytes), 0}); // NOLINT(modernize-avoid-c-arrays)
  }
  auto& tail = blocks_.back();
  return {tail.data.get() + tail.used, block_bytes - tail.used};
}

void byte_queue::commit(std::size_t bytes) {
  blocks_.back().used += bytes;
  size_ += bytes;
}

byte_queue::gather byte_queue::front(std::size_t bytes) const {
  gather parts{};
  std::size_t from = head_;
  std::size_t part = 0;
  for (auto it = blocks_.begin(); it != blocks_.end() && bytes > 0 && part < gather_max; ++it, ++part) {
    const auto n = std::min(bytes, it->used - from);
    parts.at(part) = boost::asio::const_buffer{it->data.get() + from, n};
    bytes -= n;
    from = 0;
  }
  return parts;
}

void byte_queue::consume(std::size_t bytes) {
  size_ -= bytes;
  head_ += bytes;
  // The last block stays: a read may be under way into it.
  while (blocks_.size() > 1 && head_ >= blocks_.front().used) {
    head_ -= blocks_.front().used;
    blocks_.pop_front();
  }
}

void byte_queue::clear() { consume(size_); }

} // namespace chasqui::link
