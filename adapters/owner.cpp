#include "adapters/owner.hpp"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace chasqui {

namespace {

std::string first_line(const std::string& path) {
  std::string line;
  if (std::ifstream file{path})
    std::getline(file, line);
  return line;
}

std::string link_target(const char* path) {
  std::error_code ignored;
  return std::filesystem::read_symlink(path, ignored).string();
}

// Field 22 of /proc/PID/stat, as proc(5) counts: ticks from boot to the process' start. "" if there is no
// such process. The second field, the name in parentheses, may hold anything.
std::string start_of(std::string_view pid) {
  const auto stat = first_line("/proc/" + std::string{pid} + "/stat");
  auto at = stat.rfind(')');
  constexpr int fields_between = 20;
  for (int i = 0; i < fields_between && at != std::string::npos; ++i)
    at = stat.find(' ', at + 1);
  return at == std::string::npos ? "" : stat.substr(at + 1, stat.find(' ', at + 1) - at - 1);
}

std::string this_place() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return std::string{host.data()} + "/" + first_line("/proc/sys/kernel/random/boot_id") + "/" +
         link_target("/proc/self/ns/pid") + "/";
}

} // namespace

std::string this_process() {
  const auto pid = std::to_string(getpid());
  return this_place() + pid + "/" + start_of(pid);
}

bool has_ended(std::string_view process) {
  const auto place = this_place();
  if (!process.starts_with(place))
    return false;
  process.remove_prefix(place.size());
  const auto slash = process.find('/');
  return slash != std::string_view::npos && start_of(process.substr(0, slash)) != process.substr(slash + 1);
}

} // namespace chasqui
