#pragma once

#include "messages/identity.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace chasqui::soak {

/// Tells who waits how far it is: one line that is written anew on a terminal, a line a minute elsewhere.
class progress {
public:
  progress(std::chrono::seconds length, std::uint64_t seed);
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  void note(std::string_view fault);
  void show(time_point now, std::size_t submitted, std::size_t acknowledged);

private:
  bool terminal_;
  time_point began_;
  time_point next_;
  std::chrono::seconds length_;
  std::size_t faults_ = 0;
  std::string last_;
};

} // namespace chasqui::soak
