#include "runtime/console/options.hpp"

#include "runtime/console_lines.hpp"

#include <CLI/CLI.hpp>

#include <charconv>

namespace chasqui {

void add_timeout(CLI::App& command, std::chrono::milliseconds& timeout, const std::string& description) {
  const auto read = [&timeout](const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration)
      throw CLI::ValidationError("--timeout", "'" + text + "' is no duration, such as 500ms, 30s, 5m or 1h");
    timeout = *duration;
  };
  command.add_option_function<std::string>("--timeout", read, description)
      ->type_name("DURATION")
      ->default_str(std::to_string(timeout.count() / 1000) + "s");
}

void add_number(CLI::App& command, const std::string& name, std::uint64_t& number,
                const std::string& description) {
  const auto read = [&number, name](const std::string& text) {
    const auto* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end || number == 0)
      throw CLI::ValidationError(name, "'" + text + "' is no whole number from 1 to 18446744073709551615");
  };
  command.add_option_function<std::string>(name, read, description)->type_name("NUMBER");
}

void add_id(CLI::App& command, const std::string& name, uuid& id) {
  const auto read = [&id](const std::string& text) {
    const auto parsed = parse_uuid(text);
    if (!parsed)
      throw CLI::ValidationError("ID", "'" + text + "' is no UUID");
    id = *parsed;
  };
  auto* const option = command.add_option_function<std::string>(name, read, "A transaction's id");
  option->type_name("UUID")->required(!name.starts_with('-'));
}

} // namespace chasqui
