#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace chasqui {

/// A wall-clock time, UTC, in microseconds.
using instant = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

/// A time that never steps; what the cores reckon deadlines with.
using time_point = std::chrono::steady_clock::time_point;

/// An entry's number in its lane's log, contiguous from 1; 0 means "none yet".
using seqno = std::uint64_t;

/// A runtime's turn as owner of a log; a larger epoch fences every smaller one.
using epoch_no = std::uint64_t;

/// A transaction's identity: a UUID of any version, as two big-endian halves (RFC 9562).
struct uuid {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  [[nodiscard]] bool is_nil() const noexcept { return high == 0 && low == 0; }
  // clang-tidy 14 takes the 0 in a rewritten comparison for a pointer.
  auto operator<=>(const uuid&) const = default; // NOLINT(modernize-use-nullptr)
};

template <class Inspector> auto inspect(Inspector& f, uuid& x) { return f(x.high, x.low); }

/// A UUIDv7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, then 74 of the `random` bits.
uuid make_uuid7(instant at, std::uint64_t random_high, std::uint64_t random_low);

/// The same, from a source of 32 random bits at a time.
template <class Source> uuid make_uuid7(instant at, Source& random) {
  static_assert(sizeof(random()) == sizeof(std::uint32_t));
  const auto word = [&random] { return (std::uint64_t{random()} << 32U) | random(); };
  const auto high = word();
  return make_uuid7(at, high, word());
}

/// The 36-character form, lower case.
std::string to_string(const uuid& id);

/// Reads the 36-character form in either case; nothing for any other text.
std::optional<uuid> parse_uuid(std::string_view text);

/// A position in the write-ahead log of PostgreSQL, 64 bits wide; 0 is invalid there and means unknown here.
struct lsn {
  std::uint64_t value = 0;

  [[nodiscard]] bool known() const noexcept { return value != 0; }
  auto operator<=>(const lsn&) const = default; // NOLINT(modernize-use-nullptr)
};

template <class Inspector> auto inspect(Inspector& f, lsn& x) { return f(x.value); }

/// PostgreSQL's form, `16/B374D848`; "" when unknown.
std::string to_string(const lsn& position);

/// Reads `16/B374D848`; nothing for any other text.
std::optional<lsn> parse_lsn(std::string_view text);

/// What the system's clock says.
instant system_time();

/// The nearest time that can be written down, which has a year of four digits. A time from outside may be any
/// number, and the difference to another one need not fit.
instant nearest_writable(instant at);

/// RFC 3339 in UTC with microseconds: `2026-11-22T00:10:00.000000Z`, of the nearest time that can be written
/// down; "" for the epoch itself, which means "never".
std::string to_string(const instant& at);

/// Reads what `to_string(instant)` writes; nothing for any other text.
std::optional<instant> parse_instant(std::string_view text);

} // namespace chasqui

template <> struct std::hash<chasqui::uuid> {
  std::size_t operator()(const chasqui::uuid& id) const noexcept {
    return std::hash<std::uint64_t>{}(id.high * 0x9E3779B97F4A7C15ULL ^ id.low);
  }
};
