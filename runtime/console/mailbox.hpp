#pragma once

#include <cstdint>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include <cerrno>
#include <sys/eventfd.h>
#include <unistd.h>

namespace chasqui {

/// What actors have to say to the main thread, which waits in `poll`.
template <class T> class mailbox {
public:
  mailbox() : fd_{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {
    if (fd_ < 0)
      throw std::system_error{errno, std::generic_category(), "eventfd"};
  }
  mailbox(const mailbox&) = delete;
  mailbox& operator=(const mailbox&) = delete;
  ~mailbox() { close(fd_); }

  /// Any thread.
  void push(T item) {
    const std::lock_guard guard{mutex_};
    items_.push_back(std::move(item));
    constexpr std::uint64_t one = 1;
    if (write(fd_, &one, sizeof(one)) < 0)
      return; // It is readable already.
  }

  /// All there is; the main thread.
  std::vector<T> drain() {
    const std::lock_guard guard{mutex_};
    std::uint64_t count = 0;
    if (read(fd_, &count, sizeof(count)) < 0)
      return {};
    return std::exchange(items_, {});
  }

  /// Readable while there is something to drain.
  [[nodiscard]] int fd() const { return fd_; }

private:
  int fd_;
  std::mutex mutex_;
  std::vector<T> items_;
};

} // namespace chasqui
