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

std::string pace_text(const status_report& status, const latency& last_second, double elapsed_s) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(0) << std::setw(4) << elapsed_s << " s | " << link_text(status.link)
      << " | " << last_second.count << " submits/s" << std::setprecision(1) << " p50 " << last_second.p50_ms
      << " p99 " << last_second.p99_ms << " ms";
  return out.str();
}

std::string marks_text(const status_report& status) {
  const auto m = marks_of(status);
  std::ostringstream out;
  out << "buffered " << m.head << " committed " << m.committed << " replicated " << m.replicated
      << " pending " << m.head - std::min(m.head, m.replicated);
  return out.str();
}

/// No longer than the terminal is wide: a line that wraps cannot be written anew.
std::string cut_to_fit(const std::string& line) { return line.substr(0, terminal_width() - 1); }

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
  const auto pace = pace_text(status, last_second, std::chrono::duration<double>(now - started_).count());
  const auto marks = marks_text(status);
  wipe();
  if (terminal_)
    std::cout << cut_to_fit(pace) << '\n' << cut_to_fit("         " + marks) << std::flush;
  else
    std::cout << pace << " | " << marks << std::endl;
  lines_open_ = terminal_;
}

void display::wipe() {
  if (lines_open_)
    std::cout << "\r\033[K\033[A\033[K"; // This line, and the one above.
  lines_open_ = false;
}

} // namespace chasqui::night
