#pragma once

// Entries that the index finds, and the terms that find them.

#include "messages/index_terms.hpp"
#include "tests/support/log_client.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace chasqui::test {

struct indexed_row {
  std::uint64_t id = 0;
  bool has_parent = false; ///< It is 7.
};

/// An insert of the row into `t`.
inline append_item item_of(std::uint64_t number, const indexed_row& row, const std::string& lane = "main") {
  auto item = test_item(number, lane);
  item.payload = R"({"id":"x","lane":")" + lane + R"(","steps":[{"op":"insert","table":"t","rows":[{"id":)" +
                 std::to_string(row.id) + (row.has_parent ? R"(,"parent_id":7)" : "") + "}]}]}";
  return item;
}

/// What finds such a row in lane `main`.
inline index_term row_term(const std::string& column, const std::string& value) {
  return term_of("main", term_kind::row, "t", column, index_value(value));
}

inline std::vector<seqno> seqs_of(const lookup_page& page) {
  std::vector<seqno> out;
  for (const auto& e : page.found.entries)
    out.push_back(e.seq);
  return out;
}

} // namespace chasqui::test
