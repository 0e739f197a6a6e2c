#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace chasqui::bench {

/// A bar on stderr with an estimate of what is left; once it has taken two seconds, and not before. On what
/// is no terminal, a line now and then.
class progress {
public:
  progress(std::string what, double whole);
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  ~progress();

  /// So much of the whole is done. Cheap enough to be called for everything; by one thread.
  void at(double done);

private:
  using clock = std::chrono::steady_clock;
  void show(double done, clock::time_point now);

  std::string what_;
  double whole_;
  clock::time_point began_ = clock::now();
  clock::time_point shown_ = began_;
  std::uint64_t calls_ = 0;
  bool terminal_;
  bool bar_there_ = false;
};

} // namespace chasqui::bench
