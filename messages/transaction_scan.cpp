#include "messages/transaction_scan.hpp"

#include "messages/record_scan.hpp"

#include <charconv>
#include <string>

namespace chasqui {

namespace {

class step_scan {
public:
  bool read(std::string_view text, step& out) {
    bool has_op = false;
    has_count_ = false;
    const bool whole = scan_values(text, [&](const scanned_value& field) {
      has_op = has_op || field.key == "op";
      return read_field(field, out);
    });
    if (!has_count_ && (out.op == step_op::update || out.op == step_op::erase))
      out.expect_rows = 1;
    return whole && has_op && !out.table.empty() && has_what_it_needs(out);
  }

private:
  bool read_field(const scanned_value& field, step& out) {
    if (field.key == "op")
      return read_op(field.json, out.op);
    if (field.key == "table")
      return read_text(field, out.table);
    if (field.key == "key")
      return scan_values(field.json,
                         [&](const auto& column) { return read_text(column, out.key.emplace_back()); });
    if (field.key == "rows")
      return scan_values(field.json,
                         [&](const auto& row) { return read_record(row, out.rows.emplace_back()); });
    if (field.key == "where")
      return read_record(field, out.where);
    if (field.key == "set")
      return read_record(field, out.set);
    return field.key == "expect_rows" && read_count(field.json, out.expect_rows);
  }

  static bool read_op(std::string_view text, step_op& out) {
    if (text == R"("insert")")
      out = step_op::insert;
    else if (text == R"("upsert")")
      out = step_op::upsert;
    else if (text == R"("update")")
      out = step_op::update;
    else if (text == R"("delete")")
      out = step_op::erase;
    else
      return false;
    return true;
  }

  bool read_text(const scanned_value& value, std::string& out) {
    out = text_of(value, room_);
    return value.kind == json_kind::string;
  }

  bool read_record(const scanned_value& value, record& out) {
    out.json = value.json;
    return value.kind == json_kind::object && scan_values(value.json, [&](const scanned_value& column) {
             out.columns.emplace_back(name_of(column, room_));
             if (column.kind == json_kind::null)
               out.null_columns.push_back(out.columns.back());
             return true;
           });
  }

  bool read_count(std::string_view text, std::int64_t& out) {
    has_count_ = true;
    if (text == "null") {
      out = any_rows;
      return true;
    }
    const auto* last = text.data() + text.size();
    return std::from_chars(text.data(), last, out).ptr == last && out >= 0;
  }

  static bool has_what_it_needs(const step& s) {
    switch (s.op) {
    case step_op::insert:
      return !s.rows.empty();
    case step_op::upsert:
      return !s.rows.empty() && !s.key.empty();
    case step_op::update:
      return !s.set.columns.empty() && !s.where.columns.empty();
    case step_op::erase:
      return !s.where.columns.empty();
    }
    return false;
  }

  std::string room_;
  bool has_count_ = false;
};

} // namespace

std::optional<std::vector<step>> scan_steps(std::string_view payload) {
  std::vector<step> steps;
  step_scan scan;
  const bool whole = payload.starts_with('{') && scan_values(payload, [&](const scanned_value& field) {
                       return field.key != "steps" || (field.kind == json_kind::array &&
                                                       scan_values(field.json, [&](const auto& one) {
                                                         return scan.read(one.json, steps.emplace_back());
                                                       }));
                     });
  if (!whole || steps.empty())
    return std::nullopt;
  return steps;
}

} // namespace chasqui
