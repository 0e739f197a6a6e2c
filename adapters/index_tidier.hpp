#pragma once

#include "adapters/index_segment.hpp"
#include "adapters/redis_connection.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

/// Keeps the index of the log in Redis in few pieces, for one session and behind its appends: a large tail
/// becomes a segment, many small segments become one. What it finds changed meanwhile is left for the next
/// time. To be used on the I/O thread only.
class index_tidier : public std::enable_shared_from_this<index_tidier> {
public:
  using words = std::vector<std::string_view>;
  /// Sends a script with its arguments, unless the session has ended.
  using caller =
      std::function<void(const std::string& script, const words& arguments, redis_connection::answer then)>;

  /// For the sizes see `redis_settings`.
  index_tidier(caller call, std::string epoch, std::size_t tail_max, std::size_t segment_max)
      : call_{std::move(call)}, epoch_{std::move(epoch)}, tail_max_{tail_max},
        room_{(segment_max - segment_table_bytes) / posting_bytes * posting_bytes} {}

  /// An append that adds so many terms has been sent.
  void note(const std::string& lane, std::size_t terms);
  /// Looks whether there is something to do.
  void tidy(const std::string& lane);
  /// Leaves the lane alone until `release`: it is being cut off or numbered anew.
  void hold(const std::string& lane) { runs_[lane] = held; }
  void release(const std::string& lane);

private:
  static constexpr std::uint64_t held = 0;

  void look(const std::string& lane, std::uint64_t run);
  [[nodiscard]] bool is_current(const std::string& lane, std::uint64_t run) const;
  void ended(const std::string& lane);
  void sort_tail(const std::string& lane, std::uint64_t run, const redis_reply& found);
  void merge_segments(const std::string& lane, std::uint64_t run, const redis_reply& found);
  void replace(const std::string& lane, std::uint64_t run, const std::vector<posting>& postings,
               seqno through, std::string_view tail, const words& names);

  caller call_;
  std::string epoch_;
  std::size_t tail_max_;
  std::size_t room_;                          ///< For postings in a segment, in bytes.
  std::map<std::string, std::size_t> noted_;  ///< Terms since the last look.
  std::map<std::string, std::uint64_t> runs_; ///< Of lanes that are being tidied, or held.
  std::uint64_t last_run_ = 0;
};

} // namespace chasqui
