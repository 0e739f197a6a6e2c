#pragma once

// Lines in and lines out of `chasqui submit`, without the reading and the writing.

#include "messages/transaction.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace chasqui {

/// Cuts what was read into lines, and never keeps more of a line than the limit.
class line_splitter {
public:
  struct line {
    std::uint64_t number = 0; ///< From 1; blank lines count, though they are left out.
    std::string text;         ///< Empty when it is too long.
    bool too_long = false;
  };

  explicit line_splitter(std::size_t bytes_max) : bytes_max_{bytes_max} {}

  /// More was read; call it when `next` has nothing left, or memory grows.
  void feed(std::string_view chunk) { chunk_.erase(0, at_).append(chunk), at_ = 0; }

  /// Nothing more comes: what stands behind the last line feed is a line, too.
  void finish() { finished_ = true; }

  /// The next line that is complete and not blank.
  std::optional<line> next();

  /// The number of the last line that `next` gave, or left out.
  [[nodiscard]] std::uint64_t last_number() const { return number_; }

private:
  std::optional<line> next_of_any_kind();
  void keep(std::string_view part);

  std::size_t bytes_max_;
  std::string chunk_;
  std::size_t at_ = 0;
  std::string partial_;
  bool too_long_ = false;
  bool finished_ = false;
  std::uint64_t number_ = 0;
};

/// Results that come in any order and leave in the order of their tickets.
class ordered_results {
public:
  /// Takes the next place in the row.
  std::uint64_t take_ticket();

  /// The result for a ticket; only the first counts.
  void settle(std::uint64_t ticket, std::string line);

  /// The line that is next, once it is there.
  std::optional<std::string> next();

  /// Tickets whose line has not left.
  [[nodiscard]] std::size_t open() const { return places_.size(); }

private:
  std::deque<std::optional<std::string>> places_;
  std::uint64_t first_ = 0;
};

/// A line of `submit` and the id that stands in it.
struct identified_line {
  std::string text;
  std::string id; ///< "" if the line is no transaction.
};

/// Gives the transaction in a line the id `fresh` unless it has one, or is none, or would be too long then:
/// whoever is not told what became of it can submit it again.
identified_line identify(std::string text, uuid fresh, const transaction_limits& limits);

/// Reads `500ms`, `30s`, `5m`, `1h`: a positive whole number and its unit, a year at most.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

} // namespace chasqui
