#pragma once

// What the console prints: each message as a document, and a document as text.

#include "messages/event.hpp"
#include "messages/fault.hpp"
#include "messages/log.hpp"
#include "messages/reading.hpp"
#include "messages/status.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace chasqui {

/// `-o`.
enum class output_form : std::uint8_t { table, json, ndjson, tsv };

/// One table of a document.
struct section {
  std::string title; ///< "" for a table that speaks for itself.
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

/// One answer, in every form.
struct document {
  nlohmann::json json;                              ///< The whole.
  std::optional<std::vector<nlohmann::json>> items; ///< NDJSON has one a line; without them the whole is one.
  std::vector<section> sections;                    ///< Tables for people, and TSV.
};

/// The document's text, with a line feed at its end.
std::string render(const document& d, output_form form);

/// `now` is what ages are counted from.
document describe(const status_report& report, instant now);
document describe(const link_status& link, instant now);
document describe(const life& found);
document describe(const dead_letters& listed);
document describe(const dead_letter& letter);
document describe(const past_decisions& listed);
document describe(const reached& answer);

/// The rows that `chasqui read` found. Their values are printed digit for digit.
std::string rows_text(const found_rows& answer, output_form form);

/// One line of `chasqui events`; in the forms `json` and `ndjson` both, one JSON object.
std::string event_line(const event& e, output_form form);

/// What stands above the events: the header for TSV, nothing otherwise.
std::string event_header(output_form form);

/// The line that `chasqui submit` prints for a receipt.
std::string receipt_line(const receipt& r);

/// Why a line that was submitted came to nothing, or not far enough.
struct line_error {
  std::string code; ///< A fault's name, or the stage that a transaction ended in.
  std::string message;
  std::string field; ///< JSON path of the offending field; "" if none.
  std::string id{};  ///< Of the transaction, for whoever has to submit it again; "" if that is no use.
};

line_error to_line_error(const fault& f);

/// The error of a transaction that ended there while somebody waited for more; nothing for the stages on the
/// way.
std::optional<line_error> error_of_end(stage end, const uuid& id);

/// The line that `chasqui submit` prints for input line `line`; `kept` is its receipt, if it got as far.
std::string error_line(std::uint64_t line, const line_error& why, const receipt* kept = nullptr);

/// `12.3 s`, `4 min 10 s`, `3 h 20 min`, `2 d 4 h`.
std::string for_people(std::chrono::microseconds duration);

} // namespace chasqui
