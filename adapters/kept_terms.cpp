#include "adapters/kept_terms.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

namespace {

constexpr std::size_t filter_bits = std::size_t{1} << 22U;
constexpr std::size_t word_bits = 64;

/// Calls `each` with the places of a term's bits, until it says false. A term is a hash already.
template <class Each> bool each_bit(index_term term, Each each) {
  constexpr unsigned bits_per_term = 4;
  const auto step = (term >> 32U) | 1U;
  auto at = term;
  for (unsigned i = 0; i < bits_per_term; ++i, at += step)
    if (!each(static_cast<std::size_t>(at) % filter_bits))
      return false;
  return true;
}

} // namespace

kept_terms::bloom_filter::bloom_filter() : words_(filter_bits / word_bits) {}

bool kept_terms::bloom_filter::add(index_term term) {
  bool is_new = false;
  each_bit(term, [&](std::size_t at) {
    auto& word = words_[at / word_bits];
    const auto bit = std::uint64_t{1} << (at % word_bits);
    is_new = is_new || (word & bit) == 0;
    word |= bit;
    return true;
  });
  return is_new;
}

bool kept_terms::bloom_filter::may_have(index_term term) const {
  return each_bit(term,
                  [&](std::size_t at) { return (words_[at / word_bits] >> (at % word_bits) & 1U) != 0; });
}

void kept_terms::bloom_filter::add_all(const bloom_filter& other) {
  std::transform(words_.begin(), words_.end(), other.words_.begin(), words_.begin(),
                 [](std::uint64_t a, std::uint64_t b) { return a | b; });
}

void kept_terms::on_called() {
  // Between two calls it is known which entries a generation has.
  if (under_way_++ == 0)
    for (auto& [name, lane] : lanes_)
      if (lane.young.count >= generation_max)
        turn(lane);
}

void kept_terms::turn(lane_memory& lane) {
  lane.young.through = lane.head;
  if (lane.old)
    lane.young.terms.add_all(lane.old->terms); // Nobody has said yet that its entries are of no concern.
  lane.old = std::exchange(lane.young, generation{});
}

void kept_terms::add(const std::string& lane, const std::vector<index_term>& terms) {
  const auto found = lanes_.find(lane);
  if (found == lanes_.end())
    return;
  auto& young = found->second.young;
  for (const auto term : terms)
    young.count += young.terms.add(term) ? 1 : 0;
}

void kept_terms::on_head(const std::string& lane, seqno head) {
  if (!remembers_)
    return;
  auto& known = lanes_[lane];
  known.head = std::max(known.head, head);
  if (!known.after && under_way_ == 0)
    known.after = known.head;
}

void kept_terms::on_answered() {
  if (--under_way_ > 0)
    return;
  for (auto& [name, lane] : lanes_)
    if (!lane.after)
      lane.after = lane.head;
}

std::vector<index_term> kept_terms::maybe_kept(const std::string& lane, std::vector<index_term> terms,
                                               seqno from) {
  const auto found = lanes_.find(lane);
  if (found == lanes_.end() || !found->second.after)
    return terms;
  auto& known = found->second;
  if (known.old && known.old->through < from) {
    known.after = std::max(*known.after, known.old->through);
    known.old.reset();
  }
  if (*known.after < from)
    std::erase_if(terms, [&](index_term term) {
      return !known.young.terms.may_have(term) && !(known.old && known.old->terms.may_have(term));
    });
  return terms;
}

} // namespace chasqui
