#pragma once

#include "messages/identity.hpp"
#include "messages/index_terms.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

/// That an entry is found by a term, as the index has it: by the first 6 of its 8 bytes.
struct posting {
  std::uint64_t term = 0; ///< Of 48 bits.
  seqno seq = 0;

  friend auto operator<=>(const posting&, const posting&) = default;
};

// The two forms in which the index of a log in Redis lies there, numbers big-endian.
//
// The tail has postings in the order of their entries, 10 bytes each: the term and the lower half of the seq.
// A segment has them by term and seq, the seq as how far before `base` it lies, 4 bytes. Before them stand
// 1025 numbers of 4 bytes: how many postings there are before those whose term begins with the 10 bits 0, 1,
// … 1023, and how many in all.
//
// A search of one term reads two of these numbers and what lies between, whatever else the segment has.

constexpr std::size_t posting_bytes = 10;
constexpr std::size_t segment_table_bytes = 4100;

/// What a tail has; nothing if that is no tail. `head` is the last entry of the log.
std::optional<std::vector<posting>> read_tail(std::string_view bytes, seqno head);

/// What a segment has of entries up to `through`, sorted; nothing if that is no segment.
std::optional<std::vector<posting>> read_segment(std::string_view bytes, seqno base, seqno through);

/// A segment of postings that are sorted; none is behind `base`, or 2^32 and more before it.
std::string write_segment(const std::vector<posting>& sorted, seqno base);

/// All of them, each of which is sorted, as one.
std::vector<posting> merge_postings(std::vector<std::vector<posting>> parts);

} // namespace chasqui
