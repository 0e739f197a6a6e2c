#include "tests/demo/display.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iomanip>
#include <iostream>
#include <sstream>

namespace chasqui::night {

namespace {

constexpr std::chrono::milliseconds terminal_interval{500};
constexpr std::chrono::milliseconds file_interval{1000};

std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string link_text(const link_status& link) {
  std::ostringstream out;
  out << "link " << to_string(link.phase);
  if (link.phase == link_phase::streaming)
    return out.str();
  out << ", try " << link.attempt;
  const auto wait =
      std::chrono::duration<double>(link.next_try_at - std::chrono::system_clock::now()).count();
  if (link.phase == link_phase::backing_off && wait > 0)
    out << std::fixed << std::setprecision(1) << " in " << wait << " s";
  return out.str();
}

std::string line_of(const status_report& status, const latency& last_second, double elapsed_s) {
  const auto m = marks_of(status);
  std::ostringstream out;
  out << std::fixed << std::setprecision(0) << std::setw(4) << elapsed_s << " s | " << link_text(status.link)
      << " | buffered " << m.head << " committed " << m.committed << " replicated " << m.replicated
      << " pending " << m.head - std::min(m.head, m.replicated) << " | " << last_second.count << "/s"
      << std::setprecision(1) << " p50 " << last_second.p50_ms << " p99 " << last_second.p99_ms << " ms";
  return out.str();
}

} // namespace

marks marks_of(const status_report& status) {
  marks sum;
  for (const auto& lane : status.log.lanes) {
    sum.head += lane.head;
    sum.committed += lane.committed;
    sum.replicated += lane.replicated;
  }
  return sum;
}

display::display()
    : terminal_{isatty(STDOUT_FILENO) == 1}, started_{std::chrono::steady_clock::now()}, next_{started_} {}

void display::announce(const std::string& sentence) {
  wipe();
  std::cout << "-- " << sentence << " --\n" << std::flush;
}

void display::show(const status_report& status, const latency& last_second, time_point now) {
  if (now < next_)
    return;
  next_ = now + (terminal_ ? terminal_interval : file_interval);
  auto line = line_of(status, last_second, std::chrono::duration<double>(now - started_).count());
  if (terminal_) {
    wipe();
    line.resize(std::min(line.size(), terminal_width() - 1)); // A line that wraps cannot be written anew.
  }
  std::cout << line << (terminal_ ? "" : "\n") << std::flush;
  line_open_ = terminal_;
}

void display::wipe() {
  if (line_open_)
    std::cout << "\r\033[K";
  line_open_ = false;
}

} // namespace chasqui::night
