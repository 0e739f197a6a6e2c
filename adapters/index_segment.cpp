#include "adapters/index_segment.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace chasqui {
namespace {

constexpr unsigned bucket_bits = 10;
constexpr std::size_t buckets = std::size_t{1} << bucket_bits;
constexpr std::size_t number_bytes = sizeof(std::uint32_t);
constexpr std::size_t term_bytes = posting_bytes - number_bytes;
static_assert(segment_table_bytes == (buckets + 1) * number_bytes);
constexpr unsigned byte_bits = 8;

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t out = 0;
  for (const char c : bytes.substr(at, size))
    out = out << byte_bits | static_cast<unsigned char>(c);
  return out;
}

void put(std::string& into, std::uint64_t number, std::size_t size) {
  for (auto left = size; left-- > 0;)
    into += static_cast<char>(number >> (left * byte_bits) & 0xFFU);
}

std::size_t bucket_of(std::uint64_t term) {
  return static_cast<std::size_t>(term >> (term_bytes * byte_bits - bucket_bits));
}

} // namespace

std::optional<std::vector<posting>> read_tail(std::string_view bytes, seqno head) {
  if (bytes.size() % posting_bytes != 0)
    return std::nullopt;
  std::vector<posting> out;
  out.reserve(bytes.size() / posting_bytes);
  for (std::size_t at = 0; at < bytes.size(); at += posting_bytes) {
    const auto low = static_cast<std::uint32_t>(number_at(bytes, at + term_bytes, number_bytes));
    const auto back = static_cast<std::uint32_t>(head) - low; // Modulo 2^32.
    if (back >= head)
      return std::nullopt;
    out.push_back({number_at(bytes, at, term_bytes), head - back});
  }
  return out;
}

std::optional<std::vector<posting>> read_segment(std::string_view bytes, seqno base, seqno through) {
  if (bytes.size() < segment_table_bytes || (bytes.size() - segment_table_bytes) % posting_bytes != 0)
    return std::nullopt;
  std::vector<posting> out;
  out.reserve((bytes.size() - segment_table_bytes) / posting_bytes);
  for (auto at = segment_table_bytes; at < bytes.size(); at += posting_bytes) {
    const auto back = number_at(bytes, at + term_bytes, number_bytes);
    if (back >= base)
      return std::nullopt;
    if (base - back <= through)
      out.push_back({number_at(bytes, at, term_bytes), base - back});
  }
  return std::is_sorted(out.begin(), out.end()) ? std::optional{std::move(out)} : std::nullopt;
}

std::string write_segment(const std::vector<posting>& sorted, seqno base) {
  std::string out;
  out.reserve(segment_table_bytes + sorted.size() * posting_bytes);
  std::size_t before = 0;
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    put(out, before, number_bytes);
    while (before < sorted.size() && bucket_of(sorted[before].term) == bucket)
      ++before;
  }
  put(out, before, number_bytes);
  for (const auto& [term, seq] : sorted) {
    put(out, term, term_bytes);
    put(out, base - seq, number_bytes);
  }
  return out;
}

std::vector<posting> merge_postings(std::vector<std::vector<posting>> parts) {
  if (parts.empty())
    return {};
  while (parts.size() > 1) {
    std::vector<std::vector<posting>> fewer;
    for (std::size_t i = 0; i + 1 < parts.size(); i += 2) {
      auto& both = fewer.emplace_back();
      both.reserve(parts[i].size() + parts[i + 1].size());
      std::merge(parts[i].begin(), parts[i].end(), parts[i + 1].begin(), parts[i + 1].end(),
                 std::back_inserter(both));
    }
    if (parts.size() % 2 != 0)
      fewer.push_back(std::move(parts.back()));
    parts = std::move(fewer);
  }
  return std::move(parts.front());
}

} // namespace chasqui
