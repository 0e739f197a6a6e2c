#include "messages/record_scan.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

namespace {

using values = std::vector<std::string>;

values values_of(std::string_view json) {
  values out;
  scan_values(json, [&](const scanned_value& value) {
    out.emplace_back(value.json);
    return true;
  });
  return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_string_ends_with_its_own_quote) {
  const values strings{R"("")",     R"("a")",        R"("\\")",     R"("\"")",
                       R"("\\\"")", R"("\\\"\\\\")", R"("a\\\\b")", R"(",]}")"};
  for (const auto& first : strings)
    for (const auto& second : strings)
      BOOST_TEST((values_of("[" + first + "," + second + "]") == values{first, second}),
                 first << " and " << second);
}

BOOST_AUTO_TEST_CASE(a_string_in_a_value_or_a_name_does_not_end_it) {
  const std::string inner = R"({"a\"}":["]\\",{"b":"}"}]})";
  BOOST_TEST((values_of("[" + inner + ",7]") == values{inner, "7"}));
  BOOST_TEST((values_of(R"({"a\"":1,"b\\":2})") == values{"1", "2"}));
}

// Read in a buffer of its own size, so that a sanitizer sees whoever reads on.
BOOST_AUTO_TEST_CASE(a_string_without_an_end_ends_with_the_text) {
  for (const std::string whole : {R"(["a\\","b]"])", R"({"a\\":"}","\"}":"}"})"}) {
    BOOST_TEST(values_of(whole).size() == 2U);
    for (std::size_t size = 1; size < whole.size(); ++size) {
      const std::vector<char> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      const std::string_view text{part.data(), part.size()};
      BOOST_TEST(values_of(text).size() <= 2U, text);
      BOOST_TEST(!scan_values(text, [](const scanned_value&) { return true; }), text);
    }
  }
}

} // namespace chasqui
