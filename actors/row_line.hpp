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
  std::size_t looks_max = 4;               ///< Submissions that are looked at one by one at once.
  std::size_t glance_max = 250;            ///< Submissions in one glance,
  std::size_t questions_max = 1000;        ///< with so many questions, or those of one submission.
  std::size_t glances_max = 1;             ///< Glances under way.
  std::uint64_t bytes_max = 64U << 20U;    ///< Of the payloads in it.
  std::chrono::milliseconds patience{100}; ///< Whoever has waited so long passes, looked at or not.
  std::chrono::milliseconds pause{1000};   ///< Without looks, after one that found no replica.
};

/// What is known of a submission's rows as it comes.
enum class row_concern : std::uint8_t {
  none,     ///< No row speaks for or against it.
  some,     ///< They have to be looked at.
  contested ///< One that came before, and is not answered yet, may stand against it.
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
  std::vector<verdict> out;          ///< These leave the line.
  std::vector<std::uint64_t> glance; ///< Of all these together: to be answered by `on_glanced`, later.
  std::vector<look> looks;           ///< Each is to be answered by `on_looked`, later.
};

/// The line of submissions whose rows are looked at before they are handed to the buffer, in the order in
/// which they came. Many are glanced at together; whoever that does not clear is looked at by itself. A look
/// sees the log, and not what is on its way into it: who is doubted is looked at once more when everything
/// before it has been answered, and only that counts.
class row_line {
public:
  /// With `refuses` nobody who is doubted is handed on.
  row_line(bool refuses, row_line_limits limits) : refuses_{refuses}, limits_{limits} {}

  [[nodiscard]] bool has_room_for(std::uint64_t bytes) const { return bytes_ + bytes <= limits_.bytes_max; }
  [[nodiscard]] std::size_t size() const { return line_.size(); }

  row_line_actions add(std::uint64_t who, std::uint64_t bytes, row_concern concern, std::size_t questions,
                       time_point now);
  /// Of those who were glanced at together, `unclear` are not cleared.
  row_line_actions on_glanced(const std::vector<std::uint64_t>& all,
                              const std::vector<std::uint64_t>& unclear, time_point now);
  row_line_actions on_looked(std::uint64_t who, fault doubt, time_point now);
  /// Of those that were handed on.
  row_line_actions on_answered(std::size_t how_many, time_point now);
  void on_replica_away(time_point now) { looks_again_at_ = now + limits_.pause; }
  /// When `on_deadline` is to be called, if nothing else happens before.
  [[nodiscard]] std::optional<time_point> deadline() const;
  row_line_actions on_deadline(time_point now);
  void clear();

private:
  enum class standing : std::uint8_t {
    fresh,
    glanced_at, ///< Now.
    unclear,
    looked_at, ///< Now.
    doubted,
    looked_at_last, ///< Now.
    refused,
    cleared
  };
  struct place {
    std::uint64_t who = 0;
    std::uint64_t bytes = 0;
    std::size_t questions = 0;
    time_point deadline;
    standing is = standing::fresh;
    fault doubt;
  };
  using places = std::deque<place>;

  [[nodiscard]] places::iterator from(std::uint64_t who);
  [[nodiscard]] places::iterator find(std::uint64_t who);
  [[nodiscard]] static bool is_looked_at(const place& p);
  void advance(row_line_actions& out, time_point now);
  bool may_leave(row_line_actions& out, place& p, time_point now);
  void look(row_line_actions& out, place& p, standing as, time_point now);
  void glance(row_line_actions& out, time_point now);

  bool refuses_;
  row_line_limits limits_;
  places line_;
  std::uint64_t bytes_ = 0;
  std::size_t looking_ = 0;
  std::size_t unclear_ = 0;       ///< Places.
  std::uint64_t glance_from_ = 0; ///< Nobody before this one is fresh.
  std::size_t glances_ = 0;       ///< Under way.
  std::uint64_t handed_on_ = 0;   ///< And not answered.
  time_point looks_again_at_;
};

} // namespace chasqui
