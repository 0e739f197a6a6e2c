#include "adapters/held_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace chasqui {
namespace {

constexpr ::mode_t ours_alone = 0600;

} // namespace

held_file::held_file(const std::string& path, int flags)
    : descriptor_{::open(path.c_str(), flags | O_CLOEXEC, ours_alone)} {}

held_file::held_file(held_file&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)} {}

held_file& held_file::operator=(held_file&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

held_file::~held_file() {
  if (is_held())
    ::close(descriptor_);
}

bool held_file::lock() { return ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0; }

bool held_file::flush() { return ::fsync(descriptor_) == 0; }

bool held_file::take_room(std::uint64_t bytes) {
  return ::posix_fallocate(descriptor_, 0, static_cast<::off_t>(bytes)) == 0;
}

void disk_reserve::fill() {
  if (bytes_ == 0)
    return;
  held_file file{path_, O_RDWR | O_CREAT | O_EXCL};
  if (file.is_held() && !file.take_room(bytes_))
    ::unlink(path_.c_str());
}

void disk_reserve::spend() { ::unlink(path_.c_str()); }

} // namespace chasqui
