#include "adapters/journal_sum.hpp"

#include "adapters/id_bytes.hpp"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <new>
#include <string>

namespace chasqui {
namespace {

struct context_end {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

void add_number(std::string& text, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8)
    text += static_cast<char>(number >> static_cast<unsigned>(shift) & 0xFFU);
}

} // namespace

std::uint64_t sum_of(std::string_view lane, const entry& e) {
  std::string head = to_bytes(e.id);
  add_number(head, e.seq);
  add_number(head, static_cast<std::uint64_t>(e.at.time_since_epoch().count()));
  add_number(head, lane.size());
  head += lane;
  const std::unique_ptr<EVP_MD_CTX, context_end> context{EVP_MD_CTX_new()};
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), head.data(), head.size()) != 1 ||
      EVP_DigestUpdate(context.get(), e.payload.data(), e.payload.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1)
    throw std::bad_alloc{};
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < sizeof sum; ++i)
    sum = sum << 8U | digest[i];
  return sum >> 1U;
}

} // namespace chasqui
