#pragma once

#include "messages/identity.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace chasqui {

/// Remembers when a mark passed which seq, in `samples_max` samples.
class timeline {
public:
  /// What goes when there are more moves than samples: the oldest ones, or every second one's exact time (its
  /// seqs then count as passed when the next one was, so that nothing is forgotten altogether).
  enum class forget : std::uint8_t { oldest, detail };

  timeline(std::size_t samples_max, forget what) : samples_max_{samples_max}, forget_{what} {}

  /// The mark moved from `before` to `seq` at `at`; both only ever grow.
  void add(seqno before, seqno seq, instant at);

  /// When the mark passed `seq`: nothing if it has not, or if that is forgotten.
  [[nodiscard]] std::optional<instant> passed(seqno seq) const;

  /// The last seq that is known to have been passed at `at`; 0 if none is. Times must not have stepped back.
  [[nodiscard]] seqno reached(instant at) const;

private:
  struct sample {
    seqno before; ///< The mark before the move.
    seqno seq;
    instant at;
  };
  void thin();

  std::size_t samples_max_;
  forget forget_;
  std::deque<sample> samples_;
};

/// For times that must not step back, in a process: the steady clock's, as a timeline keeps them.
inline instant steady_instant(time_point at) {
  return instant{std::chrono::duration_cast<instant::duration>(at.time_since_epoch())};
}

} // namespace chasqui
