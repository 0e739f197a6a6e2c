#pragma once

#include "messages/identity.hpp"
#include "messages/index_terms.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace chasqui {

/// Remembers what the entries are found by that one session has put into the log, well enough to say for
/// certain that none of them is found by a term: Bloom filters (Communications of the ACM 13, 1970) in two
/// generations of half a megabyte a lane. What was in the log before the session is not known. The more is
/// pending beyond what a generation has room for, the less often it is certain.
class kept_terms {
public:
  /// Terms that one generation has room for.
  static constexpr std::size_t generation_max = 300'000;

  /// Unless it `remembers`, it knows nothing.
  explicit kept_terms(bool remembers) : remembers_{remembers} {}

  /// A call goes out that puts entries into the log: `add` of their terms follows, and `on_answered`.
  void on_called();
  void add(const std::string& lane, const std::vector<index_term>& terms);
  /// Entry `head` was the last one of the lane.
  void on_head(const std::string& lane, seqno head);
  /// The oldest call that was not answered is.
  void on_answered();

  /// Those of `terms` by which an entry from `from` on may be found. Whoever asks is not concerned with
  /// earlier ones any more.
  std::vector<index_term> maybe_kept(const std::string& lane, std::vector<index_term> terms, seqno from);
  /// The last entry of a lane of which anything is lacking.
  [[nodiscard]] seqno head(const std::string& lane) const { return lanes_.at(lane).head; }
  /// The lane ends elsewhere, or its entries have other numbers.
  void forget(const std::string& lane) { lanes_.erase(lane); }

private:
  class bloom_filter {
  public:
    bloom_filter();
    /// Whether it is new, as far as the filter knows.
    bool add(index_term term);
    [[nodiscard]] bool may_have(index_term term) const;
    void add_all(const bloom_filter& other);

  private:
    std::vector<std::uint64_t> words_;
  };
  struct generation {
    bloom_filter terms;
    std::size_t count = 0;
    seqno through = 0; ///< It has no entry behind this one; of an ended one.
  };
  struct lane_memory {
    seqno head = 0;
    std::optional<seqno> after; ///< Entries behind this one are remembered; nothing while it begins.
    generation young;
    std::optional<generation> old;
  };
  static void turn(lane_memory& lane);

  bool remembers_;
  std::map<std::string, lane_memory> lanes_;
  std::size_t under_way_ = 0;
};

} // namespace chasqui
