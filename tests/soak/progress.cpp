#include "tests/soak/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace chasqui::soak {

progress::progress(std::chrono::seconds length, std::uint64_t seed)
    : terminal_{isatty(STDOUT_FILENO) == 1}, began_{std::chrono::steady_clock::now()}, next_{began_},
      length_{length} {
  std::cout << "soak: " << length.count() << " s of faults, --seed " << seed << std::endl;
}

progress::~progress() {
  if (terminal_)
    std::cout << std::endl;
}

void progress::note(std::string_view fault) {
  ++faults_;
  last_ = fault;
}

void progress::show(time_point now, std::size_t submitted, std::size_t acknowledged) {
  if (now < next_)
    return;
  next_ = now + (terminal_ ? std::chrono::seconds{1} : std::chrono::seconds{60});
  const auto gone = std::chrono::duration_cast<std::chrono::seconds>(now - began_);
  const auto left = std::max(length_ - gone, std::chrono::seconds{0}).count();
  if (terminal_)
    std::cout << "\r\033[K";
  std::cout << gone.count() << " s, about " << left / 60 << " min " << left % 60 << " s left: " << faults_
            << " faults, " << acknowledged << " of " << submitted
            << " acknowledged; last: " << (last_.empty() ? "none" : last_);
  if (terminal_)
    std::cout << std::flush;
  else
    std::cout << std::endl;
}

} // namespace chasqui::soak
