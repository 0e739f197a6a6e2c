// The documents that the console prints and others read back (`from_json`): what is read is printed the same
// again.

#include "messages/json.hpp"
#include "runtime/console_format.hpp"
#include "tests/fuzz/promise.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace chasqui {

namespace {

constexpr auto forms = {output_form::table, output_form::json, output_form::ndjson, output_form::tsv};

/// What `j` says, if it is a document of this kind; nothing but JSON's own exceptions may come of any other.
template <class T> std::optional<T> read(const nlohmann::json& j) {
  try {
    T value;
    from_json(j, value);
    return value;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

/// No whole number was cut short on the way from `read` to `printed`, which has the same form.
void check_numbers(const nlohmann::json& read, const nlohmann::json& printed) {
  if (printed.is_number_unsigned())
    promise(read.dump() == printed.dump(), "a number is printed as it was read");
  if (printed.is_array() && read.is_array())
    for (std::size_t i = 0; i < printed.size(); ++i)
      check_numbers(read.at(i), printed.at(i));
  if (!printed.is_object() || !read.is_object())
    return;
  for (const auto& [name, value] : printed.items())
    if (name != "schema_version" && name != "pending" && name != "transaction" && read.contains(name))
      check_numbers(read.at(name), value);
}

template <class T> std::optional<T> check(const nlohmann::json& j) {
  const auto value = read<T>(j);
  if (!value)
    return std::nullopt;
  const nlohmann::json document = *value;
  check_numbers(j, document);
  const auto again = read<T>(nlohmann::json::parse(document.dump()));
  promise(again.has_value(), "a document that is printed can be read");
  promise(nlohmann::json(*again).dump() == document.dump(), "a document is read as it was printed");
  return value;
}

void check_text(const std::string& text) { promise(is_utf8(text) && text.ends_with('\n'), "lines are text"); }

void check_all(const nlohmann::json& j) {
  const instant now{std::chrono::hours{500'000}};
  if (const auto found = check<receipt>(j))
    check_text(receipt_line(*found));
  if (const auto found = check<fault>(j))
    check_text(error_line(1, to_line_error(*found)));
  const auto happened = check<event>(j);
  const auto lived = check<life>(j);
  const auto letter = check<dead_letter>(j);
  const auto decided = check<past_decision>(j);
  const auto status = check<status_report>(j);
  for (const auto form : forms) {
    if (happened)
      check_text(event_line(*happened, form));
    if (lived)
      check_text(render(describe(*lived), form));
    if (letter)
      check_text(render(describe(*letter), form));
    if (decided)
      check_text(render(describe(past_decisions{{*decided}}), form));
    if (status)
      check_text(render(describe(*status, now), form));
  }
}

} // namespace

} // namespace chasqui

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  const auto j = nlohmann::json::parse(std::string_view{data, size}, nullptr, false);
  if (!j.is_discarded())
    chasqui::check_all(j);
  return 0;
}
