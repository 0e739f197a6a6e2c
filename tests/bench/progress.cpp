#include "tests/bench/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace chasqui::bench {

namespace {

using namespace std::chrono_literals;
using seconds = std::chrono::duration<double>;

constexpr auto patience = 2s;
constexpr auto bar_interval = 200ms;
constexpr auto line_interval = 10s;
constexpr int bar_width = 30;

} // namespace

progress::progress(std::string what, double whole)
    : what_{std::move(what)}, whole_{whole}, terminal_{isatty(STDERR_FILENO) == 1} {}

progress::~progress() {
  if (bar_there_)
    std::fprintf(stderr, "\r\033[K");
}

void progress::at(double done) {
  constexpr std::uint64_t look_every = 64;
  if (whole_ >= 10'000 && ++calls_ % look_every != 0)
    return;
  const auto now = clock::now();
  const auto interval = terminal_ ? clock::duration{bar_interval} : clock::duration{line_interval};
  if (now - began_ < patience || now - shown_ < interval)
    return;
  shown_ = now;
  show(std::clamp(done / whole_, 0.0, 1.0), now);
}

void progress::show(double done, clock::time_point now) {
  const double elapsed = seconds(now - began_).count();
  const double left = done > 0 ? elapsed / done - elapsed : 0;
  if (!terminal_) {
    std::fprintf(stderr, "  %s: %.0f %%, %.0f s to go\n", what_.c_str(), 100 * done, left);
    return;
  }
  std::string bar(static_cast<std::size_t>(done * bar_width), '#');
  bar.resize(bar_width, '.');
  std::fprintf(stderr, "\r\033[K  %s [%s] %.0f %%, %.0f s to go", what_.c_str(), bar.c_str(), 100 * done,
               left);
  std::fflush(stderr);
  bar_there_ = true;
}

} // namespace chasqui::bench
