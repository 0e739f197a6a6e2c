#pragma once

#include "messages/json.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace chasqui {

inline constexpr std::string_view canonical =
    R"({"id":"0197a4e2-8c1d-7000-8000-5f2a6b3c4d5e","lane":"main","origin":"tcs",)"
    R"("depends_on":["0197a4e2-8c1d-7000-8000-5f2a6b3c4d50"],"steps":[)"
    R"({"op":"insert","table":"executed_obs_unit",)"
    R"("rows":[{"id":"a","obs_unit_id":4711,"status":"running","note":null},{"id":"b"}]},)"
    R"({"op":"update","table":"public.executed_obs_unit","where":{"id":"a","end_time":null},)"
    R"("set":{"status":"completed"},"expect_rows":2},)"
    R"({"op":"upsert","table":"raw_data_file","key":["id","part"],"rows":[{"id":"c","part":1,"name":"x"}]},)"
    R"({"op":"delete","table":"raw_data_file","where":{"id":"d"},"expect_rows":null}]})";

inline transaction decoded(std::string_view json, const transaction_limits& limits = {}) {
  auto result = decode_transaction(json, limits);
  if (const auto* f = std::get_if<fault>(&result))
    BOOST_FAIL("refused: " << f->message << "\n" << json);
  return std::get<transaction>(std::move(result));
}

inline fault refused(std::string_view json, const transaction_limits& limits = {}) {
  auto result = decode_transaction(json, limits);
  if (!std::holds_alternative<fault>(result))
    BOOST_FAIL("taken: " << json);
  return std::get<fault>(std::move(result));
}

inline std::string with_steps(std::string_view steps) { return R"({"steps":[)" + std::string{steps} + "]}"; }

inline std::string with_value(std::string_view value) {
  return with_steps(R"({"op":"insert","table":"t","rows":[{"x":)" + std::string{value} + "}]}");
}

inline std::string with_table(std::string_view table) {
  return with_steps(R"({"op":"delete","table":")" + std::string{table} + R"(","where":{"x":1}})");
}

inline std::string with_field(std::string_view name, std::string_view value) {
  return "{\"" + std::string{name} + "\":" + std::string{value} +
         R"(,"steps":[{"op":"delete","table":"t","where":{"x":1}}]})";
}

inline std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i)
    all += text;
  return all;
}

} // namespace chasqui
