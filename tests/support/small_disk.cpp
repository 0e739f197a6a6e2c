#include "tests/support/small_disk.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>

namespace chasqui::test {
namespace {

constexpr auto filler = "filler";

// A user who is not root may mount in a user namespace, where he is.
bool leave_users() {
  const auto user = std::to_string(::getuid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
    return false;
  std::ofstream{"/proc/self/uid_map"} << "0 " << user << " 1\n";
  return true;
}

bool leave_mounts() {
  return (::unshare(CLONE_NEWNS) == 0 || leave_users()) &&
         ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

// Once for the process; threads that are made later see what this one does.
bool is_apart() {
  static const bool apart = leave_mounts();
  return apart;
}

} // namespace

small_disk::small_disk(std::uint64_t mebibytes) {
  const auto size = "size=" + std::to_string(mebibytes) + "m";
  if (!is_apart() || ::mount("none", path().c_str(), "tmpfs", 0, size.c_str()) != 0)
    throw std::system_error(errno, std::generic_category(), "mount");
}

small_disk::~small_disk() { ::umount2(path().c_str(), MNT_DETACH); }

void small_disk::fill() {
  const int file = ::open((path() / filler).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const std::string block(4096, 'x');
  while (::write(file, block.data(), block.size()) > 0) {
  }
  ::close(file);
}

void small_disk::empty() { std::filesystem::remove(path() / filler); }

bool small_disk::is_possible() {
  try {
    const small_disk one{1};
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

} // namespace chasqui::test
