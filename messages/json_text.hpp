#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace chasqui {

/// Appends `text`, which is UTF-8, as a JSON string with its quotes.
void append_quoted(std::string& out, std::string_view text);

/// At most `bytes_max` bytes of UTF-8 `text`, whole characters only, with an ellipsis where some are missing.
std::string clip(std::string_view text, std::size_t bytes_max = 64);

/// Where in a document something stands; the text is made only when somebody has to read it. Each path refers
/// to its parent and must not outlive it.
class json_path {
public:
  json_path() = default;
  json_path(const json_path& parent, std::string_view name) : parent_{&parent}, name_{name} {}
  json_path(const json_path& parent, std::size_t index) : parent_{&parent}, index_{index}, is_index_{true} {}

  /// Such as `steps[2].where`; "" for the document itself.
  [[nodiscard]] std::string text() const;

private:
  const json_path* parent_ = nullptr;
  std::string_view name_;
  std::size_t index_ = 0;
  bool is_index_ = false;
};

} // namespace chasqui
