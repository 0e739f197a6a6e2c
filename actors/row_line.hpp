#pragma once

#include "messages/fault.hpp"
#include "messages/identity.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace chasqui {

/// Bounds on the line.
struct row_line_limits {
  std::size_t looks_max = 4;               ///< Submissions that are looked at at once.
  std::uint64_t bytes_max = 64U << 20U;    ///< Of the payloads in it.
  std::chrono::milliseconds patience{100}; ///< Whoever has waited so long passes, looked at or not.
  std::chrono::milliseconds pause{1000};   ///< Without looks, after one that found no replica.
};

/// What the shell does next, in this order.
struct row_line_actions {
  struct look {
    std::uint64_t who = 0;
    bool is_last = false; ///< Whatever else could make the primary take it is asked for, too.
  };
  struct verdict {
    std::uint64_t who = 0;
    fault doubt; ///< What speaks against it, if anything does.
  };
  std::vector<verdict> out; ///< These leave the line.
  std::vector<look> looks;  ///< Each is to be answered by `on_looked`, later.
};

/// The line of submissions whose rows are looked at before they are handed to the buffer, in the order in
/// which they came. A look sees the log, and not what is on its way into it: who is doubted is looked at once
/// more when everything before it has been answered, and only that counts.
class row_line {
public:
  /// With `refuses` nobody who is doubted is handed on.
  row_line(bool refuses, row_line_limits limits) : refuses_{refuses}, limits_{limits} {}

  [[nodiscard]] bool has_room_for(std::uint64_t bytes) const { return bytes_ + bytes <= limits_.bytes_max; }
  [[nodiscard]] std::size_t size() const { return line_.size(); }

  /// Without questions it waits for its turn alone.
  row_line_actions add(std::uint64_t who, std::uint64_t bytes, bool has_questions, time_point now);
  row_line_actions on_looked(std::uint64_t who, fault doubt, time_point now);
  /// Of one that was handed on.
  row_line_actions on_answered(time_point now);
  void on_replica_away(time_point now) { looks_again_at_ = now + limits_.pause; }
  /// When `on_deadline` is to be called, if nothing else happens before.
  [[nodiscard]] std::optional<time_point> deadline() const;
  row_line_actions on_deadline(time_point now);
  void clear();

private:
  enum class round : std::uint8_t { waiting, first, last };
  struct place {
    std::uint64_t who = 0;
    std::uint64_t bytes = 0;
    bool has_questions = false;
    time_point deadline;
    round at = round::waiting;
    bool is_looked_at = false; ///< Now.
    fault doubt;
  };

  void advance(row_line_actions& out, time_point now);
  void look(row_line_actions& out, place& p, round at, time_point now);

  bool refuses_;
  row_line_limits limits_;
  std::deque<place> line_;
  std::uint64_t bytes_ = 0;
  std::size_t looking_ = 0;
  std::uint64_t handed_on_ = 0; ///< And not answered.
  time_point looks_again_at_;
};

} // namespace chasqui
