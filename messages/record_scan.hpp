#pragma once

#include "messages/json_tape.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace chasqui {

/// A value within a JSON text.
struct scanned_value {
  json_kind kind = json_kind::null;
  std::string_view json; ///< As it stands there: a string with its quotes.
  std::string_view key;  ///< Within an object: its name, as it stands there without the quotes.
};

/// Goes over the values of a JSON object or array in canonical form (no white space), as `record::json` and
/// the payloads of the log are: the values of a record are those of its `columns`, in their order. It reads
/// nothing twice and keeps nothing. Of a text in another form it makes something or nothing, and no harm.
class record_scan {
public:
  explicit record_scan(std::string_view json) : json_{json}, is_object_{json.starts_with('{')} {}

  /// The next one; false at the end.
  bool next(scanned_value& out);

  /// After the last one: whether the text ends there, with the bracket that it began with.
  [[nodiscard]] bool is_whole() const {
    return at_ + 1 == json_.size() && json_.back() == (is_object_ ? '}' : ']');
  }

private:
  [[nodiscard]] char here() const { return at_ < json_.size() ? json_[at_] : '\0'; }
  [[nodiscard]] bool is_at_end() const { return at_ >= json_.size(); }
  void skip_string();
  void skip_value();

  std::string_view json_;
  std::size_t at_ = 1;
  bool is_object_;
};

/// Calls `each` with every value until it says false. Whether it never did, and the text is whole.
template <class Each> bool scan_values(std::string_view json, Each each) {
  record_scan scan{json};
  scanned_value value;
  while (scan.next(value))
    if (!each(value))
      return false;
  return scan.is_whole();
}

/// What a value is as a text: a string without quotes and escapes, anything else as it stands. The answer
/// looks into `value` or `room`.
std::string_view text_of(const scanned_value& value, std::string& room);

/// Its key without escapes, likewise.
std::string_view name_of(const scanned_value& value, std::string& room);

} // namespace chasqui
