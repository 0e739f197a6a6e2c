#pragma once

#include <boost/asio/buffer.hpp>

#include <array>
#include <cstddef>
#include <deque>
#include <memory>

namespace chasqui::link {

/// A first-in first-out queue of bytes that sockets read into and write from without a copy.
class byte_queue {
public:
  static constexpr std::size_t block_bytes = std::size_t{64} * 1024;
  static constexpr std::size_t gather_max = 32;
  using gather = std::array<boost::asio::const_buffer, gather_max>;

  /// Room at the tail for one read. It stays valid until the next `prepare`, whatever is consumed.
  boost::asio::mutable_buffer prepare();

  /// Takes the first `bytes` of the prepared room into the queue.
  void commit(std::size_t bytes);

  /// The first `bytes`, or as much of them as one gathered write takes.
  [[nodiscard]] gather front(std::size_t bytes) const;

  void consume(std::size_t bytes);
  void clear();
  [[nodiscard]] std::size_t size() const { return size_; }

private:
  struct block {
    std::unique_ptr<std::byte[]> data; // NOLINT(modernize-avoid-c-arrays): left uninitialised on purpose
    std::size_t used = 0;
  };

  std::deque<block> blocks_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

} // namespace chasqui::link
