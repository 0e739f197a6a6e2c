#include <boost/test/unit_test.hpp>

#include "messages/json.hpp"
#include "runtime/console_format.hpp"
#include "runtime/console_lines.hpp"

#include <algorithm>

using namespace chasqui;
using namespace std::chrono_literals;

namespace {

constexpr uuid some_id{1, 2};
constexpr auto some_id_text = "00000000-0000-0001-0000-000000000002";
constexpr instant noon{1'795'305'600'000'000us};

status_report some_status() {
  status_report r;
  r.site = "atacama";
  r.version = "0.1.0";
  r.link = {link_phase::backing_off, noon - 90s, 3, noon + 2s, "link_lost: reset\nby peer"};
  r.log.lanes.push_back({"main", 2, 100, 90, 80, 70, 60, 3700});
  r.log.store = {store_kind::redis, durability::fsynced, "open"};
  r.replica.state = "streaming";
  r.actors = {{"buffer", "running", 1}};
  return r;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// All lines that the splitter gives for these chunks, as `number:text`, or `number!` for those too long.
std::string split(line_splitter splitter, const std::vector<std::string>& chunks) {
  std::string all;
  const auto take = [&] {
    while (const auto line = splitter.next())
      all += std::to_string(line->number) + (line->too_long ? "!" : ":" + line->text) + ' ';
  };
  for (const auto& chunk : chunks) {
    splitter.feed(chunk);
    take();
  }
  splitter.finish();
  take();
  return all;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_table_has_its_columns_under_each_other_whatever_the_bytes_of_a_letter) {
  const document d{nullptr, std::nullopt, {{"", {"name", "n"}, {{"Köln", "1"}, {"Chajnantor", "2"}}}}};
  BOOST_TEST(render(d, output_form::table) == "name        n\nKöln        1\nChajnantor  2\n");
}

BOOST_AUTO_TEST_CASE(text_of_others_neither_steers_the_terminal_nor_breaks_a_row) {
  const document d{nullptr, std::nullopt, {{"", {}, {{"a\tb\n\x1b[2J\\", "c"}}}}};
  BOOST_TEST(render(d, output_form::table) == "a\\tb\\n\\x1b[2J\\\\  c\n");
  BOOST_TEST(render(d, output_form::tsv) == "a\\tb\\n\\x1b[2J\\\\\tc\n");
}

BOOST_AUTO_TEST_CASE(text_that_is_no_utf8_is_printed_all_the_same) {
  const document d{{{"message", "a\xff"}}, std::nullopt, {}};
  BOOST_TEST(render(d, output_form::ndjson) == "{\"message\":\"a\xEF\xBF\xBD\"}\n");
}

BOOST_AUTO_TEST_CASE(tsv_keeps_an_empty_first_cell) {
  const document d{nullptr, std::nullopt, {{"", {"a", "b", "c"}, {{"", "", "x"}}}}};
  BOOST_TEST(render(d, output_form::tsv) == "a\tb\tc\n\t\tx\n");
}

BOOST_AUTO_TEST_CASE(a_status_tells_people_since_when_why_and_what_next) {
  const auto text = render(describe(some_status(), noon), output_form::table);
  BOOST_TEST(has(text, "link      backing_off\n"));
  BOOST_TEST(has(text, "(1 min 30 s ago)"));
  BOOST_TEST(has(text, "(in 2.0 s)"));
  BOOST_TEST(has(text, "link_lost: reset\\nby peer"));
  BOOST_TEST(has(text, "main  2      100   90    80         70          60        30       1 h 1 min\n"));
  BOOST_TEST(has(text, "redis, fsynced, open"));
  BOOST_TEST(has(text, "-, timeline unknown"));
  BOOST_TEST(has(text, "buffer  running  1\n"));
}

BOOST_AUTO_TEST_CASE(json_is_one_object_and_carries_its_version) {
  const auto status = nlohmann::json::parse(render(describe(some_status(), noon), output_form::json));
  BOOST_TEST(status.at("schema_version") == 1);
  BOOST_TEST(status.at("lanes").at(0).at("pending") == 30);
  const auto link = nlohmann::json::parse(render(describe(some_status().link, noon), output_form::ndjson));
  BOOST_TEST(link.at("schema_version") == 1);
  BOOST_TEST(link.at("phase") == "backing_off");
  const auto answer = describe(reached{condition::transaction, stage::committed});
  BOOST_TEST(render(answer, output_form::ndjson) ==
             "{\"condition\":\"transaction\",\"schema_version\":1,\"stage\":\"committed\"}\n");
  BOOST_TEST(render(answer, output_form::table) == "committed\n");
}

BOOST_AUTO_TEST_CASE(dead_letters_are_one_object_in_json_and_one_a_line_in_ndjson) {
  dead_letters listed;
  listed.total = 7;
  listed.letters = {{{"main", 3, some_id, "23505", "duplicate", noon}, "{\"steps\":[]}"},
                    {{"main", 4, some_id, "23503", "no parent", noon}, ""}};
  const auto whole = nlohmann::json::parse(render(describe(listed), output_form::json));
  BOOST_TEST(whole.at("total") == 7);
  BOOST_TEST(whole.at("dead_letters").size() == 2U);
  const auto lines = render(describe(listed), output_form::ndjson);
  BOOST_TEST(std::count(lines.begin(), lines.end(), '\n') == 2);
  BOOST_TEST(nlohmann::json::parse(lines.substr(0, lines.find('\n'))).at("schema_version") == 1);
  BOOST_TEST(render(describe(dead_letters{}), output_form::ndjson) == "");
}

BOOST_AUTO_TEST_CASE(an_event_is_one_line_in_every_form) {
  const event e{12, noon, event_kind::rejected, "main", 3, 3, some_id, "23505\nduplicate"};
  BOOST_TEST(event_line(e, output_form::table) ==
             "12  " + to_string(noon) + "  rejected    main 3 " + some_id_text + "  23505\\nduplicate\n");
  BOOST_TEST(event_line(e, output_form::tsv) ==
             "12\t" + to_string(noon) + "\trejected\tmain\t3\t3\t" + some_id_text + "\t23505\\nduplicate\n");
  BOOST_TEST(event_line(e, output_form::json) == event_line(e, output_form::ndjson));
  BOOST_TEST(nlohmann::json::parse(event_line(e, output_form::ndjson)).at("number") == 12);
  const event range{13, noon, event_kind::buffered, "main", 3, 9, {}, ""};
  BOOST_TEST(has(event_line(range, output_form::table), "main 3..9\n"));
}

BOOST_AUTO_TEST_CASE(an_error_line_names_the_line_the_field_and_what_was_kept) {
  const auto plain = nlohmann::json::parse(error_line(5, {"over_limit", "Too long.", ""}));
  BOOST_TEST(plain ==
             (nlohmann::json{{"error", {{"code", "over_limit"}, {"message", "Too long."}, {"line", 5}}}}));
  receipt kept;
  kept.seq = 9;
  const auto full = nlohmann::json::parse(error_line(5, {"timed_out", "Late.", "steps"}, &kept));
  BOOST_TEST(full.at("error").at("field") == "steps");
  BOOST_TEST(full.at("error").at("receipt").at("seq") == 9);
}

BOOST_AUTO_TEST_CASE(a_transaction_without_an_id_gets_one_before_it_is_sent) {
  const std::string steps = R"("steps":[{"op":"insert","table":"t","rows":[{"id":1}]}]})";
  const uuid fresh{7, 9};
  const transaction_limits limits;
  const auto given = identify(" { " + steps, fresh, limits);
  BOOST_TEST(given.id == to_string(fresh));
  BOOST_TEST(nlohmann::json::parse(given.text).at("id") == to_string(fresh));
  const auto decoded = decode_transaction(given.text, limits);
  BOOST_REQUIRE(std::holds_alternative<transaction>(decoded));
  BOOST_TEST((std::get<transaction>(decoded).id == fresh));
  const auto own = R"({"id":")" + to_string(some_id) + R"(",)" + steps;
  BOOST_TEST(identify(own, fresh, limits).text == own);
  BOOST_TEST(identify(own, fresh, limits).id == to_string(some_id));
  BOOST_TEST(identify("{", fresh, limits).text == "{");
  BOOST_TEST(identify("{", fresh, limits).id == "");
  transaction_limits narrow;
  narrow.bytes_max = steps.size() + 1;
  BOOST_TEST(identify("{" + steps, fresh, narrow).text == "{" + steps);
}

BOOST_AUTO_TEST_CASE(only_the_stages_off_the_way_are_an_error_to_whoever_waits) {
  for (const auto on_the_way :
       {stage::buffered, stage::sent, stage::committed, stage::replicated, stage::released})
    BOOST_TEST(!error_of_end(on_the_way, some_id).has_value());
  for (const auto off : {stage::rejected, stage::parked, stage::discarded})
    BOOST_TEST(error_of_end(off, some_id).value().code == to_string(off));
}

BOOST_AUTO_TEST_CASE(durations_are_told_in_two_units_at_most) {
  BOOST_TEST(for_people(-5s) == "0.0 s");
  BOOST_TEST(for_people(12'340ms) == "12.3 s");
  BOOST_TEST(for_people(250s) == "4 min 10 s");
  BOOST_TEST(for_people(200min) == "3 h 20 min");
  BOOST_TEST(for_people(52h) == "2 d 4 h");
}

BOOST_AUTO_TEST_CASE(a_duration_has_a_whole_number_and_a_unit) {
  BOOST_CHECK(parse_duration("500ms") == 500ms);
  BOOST_CHECK(parse_duration("30s") == 30s);
  BOOST_CHECK(parse_duration("5m") == 5min);
  BOOST_CHECK(parse_duration("1h") == 1h);
  for (const auto* const bad : {"", "30", "s", "0s", "-1s", "1.5s", "1 s", "1d", "1sx",
                                "99999999999999999999s", "9000000000000000h", "9000h"})
    BOOST_TEST(!parse_duration(bad).has_value(), bad);
}

BOOST_AUTO_TEST_CASE(lines_are_cut_alike_however_they_are_read) {
  const std::string text = "a\n\nbb\r\n  \nccc";
  const std::string expected = "1:a 3:bb\r 5:ccc ";
  BOOST_TEST(split(line_splitter{10}, {text}) == expected);
  for (std::size_t cut = 0; cut <= text.size(); ++cut)
    BOOST_TEST(split(line_splitter{10}, {text.substr(0, cut), text.substr(cut)}) == expected,
               "cut at " << cut);
  std::vector<std::string> letters;
  for (const char c : text)
    letters.emplace_back(1, c);
  BOOST_TEST(split(line_splitter{10}, letters) == expected);
}

BOOST_AUTO_TEST_CASE(a_line_beyond_the_limit_is_told_and_the_next_one_is_whole) {
  BOOST_TEST(split(line_splitter{3}, {"abc\nabcd\nabc"}) == "1:abc 2! 3:abc ");
  BOOST_TEST(split(line_splitter{3}, {"ab", "cd", "ef", "gh\nx\n"}) == "1! 2:x ");
  BOOST_TEST(split(line_splitter{3}, {"abcd"}) == "1! ");
}

BOOST_AUTO_TEST_CASE(results_leave_in_the_order_of_their_tickets) {
  ordered_results results;
  const auto first = results.take_ticket();
  const auto second = results.take_ticket();
  results.settle(second, "2");
  BOOST_TEST(!results.next().has_value());
  BOOST_TEST(results.open() == 2U);
  results.settle(first, "1");
  results.settle(first, "again");
  BOOST_TEST(results.next().value() == "1");
  BOOST_TEST(results.next().value() == "2");
  results.settle(first, "late");
  BOOST_TEST(!results.next().has_value());
  BOOST_TEST(results.open() == 0U);
}
