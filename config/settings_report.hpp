#pragma once

#include "config/settings.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

/// Gathers what is wrong, and knows where each key was set last.
class settings_report {
public:
  /// `source` is the file that a key which nobody set is missing from.
  explicit settings_report(std::string source) : source_{std::move(source)} {}

  /// `key` was set at `place` (whose message is ignored); `error` is "" or what is wrong with it.
  void set(std::string_view key, const settings_error& place, const std::string& error);

  /// Something else is wrong there.
  void add(settings_error error) { errors_.push_back(std::move(error)); }

  /// What is wrong with `key` in the light of others. A key that has its error already is left in peace.
  void refuse(std::string_view key, const std::string& message);

  /// All errors: those of the file in its order, then the others.
  [[nodiscard]] std::vector<settings_error> take();

private:
  std::string source_;
  std::vector<settings_error> errors_;
  std::map<std::string_view, settings_error> places_;
  std::set<std::string_view> refused_;
};

/// Checks what one key alone cannot tell: what is required, and what contradicts itself.
void check_settings(const settings& s, settings_reader who, settings_report& report);

} // namespace chasqui
