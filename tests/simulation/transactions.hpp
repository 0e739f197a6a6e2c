#pragma once

#include "messages/identity.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace chasqui::simulation {

/// How the primary takes a transaction.
enum class nature : std::uint8_t {
  good,
  poison, ///< Refuses it for good.
  flaky   ///< Cannot take it now, a few times.
};

/// The transaction number `index`, counted from 1; its id says what it is, to those who made it.
inline uuid make_id(std::uint64_t index, nature kind) {
  constexpr std::uint64_t version_7 = 0x0197'a4e2'8c1d'7000;
  constexpr std::uint64_t variant = 0x8000'0000'0000'0000;
  return {version_7, variant | index << 8U | static_cast<std::uint64_t>(kind)};
}

inline std::uint64_t index_of(const uuid& id) { return id.low << 1U >> 9U; }
inline nature nature_of(const uuid& id) { return static_cast<nature>(id.low & 0xFFU); }

inline std::string lane_name(std::uint64_t lane) {
  return lane == 0 ? "main" : "lane" + std::to_string(lane);
}
inline std::size_t lane_number(std::string_view name) {
  return name == "main" ? 0 : static_cast<std::size_t>(name.back() - '0');
}

/// The transaction as a control process writes it.
inline std::string transaction_text(const uuid& id, std::uint64_t lane, std::uint64_t padding) {
  return R"({"id":")" + to_string(id) + R"(","lane":")" + lane_name(lane) +
         R"(","steps":[{"op":"insert","table":"obs","rows":[{"v":")" + std::string(padding, 'x') +
         R"("}]}]})";
}

} // namespace chasqui::simulation
