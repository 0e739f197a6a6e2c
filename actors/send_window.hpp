#pragma once

#include "actors/moment.hpp"

#include <chrono>
#include <cstdint>
#include <deque>

namespace chasqui {

/// Bounds on the bytes under way.
struct window_bounds {
  std::uint64_t bytes_max = 16U << 20U;
  std::uint64_t start_bytes = 512U << 10U; ///< Before it is known what the link carries.
  std::chrono::milliseconds queue{500};    ///< How long what is sent may queue on the link.
};

/// How many bytes may be under way: what the link has carried, by the answers, in a round trip and a short
/// queue. More would only wait on the way, where nothing can overtake it; a window that the link does not
/// fill grows, as the queue's part is then carried, too. The rate is the best of the last rounds in which
/// there was more to send than room (a round is a window sent and answered), the round trip the shortest of
/// late: the model is that of BBR (Cardwell et al., 2016), with answers for acknowledgements.
class send_window {
public:
  /// What is to be remembered with something that is sent.
  struct mark {
    time_point sent_at;
    std::uint64_t answered_bytes = 0; ///< In all, until then.
    bool low = false;                 ///< There was so little under way that nothing of ours queued.
  };

  explicit send_window(window_bounds bounds) : bounds_{bounds} {}

  [[nodiscard]] mark on_sent(std::uint64_t bytes_in_flight, time_point now) const;
  void on_answered(const mark& of, std::uint64_t bytes, time_point now);
  /// There is more to send than room.
  void on_full() noexcept { full_ = true; }

  /// The window; an eighth of it if another lane `goes_first`.
  [[nodiscard]] std::uint64_t bytes(bool goes_first) const;

private:
  void end_round();
  [[nodiscard]] double rate() const; ///< Bytes a second; 0 is unknown.
  [[nodiscard]] std::uint64_t bytes_min() const;
  [[nodiscard]] std::uint64_t carried_in(time_point::duration time) const;
  [[nodiscard]] std::uint64_t drained_bytes() const;

  window_bounds bounds_;
  std::uint64_t answered_bytes_ = 0;
  std::uint64_t round_ends_at_ = 0; ///< When something is answered that was sent after this was.
  double round_rate_ = 0;           ///< Best of this round.
  std::deque<double> rates_;        ///< Best of each of the last rounds.
  bool full_ = false;               ///< In this round there was more to send than room.
  bool measured_ = false;           ///< There was such a round.
  time_point::duration round_trip_{time_point::duration::max()};
  time_point round_trip_at_;
  bool old_ = false; ///< The round trip is to be measured again, with next to nothing under way.
};

} // namespace chasqui
